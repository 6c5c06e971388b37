import itertools
import time

import numpy as np
import pytest

from groundup.chips.bench import Bench, rates
from groundup.chips.bench_moves import disk_read, processes, triad


def scripted(times):
    """A benchmark whose runs last what a list says, without waiting."""
    left = iter(times)
    return lambda: next(left)


def always(run):
    """A setup that gives the same run every round."""
    return lambda: run


def test_the_fastest_three_repeats_make_the_rate():
    times = [9.0, 1.0, 2.0, 3.0, 50.0, 4.0]  # the first warms up
    made = rates([Bench("x", always(scripted(times)), 12.0)], seconds=0.0, rounds=1)["x"]
    assert made.rate == pytest.approx(12.0 / np.mean([1.0, 2.0, 3.0]))
    assert made.repeats == 3


def test_one_slow_spell_does_not_move_the_rate():
    quiet = rates([Bench("x", always(_cycle([1.0])), 1.0)], seconds=0.01)["x"].rate
    busy = rates([Bench("x", always(_cycle([1.0, 1.0, 1.0, 7.0, 9.0])), 1.0)], seconds=0.01)["x"]
    assert busy.rate == quiet
    assert busy.spread > 1


def test_progress_counts_up_through_the_rounds():
    seen = []
    benches = [Bench(name, always(_cycle([1.0])), 1.0) for name in "ab"]
    rates(benches, 0.001, lambda label, done, total: seen.append((label, done, total)), rounds=2)
    assert seen == [("a", 0, 4), ("b", 1, 4), ("a", 2, 4), ("b", 3, 4)]


def test_time_is_kept():
    benches = [Bench(name, always(_working), 1.0) for name in "abc"]
    start = time.perf_counter()
    rates(benches, 0.3)
    assert 0.25 < time.perf_counter() - start < 2.0


def test_messages_and_files_are_timed():
    with processes() as pair, disk_read() as disk:
        made = rates([*pair, *disk, triad()], 0.4, rounds=1)
    assert made["process.round_trips"].rate > 100
    assert made["process.bandwidth"].rate > 1e7
    assert made["triad"].rate > 1e8
    assert set(made) >= {"process.bandwidth", "process.round_trips", "triad"}


def _cycle(times):
    endless = itertools.cycle(times)
    return lambda: next(endless)


def _working():
    """Real work by the real clock: the loop's keeping of time is what is tested."""
    start = time.perf_counter()
    sum(range(50_000))
    return time.perf_counter() - start


def test_every_round_is_set_up_anew():
    made = []

    def make():
        made.append(None)
        return _cycle([1.0])

    rates([Bench("x", make, 1.0)], 0.001, rounds=4)
    assert len(made) == 4
