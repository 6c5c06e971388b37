"""The guard skips what is not finite or jumps, and gives up in the end."""

import math

import pytest

from groundup.facts.errors import GroundupError
from groundup.training.guard import MAX_IN_ROW, Guard


def test_nan_and_infinite_gradients_are_skipped():
    guard = Guard()
    assert guard.accepts(3.0, 1.0)
    assert not guard.accepts(math.nan, 1.0)
    assert not guard.accepts(3.0, math.inf)
    assert guard.skipped == 2
    assert guard.accepts(2.9, 1.0)
    assert guard.in_row == 0


def test_a_spike_is_skipped_and_noise_is_not():
    guard = Guard()
    assert all(guard.accepts(3.0 + 0.05 * math.sin(i), 1.0) for i in range(100))
    assert guard.accepts(3.1, 1.0)
    assert not guard.accepts(5.0, 1.0)
    assert guard.losses[-1] == 3.1


def test_a_hopeless_run_ends_with_advice():
    guard = Guard()
    for _ in range(MAX_IN_ROW):
        assert not guard.accepts(math.nan, 1.0)
    with pytest.raises(GroundupError, match="lower the learning rate"):
        guard.accepts(math.nan, 1.0)


def test_state_round_trip():
    guard = Guard()
    for i in range(70):
        guard.accepts(4.0 - i / 100, 1.0)
    guard.accepts(math.nan, 1.0)
    assert Guard(**guard.state_dict()) == guard
