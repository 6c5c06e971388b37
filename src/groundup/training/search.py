"""The best layouts of a training job under constraints, out of all that its lattice holds.

Every layout is priced: memory first, then the step, on open grids of a core's cache size. The
numbers are those of `memory` and `step_time`, the very same functions, so they are equal to the
last bit to asking for one layout at a time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

import numpy as np

from groundup.facts.check import in_range, one_of
from groundup.facts.errors import NoDataError
from groundup.facts.estimate import Array
from groundup.training.best import Best
from groundup.training.cluster import Cluster
from groundup.training.lattice import FULL, Choices, Job, cells, grids, shape_of
from groundup.training.laws import Laws
from groundup.training.layout import Layout
from groundup.training.memory import Memory, memory
from groundup.training.memory import total as memory_total
from groundup.training.states import Formats
from groundup.training.step_time import StepTime, step_time
from groundup.training.work import Work

OBJECTIVES = ("time", "cost", "tokens-per-usd")
"""Shortest run, cheapest run, most tokens for a dollar."""
Arrays = TypeVar("Arrays", Work, Cluster, Laws)


@dataclass(frozen=True)
class Constraints:
    """What a layout must respect, and what is fixed of the job."""

    accelerators: tuple[int, ...]
    """Numbers of accelerators that the job may take."""
    sequence: int
    """Tokens of a sequence."""
    batch: int
    """Sequences of an optimiser step."""
    formats: Formats = field(default_factory=Formats)
    """Bytes of weights, gradients and moments."""
    headroom: float = 0.08
    """Share of the memory that must stay free: fragments and spikes."""
    fixed: float = 0.0
    """Bytes of driver context and communication buffers."""
    usd_per_hour: float | None = None
    """Price of an accelerator-hour."""
    tokens: float | None = None
    """Tokens of the whole run."""
    deadline_days: float | None = None
    """Days within which the run must end."""
    goodput: float = 1.0
    """Share of the time that trains, for days and dollars."""
    fused_attention: bool = True
    """Whether attention never stores scores."""
    choices: Choices = field(default_factory=Choices)
    """Degrees that may be chosen."""

    def __post_init__(self) -> None:
        in_range("search.headroom", self.headroom, 0.0, 0.95)
        in_range("search.goodput", self.goodput, 1e-6, 1.0)
        if self.deadline_days is not None and self.tokens is None:
            raise NoDataError("search: a deadline needs the tokens of the run")


@dataclass(frozen=True)
class Found:
    """One layout and what it gives."""

    layout: Layout
    """Degrees and choices, plain numbers."""
    step_seconds: float
    """Seconds of an optimiser step."""
    tokens_per_s: float
    """Tokens of the whole job a second, without failures."""
    mfu: float
    """Model FLOP/s (6 a weight and token, causal attention, no recomputation) over the dense peak
    of the products' format."""
    memory_bytes: float
    """Bytes on the fullest accelerator."""
    memory_share: float
    """The same over what the accelerator has."""
    usd_per_mtoken: float | None
    """Dollars of a million trained tokens; None without a price."""
    days: float | None
    """Days of the run; None without its tokens."""
    parts: dict[str, float]
    """Seconds of the step by part."""
    bytes_by_part: dict[str, float]
    """Bytes by part."""

    @property
    def accelerators(self) -> int:
        """Accelerators of the job."""
        return int(self.layout.accelerators)

    @property
    def slowed_by(self) -> str:
        """The largest part of the step beside the products themselves."""
        rest = {name: value for name, value in self.parts.items() if name != "matmul"}
        return max(rest, key=lambda name: rest[name])


@dataclass(frozen=True)
class Searched:
    """Result of a search and how far it looked."""

    found: tuple[Found, ...]
    """The best, best first."""
    looked: int
    """Layouts that were priced."""
    fitting: int
    """Of these, layouts that fit into memory and meet the deadline."""


def search(
    work: Work,
    cluster: Cluster,
    laws: Laws,
    constraints: Constraints,
    objective: str = "time",
    top: int = 20,
) -> tuple[Found, ...]:
    """The `top` best layouts, best first, exactly; empty where none fits.

    `time` ranks by days of the run (tokens a second), `cost` and `tokens-per-usd` by dollars a
    token, which is another order only where the number of accelerators is free. Equal ones are
    ranked by memory, then by `groundup.training.best.DEGREES`. NoDataError where dollars are asked
    for without a price.
    """
    return searched(work, cluster, laws, constraints, objective, top).found


