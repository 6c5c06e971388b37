import itertools

import numpy as np
import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from groundup.facts.catalogue import load_catalogue
from groundup.facts.estimate import given
from groundup.middleware.agent_success import (
    best_interval,
    break_even_check,
    checked,
    horizon_after,
    horizon_success,
    majority,
    plain,
    steps_until,
    success_needed,
    task,
    time_until,
    with_checkpoints,
)

FACTS = load_catalogue()
part = st.floats(0.02, 0.98)


def markov(p, s, a, tries, steps, person=None):
    """The absorbing chain solved as linear equations: states are (step, try, spoiled or not)."""
    states = list(itertools.product(range(steps), range(tries), (False, True)))
    index = {state: i for i, state in enumerate(states)}
    moves = np.zeros((len(states), len(states)))
    ends = np.zeros((len(states), 3))  # solved, spoiled, stopped
    people = np.zeros(len(states))

    def go(row, step, spoiled, weight):
        if step < steps:
            moves[row, index[step, 0, spoiled]] += weight
        else:
            ends[row, 1 if spoiled else 0] += weight

    for (step, attempt, spoiled), row in index.items():
        go(row, step + 1, spoiled, p * s)
        go(row, step + 1, True, (1 - p) * a)
        rejected = 1 - p * s - (1 - p) * a
        if attempt + 1 < tries:
            moves[row, index[step, attempt + 1, spoiled]] += rejected
        elif person is None:
            ends[row, 2] += rejected
        else:
            people[row] = rejected
            go(row, step + 1, spoiled, rejected * person)
            go(row, step + 1, True, rejected * (1 - person))
    visits = np.linalg.inv(np.eye(len(states)) - moves)[index[0, 0, False]]
    return visits @ ends, visits.sum(), visits @ people


@settings(max_examples=40)
@examples(part, part, part, st.integers(1, 4), st.integers(1, 5), st.none() | part)
def test_closed_forms_agree_with_the_chain(p, s, a, tries, steps, person):
    run = task(checked(p, s, a, tries), steps, person)
    ends, made, people = markov(p, s, a, tries, steps, person)
    found = [float(x) for x in (run.solved, run.spoiled, run.stopped)]
    assert found == pytest.approx(ends.tolist(), abs=1e-9)
    assert float(run.tries) == pytest.approx(made)
    assert float(run.people) == pytest.approx(people, abs=1e-9)
    assert sum(found) == pytest.approx(1.0)


def test_checkpoints_agree_with_a_simulation():
    draw = np.random.default_rng(3)
    p, steps, interval, s, a, runs = 0.9, 12, 4, 0.95, 0.1, 40_000
    made = np.zeros(runs)
    right = np.ones(runs, dtype=bool)
    for _ in range(steps // interval):
        open_ = np.ones(runs, dtype=bool)
        while open_.any():
            made[open_] += interval
            good = (draw.random((runs, interval)) < p).all(axis=1)
            accepted = open_ & (draw.random(runs) < np.where(good, s, a))
            right &= ~accepted | good
            open_ &= ~accepted
    run = with_checkpoints(p, steps, interval, s, a)
    assert float(run.solved) == pytest.approx(right.mean(), abs=0.01)
    assert float(run.tries) == pytest.approx(made.mean(), rel=0.01)
    assert float(run.checks) == pytest.approx(made.mean() / interval, rel=0.01)


@examples(part, st.sampled_from([1, 3, 5, 7]))
def test_majority_agrees_with_enumeration(p, votes):
    whole = sum(
        np.prod([p if right else 1 - p for right in ballot])
        for ballot in itertools.product((False, True), repeat=votes)
        if sum(ballot) > votes / 2
    )
    assert float(majority(p, votes)) == pytest.approx(whole)


def test_an_even_number_of_votes_is_refused():
    with pytest.raises(ValueError, match="odd"):
        majority(0.6, 4)


@examples(st.floats(0.5, 0.999), st.floats(0.01, 0.99))
def test_steps_until_a_target_are_the_last_that_reach_it(p, target):
    steps = float(steps_until(p, target))
    assert p**steps >= target * (1 - 1e-6)
    assert p ** (steps + 1) < target * (1 + 1e-6)
    assert float(success_needed(10, target)) ** 10 == pytest.approx(target)


def test_ninety_five_percent_over_five_and_ten_steps():
    found = task(plain(0.95), np.array([5, 10])).solved
    assert found == pytest.approx([0.7738, 0.5987], abs=1e-4)


@examples(part, part, part, st.integers(1, 6), st.integers(1, 30))
def test_retries_never_make_a_task_less_often_solved(p, s, a, tries, steps):
    more = task(checked(p, s, a, tries + 1), steps).solved
    assert float(more) >= float(task(checked(p, s, a, tries), steps).solved) - 1e-12


@examples(st.floats(0.5, 0.95), st.floats(0.8, 1.0), st.floats(0.0, 0.2), st.integers(1, 20))
def test_at_its_break_even_price_a_check_changes_nothing(p, s, a, steps):
    without, with_ = task(plain(p), steps), task(checked(p, s, a, 3), steps)
    price = float(break_even_check(without, with_, 1.0))
    assert float(with_.cost_per_solved(1.0, price)) == pytest.approx(
        float(without.cost_per_solved(1.0))
    )


def test_dear_checks_are_made_more_rarely():
    often = best_interval(0.95, 60, 1.0, 0.1)
    rarely = best_interval(0.95, 60, 1.0, 5.0)
    assert often < rarely
    costs = [float(with_checkpoints(0.95, 60, c).cost_per_solved(1.0, 0.1)) for c in range(1, 61)]
    assert often == 1 + int(np.argmin(costs))


def test_the_horizon_is_where_half_of_the_tasks_are_solved():
    share = FACTS["middleware.horizon_80_share"].value
    assert float(horizon_success(59, 59, share)) == pytest.approx(0.5)
    assert float(horizon_success(59 * share, 59, share)) == pytest.approx(0.8)


def test_published_horizons_double_as_fast_as_published():
    keys = FACTS.keys("middleware.horizon.")
    days = np.array([FACTS[key].as_of.toordinal() for key in keys], dtype=float)
    slope = np.polyfit(days, np.log2([FACTS[key].value for key in keys]), 1)[0]
    published = FACTS["middleware.doubling.since_2023"]  # of all their models; eight are on record
    assert published.value * 0.8 < 1 / slope < published.high


def test_time_until_a_horizon_turns_back_into_it():
    start, twice = given(60.0, "min", "h"), FACTS.estimate("middleware.doubling.since_2019")
    wanted = given(40.0, "h", "a week's work")
    left = time_until(start, twice, wanted)
    assert left.to("day").value == pytest.approx(212 * np.log2(40))
    assert horizon_after(start, twice, left).to("h").value == pytest.approx(40.0)
