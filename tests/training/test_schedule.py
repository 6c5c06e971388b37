"""Warm-up, plateau and decay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.facts.errors import ConfigError
from groundup.training.schedule import Schedule, plan_schedule


@given(st.integers(1, 2000), st.floats(0, 0.3), st.floats(0, 0.7))
def test_factor_stays_in_range_rises_then_falls(steps, warmup, decay):
    schedule = plan_schedule(steps, warmup, decay)
    factors = [schedule.factor(step) for step in range(steps)]
    assert all(0 < factor <= 1 for factor in factors)
    top = factors.index(max(factors))
    assert factors[: top + 1] == sorted(factors[: top + 1])
    assert factors[top:] == sorted(factors[top:], reverse=True)


def test_values():
    schedule = Schedule(steps=10, warmup=2, decay=4)
    expected = [0.5, 1, 1, 1, 1, 1, 0.8, 0.6, 0.4, 0.2]
    assert [schedule.factor(i) for i in range(10)] == pytest.approx(expected)


def test_decay_longer_than_the_run_is_refused():
    with pytest.raises(ConfigError, match="must not exceed"):
        Schedule(steps=5, warmup=3, decay=3)
