import numpy as np
import pytest
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

from groundup.facts.catalogue import load_catalogue
from groundup.facts.estimate import given
from groundup.sites.swings import Swing, checkpoint_swing, harmful, step_swing, trace

FACTS = load_catalogue()
POWER = given(150.0, "MW", "IT power", "test")


def square(high, low, period, quiet):
    return Swing(
        given(high, "MW", "high"), given(low, "MW", "low"), given(period, "s", "period"),
        given(quiet, "1", "quiet"), given(1e-6, "s", "edge"),
    )  # fmt: skip


@hypothesis_given(st.floats(50, 200), st.floats(0, 49), st.floats(0.5, 60), st.floats(0.05, 0.95))
def test_storage_and_dummy_work_by_integration(high, low, period, quiet):
    swing = square(high, low, period, quiet)
    n = 200_000
    power = np.where(np.arange(n) < quiet * n, low, high)
    mean = power.mean()
    stored = np.clip(mean - power, 0, None).sum() * period / n / 3600  # MWh taken up in the quiet
    assert swing.mean.value == pytest.approx(mean, rel=1e-3)
    assert swing.storage.value == pytest.approx(stored, rel=1e-3)
    burnt = (high - power).sum() / power.sum()
    assert swing.dummy_share.value == pytest.approx(burnt, rel=1e-3)


def test_a_checkpoint_swings_between_85_and_15_per_cent():
    # arXiv:2503.05804, abstract
    swing = checkpoint_swing(POWER, given(20.0, "min", "between"), FACTS)
    assert swing.high.value == pytest.approx(0.85 * 150)
    assert swing.low.value == pytest.approx(0.15 * 150)
    assert swing.depth.value == pytest.approx(105)
    assert swing.quiet.value == pytest.approx(30 / 1200)
    assert not harmful(swing, FACTS)  # once in twenty minutes


def test_steps_swing_in_the_band_that_harms():
    swing = step_swing(POWER, FACTS)
    assert harmful(swing, FACTS)
    assert swing.frequency.value == pytest.approx(0.2)
    assert swing.ramp.to("MW/s").value == pytest.approx(swing.depth.value / 0.5)
    assert 0 < swing.depth.value < 105


def test_trace_keeps_the_mean_and_stays_between_the_levels():
    swing = step_swing(POWER, FACTS)
    time, drawn, held = trace(swing, 5 * swing.period.to("s").value, 5001)
    assert drawn.min() == pytest.approx(swing.low.value)
    assert drawn.max() == pytest.approx(swing.high.value)
    assert np.trapezoid(drawn, time) / time[-1] == pytest.approx(held[0], rel=0.08)


def test_draws_keep_their_shape():
    assert step_swing(POWER, FACTS, 300).storage.samples.shape == (301,)