def searched(
    work: Work,
    cluster: Cluster,
    laws: Laws,
    constraints: Constraints,
    objective: str = "time",
    top: int = 20,
) -> Searched:
    """`search` with the number of layouts it looked at."""
    _check(constraints, objective, top)
    work, cluster, laws = point(work), point(cluster), point(laws)
    best = Best(top)
    looked = fitting = 0
    for count in constraints.accelerators:
        for grid in grids(work, _job(constraints, cluster, count)):
            looked += cells(grid)
            fitting += _price(work, cluster, laws, constraints, objective, grid, best)
    layouts = best.layouts()
    return Searched(_found(work, cluster, laws, constraints, layouts), looked, fitting)


def price_all(
    work: Work, cluster: Cluster, laws: Laws, constraints: Constraints, layout: Layout
) -> tuple[Array, Array]:
    """Seconds of a step and bytes of every layout, fitting or not (shape of the layout)."""
    seconds = step_time(work, layout, cluster, laws).total
    used = memory_total(work, layout, constraints.formats, constraints.fixed)
    return np.asarray(seconds), np.asarray(used)


def pareto(found: Iterable[Found], axes: tuple[str, str]) -> tuple[Found, ...]:
    """Those that no other beats in both of two properties of which less is better.

    `axes` name fields of `Found`: ("days", "usd_per_mtoken"), ("step_seconds", "memory_share").
    Sorted by the first.
    """
    first, second = axes
    ranked = sorted(found, key=lambda one: (getattr(one, first), getattr(one, second)))
    kept: list[Found] = []
    for one in ranked:
        if not kept or getattr(one, second) < getattr(kept[-1], second):
            kept.append(one)
    return tuple(kept)


def front(work: Work, cluster: Cluster, laws: Laws, constraints: Constraints) -> tuple[Found, ...]:
    """Days against dollars: the fastest layout for every number of accelerators, if not beaten."""
    each: list[Found] = []
    for count in constraints.accelerators:
        each += search(work, cluster, laws, replace(constraints, accelerators=(count,)), top=1)
    if constraints.tokens is None or constraints.usd_per_hour is None:
        raise NoDataError("a front of days and dollars needs the run's tokens and a price per hour")
    return pareto(each, ("days", "usd_per_mtoken"))


FASTER = {
    "twice the memory": ("memory",),
    "twice the links inside a domain": ("scale_up_rate",),
    "twice the network": ("scale_out_rate",),
    "twice the memory bandwidth": ("bandwidth",),
    "twice the arithmetic": ("peak", "half_peak"),
    "domains twice as large": ("scale_up",),
}
"""What could be bought, and the fields of a cluster that it doubles."""


def faster(work: Work, cluster: Cluster, laws: Laws, constraints: Constraints) -> dict[str, float]:
    """By what factor each change of `FASTER` speeds up the best layout, searched anew; best first.

    Both searches look at the usual choices only (`_usual`): seven of them take a second together
    even for mixtures of experts. Raises NoDataError where nothing fits as it is.
    """
    constraints = replace(constraints, choices=_usual(constraints.choices))
    base = search(work, cluster, laws, constraints, top=1)
    if not base:
        raise NoDataError("no layout fits, so nothing can be faster; allow offload or fewer tokens")
    gains = {}
    for name, names in FASTER.items():
        changed = replace(cluster, **{one: 2 * getattr(cluster, one) for one in names})
        best = search(work, changed, laws, constraints, top=1)
        gains[name] = best[0].tokens_per_s / base[0].tokens_per_s
    return dict(sorted(gains.items(), key=lambda item: -item[1]))


