"""Timing that two runs agree on: rounds over all benchmarks, and the fastest repeats of each."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

Progress = Callable[[str, float, float], None]
ROUNDS = 16
"""Passes over all benchmarks: a busy second of the machine then touches all of them a little."""
_BEST = 3
"""Fastest repeats that are averaged: the machine, not its other tenants, nor one lucky go."""


@dataclass(frozen=True)
class Bench:
    """One thing to time."""

    label: str
    """What is shown while it runs, and the key of its result."""
    make: Callable[[], Callable[[], float]]
    """Sets up a run, which does the work once and returns its seconds. Called anew every round:
    where the system puts an array in memory changes its speed by a factor of two."""
    work: float
    """How much one run does, in the unit that the rate is wanted in, times seconds."""
    weight: float = 1.0
    """Share of the time, relative to the others."""


@dataclass(frozen=True)
class Rate:
    """What a benchmark came to."""

    rate: float
    """Work per second of the fastest repeats."""
    spread: float
    """Half of the range from the 5 % to the 95 % quantile, over the median: an honest error bar."""
    repeats: int
    """How many there were."""


def rates(
    benches: Sequence[Bench],
    seconds: float,
    progress: Progress | None = None,
    rounds: int = ROUNDS,
) -> dict[str, Rate]:
    """Time every bench for its share of `seconds`, in rounds; by label.

    The first run of every round warms up and does not count. At least three repeats are taken of
    each, however long they last. `progress` gets label, benches done and benches in all.
    """
    report = progress or (lambda label, done, total: None)
    total = sum(bench.weight for bench in benches)
    times: dict[str, list[float]] = {bench.label: [] for bench in benches}
    for turn in range(rounds):
        for index, bench in enumerate(benches):
            report(bench.label, turn * len(benches) + index, rounds * len(benches))
            share = seconds * bench.weight / total / rounds
            _repeat(bench, share, times[bench.label], last=turn == rounds - 1)
    return {bench.label: rate_of(bench.work, times[bench.label]) for bench in benches}


def _repeat(bench: Bench, seconds: float, times: list[float], last: bool) -> None:
    """Add repeats until the time is used; on the last round until there are three."""
    end = time.perf_counter() + seconds
    run = bench.make()
    run()
    while time.perf_counter() < end:
        times.append(run())
    while last and len(times) < _BEST:
        times.append(run())


def timed(work: Callable[[], object]) -> Callable[[], float]:
    """A run that does `work` and returns its seconds."""

    def run() -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    return run


def rate_of(work: float, times: Sequence[float]) -> Rate:
    """Work per second of the fastest repeats, from the seconds of at least one."""
    low, middle, high = np.quantile(times, [0.05, 0.5, 0.95])
    best = float(np.mean(sorted(times)[:_BEST]))
    return Rate(work / best, float((high - low) / (2 * middle)), len(times))
