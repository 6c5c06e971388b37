"""Draws lanes of blocks over a common axis of time: what each stage of a pipeline does when."""

from __future__ import annotations

import math

from groundup.facts.figures import Bar, Lane, Lanes
from groundup.planner.report.curves import tick_texts
from groundup.planner.report.legend import Palette, draw_legend, palette
from groundup.planner.report.scale import Scale, axis, short
from groundup.planner.report.svg import (
    SIZE,
    WIDE,
    box,
    drawing,
    line,
    text_width,
    words,
    wrap,
)

_ROW, _GAP = 18.0, 2.0
_DENSE = 24
"""More lanes than this are drawn thinner."""
_LABELS = 0.2
"""Share of the width that labels may take."""


def draw_lanes(figure: Lanes) -> str:
    """The figure as SVG; empty where no lane has a block."""
    lanes = [_finite(lane) for lane in figure.lanes]
    ends = [end for lane in lanes for start, end, _ in lane.blocks for end in (start, end)]
    if not ends:
        return ""
    shown = palette([_sums(lane) for lane in lanes])
    legend, top = draw_legend(shown, WIDE)
    labels = [wrap(lane.label, WIDE * _LABELS, 1)[0] for lane in lanes]
    left = max(text_width(label) for label in labels) + 10
    scale = axis([min(0.0, *ends), *ends], left, WIDE - 16, about=9)
    row = _ROW if len(lanes) <= _DENSE else _ROW * _DENSE / len(lanes)
    bottom = top + row * len(lanes)
    parts = [*legend, *(line(scale(t), top, scale(t), bottom, "grid") for t in scale.ticks)]
    for i, (lane, label) in enumerate(zip(lanes, labels, strict=True)):
        parts += _lane(lane, label, shown, scale, top + i * row, row, figure.unit)
    parts.append(line(scale.start, bottom, scale.end, bottom, "axis"))
    parts += tick_texts(scale, bottom + 15)
    parts.append(words(scale.end, bottom + 31, figure.unit, "axis-label", "end"))
    return drawing(f"{figure.title}, in {figure.unit}", WIDE, bottom + 37, parts)


def _finite(lane: Lane) -> Lane:
    kept = tuple(b for b in lane.blocks if math.isfinite(b[0]) and math.isfinite(b[1]))
    return Lane(lane.label, kept)


def _sums(lane: Lane) -> Bar:
    """Time by kind, which orders and colours the legend."""
    sums: dict[str, float] = {}
    for start, end, kind in lane.blocks:
        sums[kind] = sums.get(kind, 0.0) + end - start
    return Bar(lane.label, tuple(sums.items()))


def _lane(
    lane: Lane, label: str, shown: Palette, scale: Scale, y: float, row: float, unit: str
) -> list[str]:
    size = min(SIZE, row)
    parts = [words(scale.start - 8, y + row / 2 + size * 0.36, label, "label", "end")]
    for start, end, kind in lane.blocks:
        hint = f"{label}, {kind}: {short(start)} to {short(end)} {unit}"
        wide = max(scale(end) - scale(start), 0.4)
        style = f"part {shown.styles.get(kind, 'rest')}"
        parts.append(box(scale(start), y + _GAP / 2, wide, row - _GAP, style, hint))
    return parts
