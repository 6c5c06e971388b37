"""What-if: the same plan with something changed, floor by floor and month by month."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.facts.estimate import Estimate
from groundup.facts.fact import Fact
from groundup.facts.units import same_dimension
from groundup.planner.change import Changes, changed_facts
from groundup.planner.explain_cell import cells
from groundup.planner.months import Schedule, schedule
from groundup.planner.plan import Plan
from groundup.stack.stack import Stack

_LEAST = 1e-6
"""Relative difference below which two plans say the same."""
Planner = Callable[[Stack, Callable[[Catalogue], Iterable[Fact]] | None], Plan]


@dataclass(frozen=True)
class Difference:
    """One cell of the plan that the change moved."""

    cell: str
    """`layer.column`, `layer.detail` or `totals.name`."""
    before: Estimate | None
    """In the plan as it is; None where it had no such figure."""
    after: Estimate | None
    """In the changed plan."""

    @property
    def change(self) -> Estimate | None:
        """After minus before, draw by draw on common random numbers; None without both."""
        if self.before is None or self.after is None:
            return None
        return (self.after - self.before).named(f"{self.cell}.change", "changed plan - plan")


@dataclass(frozen=True)
class WhatIf:
    """A plan, the changed plan, and their months where the floors have a pace."""

    said: tuple[str, ...]
    """The changes in words."""
    before: Plan
    """As the stack file has it."""
    after: Plan
    """With the changes."""
    moved: tuple[Difference, ...]
    """Cells that differ, in floor order, totals last."""
    months_before: Schedule | None
    """The plan's months; None where a floor has no pace (`no_months` says why)."""
    months_after: Schedule | None
    """The changed plan's months."""
    no_months: str = ""
    """Why there are no months."""


def what_if(
    stack: Stack, changed: Stack, changes: Changes, said: Sequence[str], plan: Planner, months: int
) -> WhatIf:
    """Plan `stack` and `changed` on common random numbers and hold them side by side.

    `plan` makes a plan of a stack with changed facts; `months` is the horizon after the order.
    """
    before = plan(stack, None)
    after = plan(changed, lambda facts: changed_facts(changes, facts))
    first = second = None
    why = ""
    try:
        first = schedule(stack, before, months)
        second = schedule(changed, after, months, changes.shocks)
    except NoDataError as error:
        if changes.shocks:
            raise
        first, why = None, str(error)
    return WhatIf(tuple(said), before, after, moved_cells(before, after), first, second, why)


def moved_cells(before: Plan, after: Plan) -> tuple[Difference, ...]:
    """Cells that differ between two plans, in floor order, totals last."""
    old, new = cells(before), cells(after)
    found = []
    for cell in dict.fromkeys([*old, *new]):
        pair = Difference(cell, old.get(cell), new.get(cell))
        if _differs(pair.before, pair.after):
            found.append(pair)
    return tuple(found)


def _differs(before: Estimate | None, after: Estimate | None) -> bool:
    if before is None or after is None:
        return before is not after
    if not same_dimension(before.unit, after.unit) or before.rows != 1 or after.rows != 1:
        return False
    old, new = before.value, after.to(before.unit).value
    return abs(new - old) > _LEAST * max(abs(old), abs(new))


def what_if_json(result: WhatIf) -> dict[str, Any]:
    """Everything as plain objects: what moved, what binds, the months."""
    return {
        "changes": list(result.said),
        "binding_before": _binds(result.before),
        "binding_after": _binds(result.after),
        "moved": [_difference(pair) for pair in result.moved],
        "months": _months_json(result),
        "no_months": result.no_months,
    }


def _binds(plan: Plan) -> str | None:
    return None if plan.binding is None else plan.binding.name


def _difference(pair: Difference) -> dict[str, Any]:
    change = pair.change
    return {
        "cell": pair.cell,
        "before": None if pair.before is None else pair.before.as_json(),
        "after": None if pair.after is None else pair.after.as_json(),
        "change": None if change is None else change.as_json(),
    }


def _months_json(result: WhatIf) -> list[dict[str, Any]]:
    first, second = result.months_before, result.months_after
    if first is None or second is None:
        return []
    return [
        {
            "month": month + 1,
            "delivered_before": float(first.delivered.values[month]),
            "delivered": float(second.delivered.values[month]),
            "ready": {name: float(x.values[month]) for name, x in second.ready.items()},
            "binding_before": first.binding[month],
            "binding": second.binding[month],
            "certainty": second.certainty[month],
        }
        for month in range(second.months)
    ]
