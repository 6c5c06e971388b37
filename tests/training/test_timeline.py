import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.training.layouts import layout

from groundup.facts.errors import NoDataError
from groundup.training.layout import GPIPE, ONE_F_ONE_B, ZERO_BUBBLE, ZERO_BUBBLE_DEEP
from groundup.training.pipeline import idle, in_flight, in_flight_last, span_of_stages
from groundup.training.timeline import (
    BACKWARD,
    FORWARD,
    WEIGHT,
    Durations,
    idle_of,
    makespan,
    order,
    peak_in_flight,
    run,
    timeline,
)

PLAIN, SPLIT = (ONE_F_ONE_B, GPIPE), (ZERO_BUBBLE, ZERO_BUBBLE_DEEP)
SECONDS = st.sampled_from([0.25, 0.5, 1.0, 1.5, 2.0])


@st.composite
def cases(draw, schedules=PLAIN + SPLIT):
    """Schedule, ranks, micro-batches, chunks that have an order."""
    schedule = draw(st.sampled_from(schedules))
    ranks = draw(st.integers(2, 6))
    virtual = draw(st.integers(1, 3)) if schedule == ONE_F_ONE_B else 1
    count = ranks * draw(st.integers(1, 4)) if virtual > 1 else draw(st.integers(1, 14))
    return schedule, ranks, count, virtual


@given(cases(), st.lists(SECONDS, min_size=3, max_size=3), st.sampled_from([0.0, 0.125]))
def test_every_block_runs_once_and_waits_for_what_it_needs(case, seconds, transfer):
    schedule, ranks, count, virtual = case
    chunks = ranks * virtual
    passes = timeline(
        schedule, ranks, count, Durations.even(chunks, *seconds, transfer=transfer), virtual
    )
    at = {(one.kind, one.microbatch, one.chunk): one for one in passes}
    kinds = 3 if schedule in SPLIT else 2
    assert len(at) == len(passes) == kinds * chunks * count
    for (kind, m, chunk), one in at.items():
        assert one.rank == chunk % ranks
        if kind == FORWARD and chunk:
            assert one.start >= at[FORWARD, m, chunk - 1].end + transfer
        if kind == BACKWARD:
            assert one.start >= at[FORWARD, m, chunk].end
            if chunk < chunks - 1:
                assert one.start >= at[BACKWARD, m, chunk + 1].end + transfer
        if kind == WEIGHT:
            assert one.start >= at[BACKWARD, m, chunk].end
    for rank in range(ranks):
        mine = sorted((one.start, one.end) for one in passes if one.rank == rank)
        assert all(a[1] <= b[0] for a, b in itertools.pairwise(mine))


@given(cases(PLAIN), SECONDS, SECONDS)
def test_plain_schedules_wait_as_long_as_the_closed_form_says(case, forward, backward):
    schedule, ranks, count, virtual = case
    each = Durations.even(ranks * virtual, forward, backward, 0.0)
    passes = timeline(schedule, ranks, count, each, virtual)
    work = count * virtual * (forward + backward)
    one = layout(pipeline=ranks, batch=count, virtual=virtual, schedule=schedule)
    whole = [np.asarray(value * virtual) for value in (forward, backward, 0.0)]
    assert makespan(passes) - work == pytest.approx(float(idle(one, *whole)))


@given(cases(SPLIT))
def test_split_schedules_wait_as_long_as_the_closed_form_says(case):
    """Equal passes: exact with enough micro-batches, never longer with fewer."""
    schedule, ranks, count, virtual = case
    waits = float(np.max(idle_of(timeline(schedule, ranks, count, Durations.even(ranks)))))
    one = layout(pipeline=ranks, batch=count, virtual=virtual, schedule=schedule)
    closed = float(idle(one, *[np.ones(())] * 3))
    enough = 2 * ranks - 1 if schedule == ZERO_BUBBLE_DEEP else ranks
    assert waits <= closed + 1e-9
    if count >= enough:
        assert waits == pytest.approx(closed)


@given(cases())
def test_micro_batches_in_flight_are_the_closed_form(case):
    schedule, ranks, count, virtual = case
    passes = timeline(schedule, ranks, count, Durations.even(ranks * virtual), virtual)
    one = layout(pipeline=ranks, batch=count, virtual=virtual, schedule=schedule)
    assert peak_in_flight(passes, 0, virtual) == pytest.approx(float(in_flight(one)))
    last = peak_in_flight(passes, ranks - 1, virtual)
    assert last == pytest.approx(float(in_flight_last(one)))


def test_a_heavier_last_stage_sets_the_pace():
    """Steady state: one micro-batch in the time of the slowest stage."""
    even = (1.0, 1.0, 1.0, 1.5)
    uneven = Durations(even, even, (0.0,) * 4)
    short, long = (makespan(timeline(ONE_F_ONE_B, 4, m, uneven)) for m in (16, 32))
    assert long - short == pytest.approx(16 * 3.0)


@given(st.lists(SECONDS, min_size=2, max_size=6), st.integers(1, 16))
def test_uneven_stages(seconds, count):
    """GPipe exactly; 1F1B never longer, and exactly where the last stage is the slowest."""
    ranks, both = len(seconds), 3 * np.array(seconds)
    each = Durations(tuple(seconds), tuple(2 * one for one in seconds), (0.0,) * ranks)
    closed = float(span_of_stages(both, np.asarray(float(count))))
    assert makespan(timeline(GPIPE, ranks, count, each)) == pytest.approx(closed)
    assert makespan(timeline(ONE_F_ONE_B, ranks, count, each)) <= closed + 1e-9
    ends = (1.0,) * (ranks - 1) + (max(seconds) + 1.0,)
    heavy = Durations(ends, tuple(2 * one for one in ends), (0.0,) * ranks)
    closed = float(span_of_stages(3 * np.array(ends), np.asarray(float(count))))
    assert makespan(timeline(ONE_F_ONE_B, ranks, count, heavy)) == pytest.approx(closed)


def test_sending_delays_the_first_and_hides_later():
    quick = makespan(timeline(GPIPE, 4, 8, Durations.even(4)))
    slow = makespan(timeline(GPIPE, 4, 8, Durations.even(4, transfer=0.5)))
    assert slow == pytest.approx(quick + 2 * 3 * 0.5)


def test_interleaving_needs_a_multiple_of_the_ranks():
    with pytest.raises(NoDataError, match="multiple"):
        order(ONE_F_ONE_B, 4, 6, 2)


def test_orders_that_wait_for_each_other_are_refused():
    crossed = [[(BACKWARD, 0, 0), (FORWARD, 0, 0)]]
    with pytest.raises(NoDataError, match="for ever"):
        run(crossed, Durations.even(1), False)
