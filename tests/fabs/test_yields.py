import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.fabs.yields import (
    MODELS,
    at_most_bad,
    bose_einstein_yield,
    clustered_harvest_yield,
    defects_of,
    die_yield,
    harvest_yield,
    murphy_yield,
    negative_binomial_yield,
    poisson_yield,
    ramped,
    seeds_root_yield,
    seeds_yield,
    stack_yield,
)
from groundup.fabs.yields import (
    tested_quality as quality_of_tested,
)
from groundup.facts.errors import ConfigError


def test_published_murphy_yields():
    # AnandTech 2019 on TSMC's 5 nm test chip: 17.92 mm2 at 80 % yield is D0 = 1.271 per cm2,
    # and a 100 mm2 die would then yield 32.0 %
    assert murphy_yield(0.1792 * 1.271) == pytest.approx(0.80, abs=0.001)
    assert murphy_yield(1.0 * 1.271) == pytest.approx(0.320, abs=0.001)


@pytest.mark.parametrize(
    ("density", "area", "found"),
    [(0.11, 8.0, 0.4302402590579391), (0.11, 4.0, 0.6501222254573358),
     (0.09, 8.0, 0.49894439291408804), (0.09, 1.0, 0.9142991955050759)],
)  # fmt: skip
def test_yields_of_chiplet_actuary(density, area, found):
    # die_yield of Chiplet Actuary (commit 2c91fb9): ten critical levels
    assert negative_binomial_yield(density * area, 10.0) == pytest.approx(found)
    assert die_yield("bose-einstein", density * area, layers=10.0) == pytest.approx(found)


def test_losses_of_a_chiplet_actuary_package():
    # two 400 mm2 dies of 5 nm on a silicon interposer of 880 mm2: its SI package yields 60.3 %
    # and wastes 48.41 USD of dies that cost 406.06
    assert negative_binomial_yield(0.06 * 8.8, 6.0) == pytest.approx(0.6028741017111892)
    lost = (265.38547436262445 + 140.67042240163386) * (1 / (0.95**2 * 0.99) - 1)
    assert lost == pytest.approx(48.41221567790106)


def test_yield_of_the_h100_at_a_tenth_of_a_defect():
    # 814 mm2 at 0.1 per cm2: published tools say 41 to 55 %
    models = [float(die_yield(model, 0.814)) for model in ("murphy", "negative-binomial", "seeds")]
    assert all(0.41 <= found <= 0.56 for found in models)
    assert float(poisson_yield(0.814)) == pytest.approx(0.443, abs=0.001)


def test_published_stack_yield():
    # 16 layers at 99.5 % a die and 99.8 % a bond give about 90 %
    assert stack_yield(0.995, 0.998, 16) == pytest.approx(0.896, abs=0.001)


defects = st.floats(0.0, 20.0)


@given(defects, defects)
@pytest.mark.parametrize("model", MODELS)
def test_more_defects_never_yield_more(model, a, b):
    low, high = sorted((a, b))
    assert 0 <= die_yield(model, high) <= die_yield(model, low) + 1e-12 <= 1 + 1e-12
    assert die_yield(model, 0.0) == 1.0


@given(st.floats(0.01, 20.0))
def test_the_models_stand_in_order(ad):
    # the wider densities spread, the more dies escape: Poisson < Murphy < Seeds
    assert poisson_yield(ad) < murphy_yield(ad) < seeds_yield(ad)
    assert poisson_yield(ad) < negative_binomial_yield(ad, 3.0) < seeds_yield(ad)


@given(st.floats(0.01, 20.0))
def test_limits_of_clustering(ad):
    assert negative_binomial_yield(ad, 1e9) == pytest.approx(float(poisson_yield(ad)), rel=1e-5)
    assert negative_binomial_yield(ad, 1.0) == pytest.approx(float(seeds_yield(ad)))
    assert bose_einstein_yield(ad, 1) == pytest.approx(float(seeds_yield(ad)))
    assert seeds_root_yield(ad) == pytest.approx(np.exp(-np.sqrt(ad)))


@given(st.floats(0.05, 0.999), st.floats(1.0, 20.0))
def test_defects_of_is_the_inverse(good, alpha):
    assert negative_binomial_yield(defects_of(good, alpha), alpha) == pytest.approx(good)


def test_a_wrong_model_is_named():
    with pytest.raises(ConfigError, match="did you mean 'poisson'"):
        die_yield("poison", 0.1)


@given(st.floats(0.0, 1.0), st.integers(1, 40), st.data())
def test_at_most_bad_is_the_binomial_sum(good, units, data):
    bad = data.draw(st.integers(0, units))
    counts = [math.comb(units, k) for k in range(bad + 1)]
    exact = sum(c * (1 - good) ** k * good ** (units - k) for k, c in enumerate(counts))
    assert at_most_bad(good, units, bad) == pytest.approx(exact, abs=1e-9)


def test_harvest_by_throwing_defects():
    # dies with gamma distributed mean defects, each defect on a unit or on the rest: counted
    draw = np.random.default_rng(3)
    mean, share, units, bad, alpha, dies = 0.8, 0.6, 20, 2, 3.0, 200_000
    there = draw.gamma(alpha, mean / alpha, dies)
    rest = draw.poisson(there * (1 - share))
    hit = draw.poisson((there * share / units)[:, None], (dies, units)) > 0
    sold = ((rest == 0) & (hit.sum(axis=1) <= bad)).mean()
    assert clustered_harvest_yield(mean, share, units, bad, alpha) == pytest.approx(sold, abs=0.004)


@given(st.floats(0.01, 3.0), st.floats(0.0, 1.0), st.floats(2.0, 6.0))
def test_harvest_lies_between_perfect_and_the_rest(ad, share, alpha):
    perfect = float(negative_binomial_yield(ad, alpha))
    found = [float(clustered_harvest_yield(ad, share, 144, k, alpha)) for k in (0, 3, 12, 144)]
    assert found[0] == pytest.approx(perfect, rel=2e-3)
    assert all(a <= b + 1e-12 for a, b in itertools.pairwise(found))
    assert found[-1] == pytest.approx(float(negative_binomial_yield(ad * (1 - share), alpha)),
                                      rel=2e-3)  # fmt: skip


@given(st.floats(0.01, 3.0), st.floats(0.0, 1.0))
def test_with_less_clustering_both_harvests_agree(ad, share):
    # the mean of f over a gamma distribution differs from f(mean) by at most max|f''| variance/2,
    # and the variance is the mean squared over alpha
    alone = float(harvest_yield(poisson_yield(ad), share, 40, 2))
    for alpha in (3.0, 12.0):
        found = float(clustered_harvest_yield(ad, share, 40, 2, alpha))
        assert abs(found - alone) <= ad**2 / (2 * alpha) + 1e-3


def test_a_ramp_runs_from_what_was_measured_to_what_is_left():
    assert ramped(0.105, 0.07, 0.0, 4.5) == pytest.approx(0.105)
    assert ramped(0.105, 0.07, 1e3, 4.5) == pytest.approx(0.07)
    # with 4.5 months it passes through the 0.33 that was reported three quarters earlier
    assert ramped(0.105, 0.07, -9.0, 4.5) == pytest.approx(0.33, abs=0.01)


def test_quality_of_tested_dies():
    # Williams and Brown 1981: half of the dies good, 99 % coverage: 0.7 % of the passed are bad
    assert quality_of_tested(0.5, 0.99) == pytest.approx(0.9931, abs=1e-4)
    assert quality_of_tested(0.5, 1.0) == 1.0
    assert quality_of_tested(0.5, 0.0) == 0.5
