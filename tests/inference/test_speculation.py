"""Guessed tokens against exact enumeration, simulation and published gains."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.facts.catalogue import load_catalogue
from groundup.inference.latency import engine_of
from groundup.inference.speculation import best_guesses, expected_tokens, ideal_gain, speculative
from groundup.models.published import published

FACTS = load_catalogue()
ENGINE = engine_of(published("Llama-3.1-70B"), "h100-sxm", FACTS, tensor=4)


@pytest.mark.parametrize("acceptance", [0.0, 0.3, 0.7, 0.9])
@pytest.mark.parametrize("guesses", [0, 1, 4])
def test_tokens_by_enumerating_every_outcome(acceptance: float, guesses: int) -> None:
    mean = 0.0
    for outcome in itertools.product((True, False), repeat=guesses):
        chance = np.prod([acceptance if ok else 1 - acceptance for ok in outcome])
        accepted = next((i for i, ok in enumerate(outcome) if not ok), guesses)
        mean += float(chance) * (accepted + 1)
    assert float(expected_tokens(acceptance, guesses)) == pytest.approx(mean)


def test_all_guesses_accepted() -> None:
    assert float(expected_tokens(1.0, 5)) == 6.0


def test_published_gain_of_a_prediction_block() -> None:
    # DeepSeek-V3, section 5.4.3: 85 to 90 % of second tokens accepted, 1.8 times TPS
    accepted = FACTS["inference.acceptance.mtp"].value
    gain = float(ideal_gain(accepted, 1, FACTS["inference.draft_cost.mtp"].value))
    assert gain == pytest.approx(FACTS["inference.mtp.speedup"].value, rel=0.05)


@settings(max_examples=30, deadline=None)
@given(st.floats(1, 500), st.floats(100, 5000), st.floats(0.1, 0.95), st.integers(1, 6))
def test_checking_never_beats_what_is_free(
    batch: float, context: float, acceptance: float, guesses: int
) -> None:
    found = speculative(ENGINE, batch, context, acceptance, guesses, 0.05)
    assert np.all(found.gain <= ideal_gain(acceptance, guesses, 0.05) * (1 + 1e-9))


def test_large_batches_gain_less_and_take_fewer_guesses() -> None:
    batches = np.array([1.0, 16.0, 64.0, 256.0, 1024.0])
    gain = speculative(ENGINE, batches, 1000.0, 0.7, 4, 0.075).gain
    assert np.all(np.diff(gain) < 0)
    assert gain[0] == pytest.approx(float(ideal_gain(0.7, 4, 0.075)), rel=0.05)
    best = best_guesses(ENGINE, batches, 1000.0, 0.7, 0.075)
    assert best[0] >= 3
    assert np.all(np.diff(best) <= 0)


def test_no_guesses_change_nothing() -> None:
    found = speculative(ENGINE, 8.0, 500.0, 0.7, 0, 0.1)
    assert found.gain == pytest.approx(1.0)
