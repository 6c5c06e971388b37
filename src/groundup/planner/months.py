"""The plan month by month: what each physical floor has delivered, and which one binds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from groundup.fabs.plan import pace as fabs_pace
from groundup.facts.estimate import Array, Estimate, derived
from groundup.materials.shocks import Path, Shock, paths, supply_left
from groundup.networks.plan import pace as networks_pace
from groundup.planner.plan import Plan
from groundup.sites.plan import pace as sites_pace
from groundup.stack.stack import Stack

LAYERS = ("fabs", "networks", "sites")
"""Floors that deliver something month by month; chips come with their fab's packages."""
_SUPPLIED = {"fabs": "chips", "networks": "networks", "sites": "sites"}
"""Floor of materials that feeds each; modules need their dies and the parts around them."""
NOTHING = "nothing"
"""Name of what binds once everything has been delivered."""


@dataclass(frozen=True)
class Schedule:
    """Accelerators that can be run, by the end of each month after the order."""

    months: int
    """Months that are looked at."""
    count: Estimate
    """Accelerators that the plan asks for."""
    ready: Mapping[str, Estimate]
    """Cumulative accelerators that each floor has delivered for; rows are months."""
    delivered: Estimate
    """The least of the floors, never more than `count`; rows are months."""
    binding: tuple[str, ...]
    """The floor that holds back each month, `nothing` once all is there."""
    certainty: tuple[float, ...]
    """Share of the draws in which that floor is the one."""
    paths: tuple[Path, ...] = ()
    """Ways by which lost materials reach a floor; empty without a shock."""

    @property
    def complete(self) -> int | None:
        """First month (1-based) at whose end everything is there; None beyond the horizon."""
        whole = self.delivered.values >= self.count.value * (1 - 1e-9)
        return int(np.argmax(whole)) + 1 if whole.any() else None

    def lost_to(self, other: Schedule) -> Estimate:
        """Time that accelerators run less in `other` than here, accelerator*month, all months."""
        gap = (self.delivered.samples - other.delivered.samples).sum(axis=0)
        inputs = (self.delivered, other.delivered)
        formula = "sum over the months of delivered before - after"
        return derived(gap, "accelerator*month", "plan.lost", formula, inputs)


def schedule(stack: Stack, plan: Plan, months: int, shocks: Sequence[Shock] = ()) -> Schedule:
    """Walk the months from order to horizon.

    A shock lowers a month's output of a floor; what was missed is caught up later at no more than
    the floor's best normal rate. NoDataError where a floor has no pace for the accelerator.
    """
    facts, samples, ask = plan.facts, plan.samples, plan.ask
    planned = {
        "fabs": fabs_pace(stack.fabs, ask, facts, months, samples),
        "networks": networks_pace(stack.networks, ask, facts, months, samples),
        "sites": sites_pace(stack.sites, ask, facts, months, samples),
    }
    why = paths(shocks, ask, facts, months, samples) if shocks else ()
    ready = planned
    if shocks:
        left = supply_left(why, months, samples)
        ready = {
            name: _caught_up(name, pace, left[_SUPPLIED[name]].samples)
            for name, pace in planned.items()
        }
    count = ask["accelerators"]
    least = np.minimum.reduce([np.minimum(x.samples, count.samples) for x in ready.values()])
    delivered = derived(
        least, "accelerator", "plan.delivered", "least of the floors, at most what is asked for",
        tuple(ready.values()),
    )  # fmt: skip
    binding, certainty = _binding(ready, count.samples)
    return Schedule(months, count, ready, delivered, binding, certainty, why)


def last_change(*schedules: Schedule) -> int:
    """Months (1-based) until nothing more is delivered and no other floor binds, in any of them."""
    last = 1
    for found in schedules:
        grows = np.flatnonzero(np.diff(found.delivered.values) > 1e-9 * found.count.value)
        turns = [i for i in range(1, found.months) if found.binding[i] != found.binding[i - 1]]
        last = max([last, *(int(i) + 2 for i in grows[-1:]), *(i + 1 for i in turns[-1:])])
    return last


def _caught_up(name: str, pace: Estimate, supply: Array) -> Estimate:
    """Cumulative output under a monthly supply share; backlog is made at the best normal rate."""
    planned = pace.to("accelerator").samples
    due = np.diff(planned, axis=0, prepend=0.0)
    rate = due.max(axis=0)
    made, backlog = [], np.zeros(np.broadcast_shapes(due[0].shape, supply[0].shape))
    for month in range(len(due)):
        wanted = due[month] + backlog
        now = np.minimum(wanted, supply[month] * rate)
        made.append(now)
        backlog = wanted - now
    return derived(
        np.cumsum(made, axis=0), "accelerator", f"{name}.ready",
        "cumulative output; missed output is caught up at the best normal rate", (pace,),
    )  # fmt: skip


def _binding(
    ready: Mapping[str, Estimate], count: Array
) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Name of the least floor in every month at nominal values, and in what share of draws."""
    names = [*ready, NOTHING]
    shape = np.broadcast_shapes(*(x.samples.shape for x in ready.values()), count.shape)
    stacked = np.stack([np.broadcast_to(x.samples, shape) for x in ready.values()])
    short = np.minimum(stacked, count)
    first = np.argmin(short, axis=0)
    complete = (short >= count * (1 - 1e-9)).all(axis=0)
    which = np.where(complete, len(ready), first)
    nominal = which[:, 0]
    agree = (which == nominal[:, None]).mean(axis=1)
    return tuple(names[i] for i in nominal), tuple(float(x) for x in agree)
