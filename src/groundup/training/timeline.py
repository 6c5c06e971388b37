"""Pipeline schedules run block by block: start and end of every pass on every stage.

Each rank works through an order of blocks; a block starts when its rank is free and what it needs
has arrived. It is the oracle of the closed forms in `pipeline`, and the report's timeline.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from groundup.facts.errors import NoDataError
from groundup.training.layout import GPIPE, ONE_F_ONE_B, ZERO_BUBBLE, ZERO_BUBBLE_DEEP

FORWARD, BACKWARD, WEIGHT = "F", "B", "W"


@dataclass(frozen=True)
class Durations:
    """Seconds of the passes of one micro-batch through each chunk, in the order of the layers."""

    forward: tuple[float, ...]
    """Forward pass of every chunk; p v of them."""
    backward: tuple[float, ...]
    """Gradients of inputs, of every chunk."""
    weight: tuple[float, ...]
    """Gradients of weights, of every chunk; part of the backward pass unless a schedule splits."""
    transfer: float = 0.0
    """Sending activations or gradients to the next stage."""

    @classmethod
    def even(
        cls, chunks: int, forward: float = 1.0, backward: float = 1.0, weight: float = 1.0,
        transfer: float = 0.0,
    ) -> Durations:  # fmt: skip
        """The same durations for every chunk."""
        each = [(value,) * chunks for value in (forward, backward, weight)]
        return cls(each[0], each[1], each[2], transfer)


@dataclass(frozen=True)
class Pass:
    """One block of work."""

    rank: int
    """Pipeline rank that does it."""
    kind: str
    """`F`, `B` (gradients of inputs, or all of backward where not split) or `W`."""
    microbatch: int
    """From 0."""
    chunk: int
    """Part of the model, from the first layers (0) to the last (p v - 1)."""
    start: float
    """Seconds."""
    end: float
    """Seconds."""


Key = tuple[str, int, int]
"""Kind, micro-batch, chunk."""


def order(schedule: int, ranks: int, microbatches: int, virtual: int = 1) -> list[list[Key]]:
    """What every rank does, in which order.

    GPipe (Huang et al. 2019, arXiv:1811.06965), 1F1B (Narayanan et al. 2021, arXiv:2104.04473),
    interleaved as in Megatron-LM (micro-batches a multiple of the ranks), ZB-H1 and ZB-H2 as in
    figure 2 and 3 of Qi et al. 2023 (arXiv:2401.10241). NoDataError for what is none of them.
    """
    made = []
    for rank in range(ranks):
        if schedule == GPIPE and virtual == 1:
            made.append(_gpipe(rank, microbatches))
        elif schedule == ONE_F_ONE_B and virtual == 1:
            made.append(_alternate(_plain(rank, microbatches), ranks - rank - 1))
        elif schedule == ONE_F_ONE_B and microbatches % ranks == 0:
            warm = 2 * (ranks - rank - 1) + (virtual - 1) * ranks
            made.append(_alternate(_interleaved(rank, ranks, microbatches, virtual), warm))
        elif schedule in (ZERO_BUBBLE, ZERO_BUBBLE_DEEP) and virtual == 1:
            made.append(_split(rank, ranks, microbatches, schedule == ZERO_BUBBLE_DEEP))
        else:
            raise NoDataError(
                f"no order for schedule {schedule} with {virtual} chunks a stage and "
                f"{microbatches} micro-batches on {ranks} ranks; interleaving needs 1F1B and a "
                "multiple of the ranks"
            )
    return made


def _gpipe(rank: int, microbatches: int) -> list[Key]:
    forward = [(FORWARD, m, rank) for m in range(microbatches)]
    return forward + [(BACKWARD, m, rank) for m in reversed(range(microbatches))]


def _plain(rank: int, microbatches: int) -> tuple[list[Key], list[Key]]:
    counted = range(microbatches)
    return [(FORWARD, m, rank) for m in counted], [(BACKWARD, m, rank) for m in counted]


def _interleaved(
    rank: int, ranks: int, microbatches: int, virtual: int
) -> tuple[list[Key], list[Key]]:
    """Groups of p micro-batches pass one chunk of a rank after the other."""
    forward: list[Key] = []
    backward: list[Key] = []
    for first in range(0, microbatches, ranks):
        group = range(first, first + ranks)
        for part in range(virtual):
            forward += [(FORWARD, m, part * ranks + rank) for m in group]
        for part in reversed(range(virtual)):
            backward += [(BACKWARD, m, part * ranks + rank) for m in group]
    return forward, backward


def _alternate(passes: tuple[list[Key], list[Key]], warm: int) -> list[Key]:
    """`warm` forwards, then one forward and one backward in turn, then the remaining backwards."""
    forward, backward = passes
    warm = min(warm, len(forward))
    made = forward[:warm]
    for ahead, back in zip(forward[warm:], backward, strict=False):
        made += [ahead, back]
    return made + backward[len(forward) - warm :]


def _split(rank: int, ranks: int, microbatches: int, deep: bool) -> list[Key]:
    """Weight gradients put off: by the rank's number in ZB-H1, by twice that in ZB-H2."""
    forward, backward = _plain(rank, microbatches)
    warm = (2 * (ranks - rank) - 2) if deep else ranks - rank - 1
    late = 2 * rank if deep else rank
    waiting: deque[Key] = deque()
    made: list[Key] = []
    for step in _alternate((forward, backward), warm):
        made.append(step)
        if step[0] == BACKWARD:
            waiting.append((WEIGHT, step[1], step[2]))
            if len(waiting) > late:
                made.append(waiting.popleft())
    return made + list(waiting)