def _usual(choices: Choices) -> Choices:
    """Fewer choices: those that the best layouts of published jobs are made of."""

    def some(values: tuple[Any, ...], usual: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(value for value in values if value in usual) or values

    return replace(
        choices,
        virtual=some(choices.virtual, (1, 2, 4, 8)),
        expert_tensor=some(choices.expert_tensor, (1,)),
        microbatch=some(choices.microbatch, (1, 2, 4, 8)),
        sharding=some(choices.sharding, (1, 3)),
        recompute=some(choices.recompute, ((1, 0.0), (FULL, 1.0))),
        sequence_parallel=some(choices.sequence_parallel, (1,)),
        context=some(choices.context, (1, 2, 4, 8, 16)),
    )


def point(values: Arrays) -> Arrays:
    """The same with the nominal value of every field as a plain number, for one model or chip."""
    nominal = {
        one.name: np.asarray(getattr(values, one.name), float).reshape(-1)[0]
        for one in fields(values)
        if one.name != "software"
    }
    return replace(values, **nominal)


def _check(constraints: Constraints, objective: str, top: int) -> None:
    one_of("search.objective", objective, OBJECTIVES)
    in_range("search.top", top, 1)
    if objective != "time" and constraints.usd_per_hour is None:
        raise NoDataError(
            f"search: the objective {objective} needs the price of an accelerator-hour"
        )


def _job(constraints: Constraints, cluster: Cluster, count: int) -> Job:
    return Job(
        count, constraints.sequence, constraints.batch, int(cluster.scale_up),
        constraints.fused_attention, constraints.choices,
    )  # fmt: skip


def _price(
    work: Work,
    cluster: Cluster,
    laws: Laws,
    constraints: Constraints,
    objective: str,
    grid: Layout,
    best: Best,
) -> int:
    """Hand the layouts of a grid that fit to `best`; returns how many fit."""
    used = memory_total(work, grid, constraints.formats, constraints.fixed)
    fits = np.broadcast_to(used <= cluster.memory * (1 - constraints.headroom), shape_of(grid))
    if not fits.any():
        return 0
    seconds = step_time(work, grid, cluster, laws).total
    if constraints.deadline_days is not None:
        fits = fits & (_days(constraints, seconds) <= constraints.deadline_days)
    worth = seconds if objective == "time" else seconds * grid.accelerators
    best.offer(np.where(fits, worth, np.inf), used, grid)
    return int(np.count_nonzero(fits))


def _days(constraints: Constraints, seconds: Array) -> Array:
    """Days of the run, failures and checkpoints counted."""
    if constraints.tokens is None:
        raise NoDataError("search: days of a run need its tokens")
    steps = constraints.tokens / (constraints.batch * constraints.sequence)
    return np.asarray(steps * seconds / constraints.goodput / 86400)


def _found(
    work: Work, cluster: Cluster, laws: Laws, constraints: Constraints, layouts: Layout
) -> tuple[Found, ...]:
    number = np.shape(layouts.tensor)[0]
    times = step_time(work, layouts, cluster, laws)
    bytes_ = memory(work, layouts, constraints.formats, constraints.fixed)
    return tuple(
        _one(work, cluster, constraints, layouts, times, bytes_, place) for place in range(number)
    )


def _one(
    work: Work,
    cluster: Cluster,
    constraints: Constraints,
    layouts: Layout,
    times: StepTime,
    bytes_: Memory,
    place: int,
) -> Found:
    def row(values: object) -> dict[str, float]:
        return {
            name: float(np.broadcast_to(value, np.shape(layouts.tensor))[place])
            for name, value in vars(values).items()
        }

    parts, used = row(times), row(bytes_)
    layout = Layout(**{name: np.asarray(value) for name, value in row(layouts).items()})
    seconds = float(np.broadcast_to(times.total, np.shape(layouts.tensor))[place])
    total = float(np.broadcast_to(bytes_.total, np.shape(layouts.tensor))[place])
    tokens, count = constraints.batch * constraints.sequence, float(layout.accelerators)
    flops = 3 * float(work.forward_flops(np.asarray(float(constraints.sequence)))) * tokens
    rate, price = tokens / seconds, constraints.usd_per_hour
    usd = None if price is None else price / 3600 * count / rate / constraints.goodput * 1e6
    days = None if constraints.tokens is None else float(_days(constraints, np.asarray(seconds)))
    return Found(
        layout=layout,
        step_seconds=seconds,
        tokens_per_s=rate,
        mfu=flops / (seconds * count * float(cluster.peak)),
        memory_bytes=total,
        memory_share=total / float(cluster.memory),
        usd_per_mtoken=usd,
        days=days,
        parts=parts,
        bytes_by_part=used,
    )
