"""Tornado: how far a result moves when one assumption alone goes from its low to its high end.

Which assumptions matter is found from the plan's draws (rank correlation); their swings are then
planned exactly, one assumption at a time, all in one pass: draw 2i+1 has the i-th fact at its 5 %
quantile, draw 2i+2 at its 95 % quantile, and every other fact at its nominal value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from groundup.facts.estimate import Array, Estimate, given
from groundup.facts.fact import Fact
from groundup.facts.figures import Swing, Tornado
from groundup.planner.explain_cell import look_up
from groundup.planner.plan import Plan
from groundup.planner.report.weakest import weakest
from groundup.planner.totals import TITLES
from groundup.planner.words import quantity, readable

Replan = Callable[[Mapping[str, Array]], Plan]
"""Plans the same stack with these draws of some facts, all others nominal."""
HEADLINES = ("totals.usd_per_million_tokens", "totals.usd_training", "totals.training_days")
"""What a report shows a tornado of."""
_QUANTILE_DRAWS = 4000
"""Draws behind the quantiles of one fact: their error is far below the width of a drawn bar."""
_VISIBLE = 1e-3
"""Swings below this share of the result are not worth a line."""


def tornados(
    plan: Plan, replan: Replan, cells: Sequence[str] = HEADLINES, most: int = 12
) -> tuple[Tornado, ...]:
    """A tornado of each cell that the plan has, widest swings first; none without draws.

    Raises ConfigError for a cell that no plan has.
    """
    found = {cell: look_up(plan, cell)[1] for cell in cells}
    results = {cell: value for cell, value in found.items() if value is not None}
    facts = _suspects(results, most)
    if not facts:
        return ()
    ends = {fact.key: Estimate.of(fact, _QUANTILE_DRAWS) for fact in facts}
    moved = replan(design(ends))
    return tuple(
        _tornado(cell, value, look_up(moved, cell)[1], facts, ends, most)
        for cell, value in results.items()
    )


def design(ends: Mapping[str, Estimate]) -> dict[str, Array]:
    """Draws of each fact that move it alone: nominal but for one low and one high place."""
    width = 2 * len(ends) + 1
    draws = {}
    for i, (key, estimate) in enumerate(ends.items()):
        draws[key] = np.full(width, estimate.value)
        draws[key][2 * i + 1], draws[key][2 * i + 2] = estimate.low, estimate.high
    return draws


def _suspects(results: Mapping[str, Estimate], most: int) -> list[Fact]:
    """Facts that explain some of the spread of a result, strongest first, each once."""
    found: dict[str, Fact] = {}
    for cell, value in results.items():
        for item in weakest({cell: value}, most, (cell,)):
            found.setdefault(item.fact.key, item.fact)
    return list(found.values())


def _tornado(
    cell: str,
    value: Estimate,
    moved: Estimate | None,
    facts: Sequence[Fact],
    ends: Mapping[str, Estimate],
    most: int,
) -> Tornado:
    shown = readable(value)
    unit = str(shown.unit)
    middle = shown.value
    width = 2 * len(facts) + 1
    at = np.full(width, middle)
    if moved is not None:
        at = np.broadcast_to(moved.to(unit).samples.reshape(-1), (width,))
    swings = [
        Swing(
            fact.key, float(at[2 * i + 1]), float(at[2 * i + 2]),
            _end(ends[fact.key], fact, low=True), _end(ends[fact.key], fact, low=False),
        )
        for i, fact in enumerate(facts)
    ]  # fmt: skip
    swings = [s for s in swings if abs(s.high - s.low) > _VISIBLE * abs(middle)]
    swings.sort(key=lambda swing: -abs(swing.high - swing.low))
    name = cell.removeprefix("totals.")
    title = f"What moves {TITLES.get(name, name.replace('_', ' '))}"
    note = "Each fact alone at its 5 % and 95 % quantile; every other at its nominal value."
    return Tornado(title, unit, middle, tuple(swings[:most]), note)


def _end(estimate: Estimate, fact: Fact, low: bool) -> str:
    return _said(estimate.low if low else estimate.high, fact.unit)


def _said(value: float, unit: str) -> str:
    return quantity(given(value, unit, "shown"))


def tornado_json(found: Tornado) -> dict[str, Any]:
    """The tornado as plain objects."""
    return {
        "title": found.title,
        "unit": found.unit,
        "middle": found.middle,
        "swings": [
            {
                "fact": swing.label,
                "low": swing.low,
                "high": swing.high,
                "at_low": swing.at_low,
                "at_high": swing.at_high,
            }
            for swing in found.swings
        ],
    }


def render_tornado(found: Tornado, width: int = 40) -> str:
    """The tornado as text: a bar a fact, `o` where all facts are nominal."""
    lines = [f"{found.title}: {_said(found.middle, found.unit)}", ""]
    if not found.swings:
        return lines[0] + ": no fact moves it"
    ends = [end for s in found.swings for end in (s.low, s.high, found.middle)]
    low, high = min(ends), max(ends)
    name = max(len(s.label) for s in found.swings)
    for s in found.swings:
        start, end = sorted((s.low, s.high))
        places = [round((v - low) / (high - low) * (width - 1)) for v in (start, end, found.middle)]
        row = ["-" if places[0] <= i <= places[1] else " " for i in range(width)]
        row[places[2]] = "o"
        low_end, high_end = (_said(end, found.unit) for end in (s.low, s.high))
        said = f"{low_end} at {s.at_low}, {high_end} at {s.at_high}"
        lines.append(f"{s.label.ljust(name)}  |{''.join(row)}|  {said}")
    return "\n".join([*lines, "", found.note])