def run(orders: Sequence[Sequence[Key]], durations: Durations, split: bool) -> tuple[Pass, ...]:
    """Start and end of every block, in order of start.

    A forward waits for the chunk before it, a backward for the chunk behind it and its own forward,
    a weight gradient for its backward; what crosses ranks arrives `transfer` later. NoDataError
    where the orders wait for each other for ever.
    """
    ranks, last = len(orders), len(durations.forward) - 1
    done: dict[Key, float] = {}
    free, at = [0.0] * ranks, [0] * ranks
    made: list[Pass] = []
    while any(at[rank] < len(orders[rank]) for rank in range(ranks)):
        moved = False
        for rank in range(ranks):
            while at[rank] < len(orders[rank]):
                key = orders[rank][at[rank]]
                ready = _ready(key, last, ranks, durations.transfer, done)
                if ready is None:
                    break
                start = max(free[rank], ready)
                free[rank] = done[key] = start + _seconds(key, durations, split)
                made.append(Pass(rank, *key, start, done[key]))
                at[rank] += 1
                moved = True
        if not moved:
            raise NoDataError("the schedule's ranks wait for each other for ever")
    return tuple(sorted(made, key=lambda one: (one.start, one.rank)))


def _ready(
    key: Key, last: int, ranks: int, transfer: float, done: dict[Key, float]
) -> float | None:
    """When what a block needs has arrived; None while something has not been computed."""
    kind, m, chunk = key
    away = transfer if ranks > 1 else 0.0
    if kind == WEIGHT:
        return done.get((BACKWARD, m, chunk))
    if kind == FORWARD:
        before = done.get((FORWARD, m, chunk - 1)) if chunk else 0.0
        return None if before is None else before + away * (chunk > 0)
    own = done.get((FORWARD, m, chunk))
    behind = done.get((BACKWARD, m, chunk + 1)) if chunk < last else 0.0
    if own is None or behind is None:
        return None
    return max(own, behind + away * (chunk < last))


def _seconds(key: Key, durations: Durations, split: bool) -> float:
    kind, _, chunk = key
    if kind == FORWARD:
        return durations.forward[chunk]
    if kind == WEIGHT:
        return durations.weight[chunk]
    return durations.backward[chunk] + (0.0 if split else durations.weight[chunk])


def timeline(
    schedule: int, ranks: int, microbatches: int, durations: Durations, virtual: int = 1
) -> tuple[Pass, ...]:
    """Every block of a step of a schedule, in order of start."""
    split = schedule in (ZERO_BUBBLE, ZERO_BUBBLE_DEEP)
    return run(order(schedule, ranks, microbatches, virtual), durations, split)


def makespan(passes: Sequence[Pass]) -> float:
    """Seconds from the first start to the last end."""
    return max(one.end for one in passes) - min(one.start for one in passes)


def idle_of(passes: Sequence[Pass]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Seconds that each rank waits between its own first start and last end, and others wait for.

    Shape (ranks,): the step's length less the rank's work. A zero-bubble schedule lets ranks start
    and end apart, so its wait is counted on the span of the rank itself.
    """
    ranks = max(one.rank for one in passes) + 1
    found = np.zeros(ranks)
    for rank in range(ranks):
        mine = [one for one in passes if one.rank == rank]
        found[rank] = makespan(mine) - sum(one.end - one.start for one in mine)
    return found


def peak_in_flight(passes: Sequence[Pass], rank: int, virtual: int = 1) -> float:
    """Most micro-batches whose activations a rank keeps at once, in whole stages.

    Kept from the start of a chunk's forward to the end of its backward, of its weight gradient
    where that is a block of its own.
    """
    mine = [one for one in passes if one.rank == rank]
    last = WEIGHT if any(one.kind == WEIGHT for one in mine) else BACKWARD
    events = [(one.start, 1) for one in mine if one.kind == FORWARD]
    events += [(one.end, -1) for one in mine if one.kind == last]
    kept = most = 0
    for _, change in sorted(events):  # what ends at a time is freed before what starts then
        kept += change
        most = max(most, kept)
    return most / virtual
