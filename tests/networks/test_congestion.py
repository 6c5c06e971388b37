import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.facts.catalogue import load_catalogue
from groundup.networks.congestion import hashed, most_loaded, throughput

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


def test_adaptive_is_published_and_hashing_is_computed():
    assert throughput("adaptive", 32, 32, FACTS).value == 0.95
    assert throughput("ecmp", 32, 32, FACTS).value == pytest.approx(0.638, abs=1e-3)
    assert throughput("ecmp", 32, 32, FACTS, 100).samples.shape == (101,)
