import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.facts.errors import FactError
from groundup.networks.flows import Load, is_max_min, max_min


def load(paths, flows=None):
    """Whole flows on lists of links."""
    pairs = [(f, link) for f, path in enumerate(paths) for link in path]
    flow, link = (np.array(column, int) for column in zip(*pairs, strict=True))
    return Load(flow, link, np.ones(len(flow)), flows or len(paths))


def lexicographic(paths, capacity, grid):
    """Best sorted rate vector over a grid of exact fractions: the definition, tried out."""
    best = None
    for rates in itertools.product(grid, repeat=len(paths)):
        pairs = list(zip(rates, paths, strict=True))
        used = [sum(r for r, p in pairs if i in p) for i in range(len(capacity))]
        if all(u <= c for u, c in zip(used, capacity, strict=True)):
            key = sorted(rates)
            if best is None or key > best[0]:
                best = (key, rates)
    return best[1]


@pytest.mark.parametrize(
    ("paths", "capacity"),
    [
        ([[0, 1], [0], [1]], [1, 1]),
        ([[0, 1], [0], [1], [1]], [1, 1]),
        ([[0], [0, 1], [1, 2], [2]], [1, 2, 1]),
        ([[0, 1, 2], [0], [1], [2]], [1, 1, 1]),
    ],
)
def test_small_networks_against_trying_out_all_rates(paths, capacity):
    grid = [Fraction(i, 6) for i in range(8)]
    wanted = lexicographic(paths, capacity, grid)
    found = max_min(load(paths), np.array(capacity, float))
    np.testing.assert_allclose(found, [float(x) for x in wanted], atol=1e-9)


def test_textbook_example():
    # Bertsekas and Gallager, example 6.5: one long flow and two short ones on links of 1
    np.testing.assert_allclose(max_min(load([[0, 1], [0], [1]]), np.ones(2)), 0.5)


def test_split_flows_load_links_by_their_share():
    # one flow over two links of 1, a second one on the first link only
    split = Load(np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([0.5, 0.5, 1.0]), 2)
    rates = max_min(split, np.ones(2))
    np.testing.assert_allclose(rates, [2 / 3, 2 / 3])
    assert is_max_min(split, np.ones(2), rates)


paths_of = st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=4, unique=True), min_size=1,
                    max_size=12)  # fmt: skip


@settings(max_examples=150)
@given(paths_of, st.lists(st.floats(0.1, 10), min_size=6, max_size=6))
def test_every_result_passes_the_definition(paths, capacity):
    made = load(paths)
    rates = max_min(made, np.array(capacity))
    assert is_max_min(made, np.array(capacity), rates)


@settings(max_examples=80)
@given(paths_of, st.lists(st.floats(0.1, 10), min_size=6, max_size=6), st.floats(0.1, 5))
def test_rates_scale_with_capacity(paths, capacity, factor):
    made = load(paths)
    once = max_min(made, np.array(capacity))
    np.testing.assert_allclose(max_min(made, factor * np.array(capacity)), factor * once, rtol=1e-6)


def test_the_definition_refuses_what_is_not_fair():
    made = load([[0, 1], [0], [1]])
    assert not is_max_min(made, np.ones(2), np.array([0.4, 0.6, 0.4]))  # the third could rise
    assert not is_max_min(made, np.ones(2), np.array([0.6, 0.6, 0.4]))  # the first link is overfull
    # feasible and full, but the long flow could rise at the cost of a faster one
    assert not is_max_min(made, np.ones(2), np.array([0.2, 0.8, 0.8]))


def test_dead_links_stop_their_flows_only():
    rates = max_min(load([[0], [1]]), np.array([0.0, 1.0]))
    assert rates.tolist() == [0.0, 1.0]


def test_a_flow_without_links_is_refused():
    with pytest.raises(FactError, match="flow 1 crosses no link"):
        max_min(Load(np.array([0]), np.array([0]), np.ones(1), 2), np.ones(1))
