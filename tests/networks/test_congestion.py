import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.facts.catalogue import load_catalogue
from groundup.networks.clos import three_tier, two_tier
from groundup.networks.congestion import hashed, hashed_at_least, most_loaded, throughput
from groundup.networks.simulate import simulate
from groundup.networks.traffic import permutation

FACTS = load_catalogue()


@pytest.mark.parametrize(("flows", "uplinks"), [(1, 3), (2, 2), (3, 2), (4, 3), (5, 4)])
def test_against_all_ways_to_hash(flows, uplinks):
    ways = list(itertools.product(range(uplinks), repeat=flows))
    loads = [np.bincount(way, minlength=uplinks) for way in ways]
    assert most_loaded(flows, uplinks) == pytest.approx(np.mean([load.max() for load in loads]))
    passed = np.mean([(load > 0).sum() / flows for load in loads])
    assert float(hashed(flows, uplinks)) == pytest.approx(min(passed, 1))


def test_published_balls_in_bins():
    # expected occupied share tends to 1 - 1/e; the fullest of n bins grows like ln n / ln ln n
    assert float(hashed(100_000, 100_000)) == pytest.approx(1 - np.exp(-1), rel=1e-4)
    assert most_loaded(32, 32) == pytest.approx(3.53, abs=0.03)


@given(st.integers(1, 256), st.integers(1, 256))
def test_a_share_is_a_share_and_more_uplinks_help(flows, uplinks):
    assert 0 < hashed(flows, uplinks) <= hashed(flows, uplinks + 1) + 1e-9 <= 1 + 2e-9


@pytest.mark.parametrize(
    ("network", "tiers"), [(two_tier(32, 32), 2), (two_tier(64, 64), 2), (three_tier(16, 16), 3)]
)
def test_bounds_hold_the_simulated_mean(network, tiers):
    found = simulate(network, permutation(network.endpoints), "ecmp", seeds=4).rates.mean()
    low = hashed_at_least(network.down, network.up, 2 * (tiers - 1))
    high = float(hashed(network.down, network.up))
    assert low < found < high
    made = throughput("ecmp", network.down, network.up, tiers, FACTS, 200)
    assert low <= made.low < made.value < made.high <= high
    assert made.value == pytest.approx(found, rel=0.21)


def test_one_stage_at_least_is_an_equal_share_of_the_own_link():
    # two flows on two uplinks: alone with chance 1/2, else half of the link
    assert hashed_at_least(2, 2, 1) == pytest.approx(0.75)


def test_adaptive_is_published_and_one_switch_has_nothing_to_hash():
    assert throughput("adaptive", 32, 32, 3, FACTS).value == 0.95
    assert throughput("ecmp", 32, 32, 1, FACTS).value == 1.0
    assert throughput("ecmp", 32, 32, 2, FACTS, 100).samples.shape == (101,)
