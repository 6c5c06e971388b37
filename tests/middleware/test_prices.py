import numpy as np
import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import NoDataError
from groundup.facts.estimate import given
from groundup.middleware.prices import (
    cheapest,
    coverage,
    input_price,
    priced,
    question_price,
    reads_to_repay,
    sampled_price,
    token_prices,
    use,
    varied_coverage,
)

FACTS = load_catalogue()
OPUS = token_prices("claude-opus-48", FACTS)


def tokens(count):
    return given(count, "token/question", "tokens", "here")


def test_a_cached_prompt_costs_a_tenth_and_a_batch_half():
    assert input_price(OPUS, use(cached=1.0)).value == pytest.approx(0.1 * OPUS.input.value)
    full = question_price(OPUS, tokens(1e4), tokens(1e3), use()).value
    assert full == pytest.approx((1e4 * 5 + 1e3 * 25) / 1e6)
    assert question_price(OPUS, tokens(1e4), tokens(1e3), use(batched=1.0)).value == full / 2


def test_keeping_a_prompt_pays_from_its_first_reading():
    reads = reads_to_repay(OPUS).value
    assert 0 < reads < 1
    n = reads  # one write and n reads cost what n + 1 fresh readings do
    assert OPUS.write.value + n * OPUS.cached.value == pytest.approx((n + 1) * OPUS.input.value)


@examples(st.floats(0, 1), st.floats(0, 1))
def test_a_mixture_lies_between_its_parts(cached, written):
    if cached + written > 1:
        return
    price = input_price(OPUS, use(cached=cached, written=written)).value
    assert OPUS.cached.value - 1e-9 <= price <= OPUS.write.value + 1e-9


def test_unknown_models_have_no_prices():
    assert "gpt-5" in priced(FACTS)
    with pytest.raises(NoDataError):
        token_prices("no-such-model", FACTS)


@examples(st.floats(0.01, 0.9), st.integers(1, 50))
def test_coverage_of_equal_questions_is_the_limit_of_varied_ones(p, k):
    assert float(varied_coverage(p, 1e9, k)[0]) == pytest.approx(float(coverage(p, k)), abs=1e-5)
    assert float(varied_coverage(p, 2.0, k)[0]) <= float(coverage(p, k)) + 1e-9


def test_varied_coverage_agrees_with_draws():
    draw = np.random.default_rng(5)
    p = draw.beta(0.2 * 1.5, 0.8 * 1.5, 400_000)
    for k in (1, 4, 16):
        found = float(varied_coverage(0.2, 1.5, k)[0])
        assert found == pytest.approx(np.mean(1 - (1 - p) ** k), abs=3e-3)


def test_more_samples_cost_more_and_the_cheapest_way_is_found():
    prices = [
        sampled_price(OPUS, tokens(1e3), tokens(200), tokens(800), k).value for k in (1, 2, 4, 8)
    ]
    assert prices[0] == pytest.approx((1e3 * 5 + 1e3 * 25) / 1e6)
    assert prices[2] - prices[1] == pytest.approx(2 * (1e3 * 0.5 + 1e3 * 25) / 1e6)
    reached = coverage(0.4, [1, 2, 4, 8])
    assert cheapest(reached, prices, 0.8) == 2
    assert cheapest(reached, prices, 0.999) == -1
