"""Months and a what-if as figures of the report: what moved, what runs, what is short."""

from __future__ import annotations

import numpy as np

from groundup.facts.estimate import Estimate
from groundup.facts.figures import Curves, Figure, Line, Table, banded
from groundup.planner.months import NOTHING, Schedule, last_change
from groundup.planner.what_if import WhatIf
from groundup.planner.what_if_text import change_text, felt_paths, in_short

_MOST_LINES = 8
"""Shortages that are drawn; more cannot be told apart."""
_MONTH = "month after the order"
_LATER = 6
"""Months drawn after the last change at nominal values; slower draws go on longer."""


def what_if_figures(result: WhatIf) -> tuple[Figure, ...]:
    """Cells that moved; accelerators that run, before and after; output left by each shortage."""
    found: list[Figure] = []
    first, second = result.months_before, result.months_after
    if result.moved:
        found.append(_moved(result))
    if first is not None and second is not None:
        shown = min(second.months, last_change(first, second) + _LATER)
        lines = (
            _ready("as planned", first.delivered, first, shown),
            _ready("changed", second.delivered, second, shown),
        )
        found.append(Curves("Accelerators that run", _MONTH, "accelerators", lines))
        found += [figure for figure in (_shortages(second, shown),) if figure is not None]
        found += month_figures(second, "Accelerators that each floor is ready for, changed")
    return tuple(found)


def month_figures(found: Schedule, title: str) -> tuple[Figure, ...]:
    """Delivered accelerators by floor over the months, and what binds when."""
    shown = min(found.months, last_change(found) + _LATER)
    lines = tuple(_ready(name, ready, found, shown) for name, ready in found.ready.items())
    note = "Each floor on its own, at most what is asked for; the least of them runs."
    curves = Curves(title, _MONTH, "accelerators", lines, note=note)
    spans = Table(
        "What binds in each month",
        ("months", "floor", "share of draws [%]"),
        tuple(_runs(found)),
        "The floor that has delivered for the fewest accelerators; "
        f"`{NOTHING}` once all of them run.",
    )
    return curves, spans


def _moved(result: WhatIf) -> Table:
    rows = tuple(
        (pair.cell, pair.before, pair.after, change_text(pair)) for pair in in_short(result.moved)
    )
    return Table(
        "What moves",
        ("cell", "before", "after", "change"),
        rows,
        "What if " + "; ".join(result.said) + ". Both plans use the same random numbers.",
    )


def _shortages(found: Schedule, shown: int) -> Curves | None:
    """Share of a normal month that each felt shortage leaves, in the months shown."""
    felt = felt_paths(found)
    if not felt:
        return None
    lines = tuple(
        Line(
            f"{path.material}, {path.via}",
            _months(shown),
            tuple((100 * path.shares.values[:shown]).tolist()),
        )
        for path in felt[:_MOST_LINES]
    )
    others = f"; {len(felt) - _MOST_LINES} weaker ones are left out" * (len(felt) > _MOST_LINES)
    return Curves(
        "What each shortage leaves", _MONTH, "share of a normal month's output [%]", lines,
        note=f"By material and the part that needs it{others}.",
    )  # fmt: skip


def _ready(name: str, ready: Estimate, found: Schedule, shown: int) -> Line:
    """Nominal values and the middle nine tenths of the draws, at most what is asked for."""
    capped = np.minimum(ready.samples, found.count.samples)[:shown]
    return banded(name, _months(shown), capped)


def _months(shown: int) -> tuple[float, ...]:
    return tuple(float(month + 1) for month in range(shown))


def _runs(found: Schedule) -> list[tuple[str, str, float]]:
    """Consecutive months with one binding floor as one row."""
    rows: list[tuple[str, str, float]] = []
    start = 0
    for month in range(1, found.months + 1):
        if month == found.months or found.binding[month] != found.binding[start]:
            share = 100 * sum(found.certainty[start:month]) / (month - start)
            months = f"{start + 1}" if month == start + 1 else f"{start + 1}-{month}"
            rows.append((months, found.binding[start], share))
            start = month
    return rows
