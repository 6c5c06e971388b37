"""Power of serving between its limits, and joules that add up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.facts.catalogue import load_catalogue
from groundup.inference.energy import busy, fit_power, joules_per_token, power_share, watts
from groundup.inference.latency import engine_of
from groundup.inference.steady import steady, traffic_of
from groundup.models.published import published

FACTS = load_catalogue()
ENGINE = engine_of(published("Llama-3.1-70B"), "h100-sxm", FACTS, tensor=4)


@settings(max_examples=30, deadline=None)
@given(st.floats(1, 1000), st.floats(10, 4000), st.floats(10, 4000))
def test_power_is_between_idle_and_the_design_power(
    batch: float, prompt: float, output: float
) -> None:
    found = steady(ENGINE, batch, traffic_of(FACTS, prompt, output))
    share = power_share(found.parts, FACTS)
    assert np.all(share >= FACTS["inference.power.idle"].value)
    assert np.all(share <= 1.0)
    drawn = watts(found, ENGINE, "h100-sxm", FACTS)
    joules = joules_per_token(found, ENGINE, "h100-sxm", FACTS)
    assert np.allclose(drawn, share * 700.0 * 4)
    assert np.allclose(joules * found.tokens_per_s, drawn)


def test_batches_save_energy() -> None:
    batches = np.array([1.0, 8.0, 64.0, 256.0])
    found = steady(ENGINE, batches, traffic_of(FACTS, 500.0, 500.0))
    assert np.all(np.diff(joules_per_token(found, ENGINE, "h100-sxm", FACTS)) < 0)


def test_shares_of_a_step_and_the_fit_that_weighs_them() -> None:
    rng = np.random.default_rng(0)
    found = steady(ENGINE, np.geomspace(1, 1000, 60), traffic_of(FACTS, 500.0, 500.0))
    shares = busy(found.parts)
    assert np.all(shares[:, 1:].sum(-1) < 1)
    assert np.all(shares[:, 0] == 1)
    spread = np.column_stack([np.ones(400), rng.dirichlet(np.ones(4), 400)[:, :3]])
    weights = np.array([0.3, 0.5, 0.8, 0.7])
    power = spread @ weights
    power[::25] *= 3.0  # some meters are wrong
    assert fit_power(spread, power) == pytest.approx(weights, rel=0.1)
