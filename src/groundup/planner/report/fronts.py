"""Fronts of the plan's training: days against dollars over the number of accelerators."""

from __future__ import annotations

from dataclasses import replace

from groundup.facts.errors import ConfigError, NoDataError
from groundup.facts.figures import Curves, Line
from groundup.planner.layouts import question
from groundup.planner.plan import Plan
from groundup.stack.stack import Stack
from groundup.training.planned import QUICK
from groundup.training.search import Found, pareto, search

_SHARES = (0.125, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 4.0)
"""Accelerators of the front as multiples of the plan's."""
_BOARD = 64
"""Accelerators are taken in multiples of so many, which have many divisors."""


def training_front(stack: Stack, plan: Plan) -> Curves | None:
    """The fastest layout for each number of accelerators, and those that no other beats.

    None on this machine, and where price or laws are not on record.
    """
    if plan.trained is None:
        return None
    count = plan.trained.used
    counts = sorted({max(int(count * share) // _BOARD * _BOARD, 8) for share in _SHARES})
    try:
        asked = question(stack, plan, 0.0, ",".join(map(str, counts)))
    except (NoDataError, ConfigError):
        return None
    wanted = replace(asked.constraints, choices=QUICK)
    if wanted.usd_per_hour is None or wanted.tokens is None:
        return None
    found: list[Found] = []
    for each in wanted.accelerators:
        one = replace(wanted, accelerators=(each,))
        found += search(asked.work, asked.cluster, asked.laws, one, top=1)
    if len(found) < 2:
        return None
    return _curves(plan, found, wanted.tokens)


def _curves(plan: Plan, found: list[Found], tokens: float) -> Curves:
    best = pareto(found, ("days", "usd_per_mtoken"))
    lines = [
        _line("not beaten in days and dollars", best, tokens),
        *(
            _line(f"{one.accelerators:,} accelerators", (one,), tokens, dots=True)
            for one in sorted(found, key=lambda one: one.accelerators)
        ),
    ]
    return Curves(
        "Days against dollars of the pretraining", "days", "USD", tuple(lines),
        x_log=True, y_log=True,
        note="The fastest layout that fits for each number of accelerators, at the plan's price of "
        "an accelerator-hour and its goodput.",
    )  # fmt: skip


def _line(name: str, found: tuple[Found, ...], tokens: float, dots: bool = False) -> Line:
    pairs = sorted(
        (one.days, one.usd_per_mtoken * tokens / 1e6)
        for one in found
        if one.days is not None and one.usd_per_mtoken is not None
    )
    return Line(name, tuple(x for x, _ in pairs), tuple(y for _, y in pairs), dots=dots)
