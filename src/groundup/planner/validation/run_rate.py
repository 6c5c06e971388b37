"""The rate that a whole training run reaches: the best layout's, and what runs make of it."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import GroundupError, NoDataError
from groundup.models.architecture import Architecture
from groundup.models.published import catalogue
from groundup.models.workload import active_parameters, work_of
from groundup.planner.validation.model import architecture_of_row
from groundup.planner.validation.row import Row
from groundup.planner.validation.run_work import RunWork, peak_of
from groundup.training.cluster import cluster_of
from groundup.training.failures import between_failures, blocking, effective_time
from groundup.training.lattice import Choices
from groundup.training.laws import laws_of
from groundup.training.search import Constraints, search

_CHOICES = Choices(
    tensor=(1, 2, 4, 8),
    pipeline=(1, 2, 4, 8, 16),
    virtual=(1, 2, 4),
    schedules=(0,),
    context=(1,),
    expert=(1, 8, 16, 32, 64),
    expert_tensor=(1,),
    microbatch=(1, 2, 4),
    sharding=(1, 3),
    recompute=((1, 0.0), (2, 1.0)),
    sequence_parallel=(1,),
)
"""The usual layouts of published runs."""
_COUNTS = (256, 1024, 4096, 64, 16)
"""Accelerators that a layout is searched on where the run's own number is not known; the rate of
the best layout hardly depends on it while the model fits."""
_LARGEST = 16384
"""Beyond it a rate is that of this many: batches do not grow further."""


@dataclass(frozen=True)
class RunRate:
    """What one accelerator of a run does."""

    best: float | None
    """6 N tokens a second in the best layout, FLOP/s; None where no law speaks of the chip."""
    usual: float
    """The same at the median utilisation of published runs, whose hours hold what was lost."""
    goodput: float
    """Share of the time that trains."""
    how: str
    """Which model."""

    def flops(self, work: RunWork, facts: Catalogue, ideal: bool = False) -> float:
        """6 N tokens a second over the whole run, FLOP/s.

        tuned x max(1, tokens a parameter / many)^-over x sqrt(best layout x goodput x usual): what
        a layout can reach and what runs of all kinds reached are two estimates of one rate; their
        geometric mean has less error than either. Small models that see very many tokens are
        trained on more accelerators than suit them. `ideal`: no failures.
        """
        if self.best is None:
            return self.usual
        best = self.best * (1.0 if ideal else self.goodput)
        over = crowding(work, facts) ** -facts["planner.run.over"].value
        return float(facts["planner.run.tuned"].value * over * math.sqrt(best * self.usual))


def crowding(work: RunWork, facts: Catalogue) -> float:
    """Tokens a parameter over what counts as many, at least 1."""
    each = work.flop / (6 * work.active**2)
    return max(1.0, each / facts["planner.run.many"].value)


def run_rate(row: Row, work: RunWork, facts: Catalogue) -> RunRate:
    """Rate of the best layout, the usual rate, and goodput of a row's run.

    NoDataError where not even a peak of the accelerator is on record.
    """
    usual = peak_of(work.chip, facts) * facts["planner.run.share_of_peak"].value
    try:
        best, name = _best(row, work, facts)
    except NoDataError:
        return RunRate(None, usual, 1.0, "peak x median utilisation of published runs")
    how = f"best layout of {name}, usual utilisation"
    return RunRate(best, usual, goodput_of(work.total, work.count or _COUNTS[1], facts), how)


def _best(row: Row, work: RunWork, facts: Catalogue) -> tuple[float, str]:
    """6 N tokens a second of the best layout, and whose architecture it is."""
    architecture = _architecture(row, work)
    sequence = int(row.number("seq_len") or facts["planner.run.sequence"].value)
    for count in _counts(work):
        rate = _searched(architecture.name, work.chip, work.precision, sequence, count, facts)
        if rate is not None:
            return rate * 6 * active_parameters(architecture), architecture.name
    raise NoDataError(f"no layout of {architecture.name} fits {work.chip}")


def _architecture(row: Row, work: RunWork) -> Architecture:
    """The row's own architecture where it is known, else the published one nearest in size."""
    try:
        found = architecture_of_row(row)
    except GroundupError:
        found = None
    if found is not None and found.name in catalogue():
        ratio = active_parameters(found) / work.active
        if 0.5 < ratio < 2:
            return found
    return nearest(work.active, work.total)


def nearest(active: float, total: float) -> Architecture:
    """Published architecture whose active and total parameters are nearest, on a log scale."""

    def distance(name: str) -> float:
        theirs, all_of_them = _sizes()[name]
        return abs(math.log(theirs / active)) + abs(math.log(all_of_them / theirs * active / total))

    return catalogue()[min(sorted(_sizes()), key=distance)]


@functools.lru_cache(maxsize=1)
def _sizes() -> dict[str, tuple[float, float]]:
    """Active and total parameters of all published architectures."""
    return {
        name: (active_parameters(one), float(work_of(one).parameters))
        for name, one in catalogue().items()
    }


def _counts(work: RunWork) -> tuple[int, ...]:
    """Numbers of accelerators to try: the run's own, as a power of two, then usual ones."""
    if work.count is None or work.count < 8:
        return _COUNTS
    own = 1 << round(math.log2(min(work.count, _LARGEST)))
    return (own, *_COUNTS)


@functools.lru_cache(maxsize=1024)
def _searched(
    name: str, chip: str, precision: str, sequence: int, count: int, facts: Catalogue
) -> float | None:
    """Tokens/s of one accelerator in the best layout; None where no layout fits."""
    tokens = facts["planner.run.batch_tokens"].value
    batch = 1 << round(math.log2(max(tokens / sequence, count / 4, 1)))
    asked = Constraints((count,), sequence, batch, headroom=0.05, choices=_CHOICES)
    cluster = cluster_of(chip, facts, precision)
    found = search(work_of(catalogue()[name]), cluster, laws_of(facts), asked, top=1)
    return found[0].tokens_per_s / count if found else None


def goodput_of(parameters: float, count: float, facts: Catalogue) -> float:
    """Share of the time that trains: checkpoints to a store, failures, restarts."""
    size = facts["training.checkpoint_bytes"].value * parameters
    store = facts.estimate("training.checkpoint_bandwidth").to("B/(s*accelerator)").value
    rate = facts.estimate("planner.run.reliability.rate").to("1/(accelerator*s)").value
    restart = facts.estimate("training.restart").to("s").value
    kept = blocking(np.asarray(size), np.asarray(store * count))
    between = between_failures(np.asarray(rate), np.asarray(count))
    return float(effective_time(kept, between, np.asarray(restart)))
