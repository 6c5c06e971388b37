"""Draws any figure of a floor in its frame: title, drawing, note."""

from __future__ import annotations

from groundup.facts.figures import (
    Bars,
    Curves,
    Figure,
    Flow,
    Lanes,
    Table,
    Tiers,
    Timeline,
    Tornado,
)
from groundup.planner.report.bars import draw_bars
from groundup.planner.report.curves import draw_curves
from groundup.planner.report.derivation import Derivations, linked
from groundup.planner.report.flow import draw_flow
from groundup.planner.report.lanes import draw_lanes
from groundup.planner.report.svg import escape
from groundup.planner.report.table import draw_table, is_wide
from groundup.planner.report.tiers import draw_tiers
from groundup.planner.report.timeline import draw_timeline
from groundup.planner.report.tornado import draw_tornado


def draw(figure: Figure, derivations: Derivations) -> str:
    """One `<figure>`; a figure without anything to draw says "no data"."""
    if isinstance(figure, Table):
        inside, caption = draw_table(figure, derivations), ""
        wide = is_wide(figure)
    else:
        inside = _svg(figure)
        wide = 'class="wide"' in inside[:200]
        inside = f'<div class="scroll">{inside}</div>' if inside else '<p class="none">no data</p>'
        caption = f"<figcaption>{escape(figure.title)}</figcaption>"
    note = f'<p class="note">{linked(figure.note)}</p>' if figure.note else ""
    return f'<figure class="{"wide" if wide else "half"}">{caption}{inside}{note}</figure>'


def _svg(figure: Curves | Bars | Flow | Tiers | Timeline | Lanes | Tornado) -> str:
    if isinstance(figure, Curves):
        return draw_curves(figure)
    if isinstance(figure, Bars):
        return draw_bars(figure)
    if isinstance(figure, Flow):
        return draw_flow(figure)
    if isinstance(figure, Tiers):
        return draw_tiers(figure)
    if isinstance(figure, Lanes):
        return draw_lanes(figure)
    if isinstance(figure, Tornado):
        return draw_tornado(figure)
    return draw_timeline(figure)
