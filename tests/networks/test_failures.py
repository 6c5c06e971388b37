import numpy as np
import pytest
from hypothesis import given as every
from hypothesis import strategies as st

from groundup.facts.catalogue import load_catalogue
from groundup.facts.estimate import given
from groundup.networks.failures import (
    down_at_once,
    first_failure_hours,
    interruption_rate,
    leaf_capacity,
    per_day,
    spares,
)

FACTS = load_catalogue()


def test_first_failure_of_100_000_links_of_five_years():
    # circulates as 26.28 minutes (SemiAnalysis, 2024), with years of 365 days
    assert float(first_failure_hours(100_000, 5 * 365 * 24)) * 60 == pytest.approx(26.28, abs=0.01)


def test_failures_a_day_and_down_at_once():
    failures = per_day(given(100_000.0, "accelerator", "n"), FACTS)
    assert failures.to("failure/day").value == pytest.approx(100_000 / (5 * 365.25))
    repair = FACTS["networks.repair.time"].value / 24
    assert down_at_once(failures, FACTS).value == pytest.approx(failures.value * repair)


def test_llama_3_interruptions_come_back_out():
    # 35 of 419 in 54 days of 16 384 accelerators (arXiv:2407.21783, table 5)
    rate = interruption_rate(FACTS)
    hours = 54 * 24 * 16_384
    assert rate.to("failure/(accelerator*h)").value * hours == pytest.approx(35)


@every(st.floats(0.01, 2000), st.floats(0.1, 30))
def test_spares_cover_99_of_100(rate, days):
    count = spares(rate, days)
    drawn = np.random.default_rng(0).poisson(rate * days, 20_000)
    assert (drawn <= count).mean() >= 0.98
    assert count == 0 or (drawn <= count - 1).mean() <= 0.995


def test_a_leaf_keeps_what_its_uplinks_keep():
    assert leaf_capacity(32, [0, 1, 32, 40]).tolist() == [1.0, 31 / 32, 0.0, 0.0]
