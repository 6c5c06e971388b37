import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.facts.errors import ConfigError
from groundup.networks.topology import (
    fat_tree,
    most_endpoints,
    ports_down,
    rail_optimised,
    rails,
)

DATA = Path(__file__).parents[1] / "data" / "superpod_b200.csv"
COUNTS = ("leaf", "spine", "core", "endpoint_cables", "leaf_cables", "core_cables")


def superpods():
    lines = [line for line in DATA.read_text().splitlines() if not line.startswith("#")]
    return [tuple(int(x) for x in row) for row in list(csv.reader(lines))[1:]]


@pytest.mark.parametrize("row", superpods())
@pytest.mark.parametrize("build", [fat_tree, rail_optimised])
def test_published_superpod_tables_are_met_exactly(row, build):
    built = build(row[0], 64)
    assert tuple(int(getattr(built, name)) for name in COUNTS) == row[1:]


def test_one_call_counts_many_sizes():
    rows = np.array(superpods())
    built = fat_tree(rows[:, 0], 64)
    for column, name in enumerate(COUNTS, start=1):
        np.testing.assert_array_equal(getattr(built, name), rows[:, column])


@pytest.mark.parametrize(("ports", "endpoints"), [(64, 65_536), (48, 27_648), (4, 16)])
def test_three_tiers_join_a_quarter_of_k_cubed(ports, endpoints):
    # k^3/4; 27 648 is the example of Al-Fares et al. 2008, section 2.2
    assert most_endpoints(ports) == endpoints
    built = fat_tree(endpoints, ports)
    assert built.tiers == 3
    assert built.switches == 5 * ports**2 / 4  # Al-Fares: k^2/2 edge, k^2/2 aggregate, k^2/4 core


def test_rail_only_saves_two_fifths_at_8192():
    assert rails(8000, 64).switches == 384
    assert rails(8192, 64).switches == 384
    assert fat_tree(8192, 64).switches == 640


def test_small_networks():
    assert fat_tree(1, 64).switches == 0
    assert fat_tree(0, 64).cables == 0
    assert (fat_tree(64, 64).switches, fat_tree(64, 64).cables) == (1, 64)
    assert fat_tree(65, 64).tiers == 2
    assert fat_tree(2048, 64).tiers == 2
    assert fat_tree(2049, 64).tiers == 3


def test_oversubscription_takes_uplinks_away():
    assert ports_down(64, 3.0) == 48
    built = fat_tree(960, 64, 3.0)
    # 5 spines have the ports, but 16 uplinks of a leaf spread evenly over 8
    assert (built.leaf, built.leaf_cables, built.spine) == (20, 320, 8)
    assert most_endpoints(64, 3.0) == 98_304


sizes = st.integers(1, 60_000)
ports = st.sampled_from([8, 16, 32, 36, 48, 64, 128, 144])


@given(sizes, ports, st.sampled_from([1.0, 2.0, 3.0]))
def test_every_cable_has_ports_at_both_ends(endpoints, k, oversubscription):
    built = fat_tree(endpoints, k, oversubscription)
    used = built.endpoint_cables + 2 * (built.leaf_cables + built.core_cables)
    assert used <= built.switches * k
    assert built.leaf * k >= built.endpoint_cables + built.leaf_cables
    assert built.spine * k >= built.leaf_cables + built.core_cables
    assert built.core * k >= built.core_cables


@given(sizes, ports)
def test_non_blocking_means_as_much_up_as_down(endpoints, k):
    built = fat_tree(endpoints, k)
    if built.tiers >= 2:
        assert built.leaf_cables >= built.endpoint_cables
    if built.tiers == 3:
        assert built.core_cables >= built.leaf_cables


@given(sizes, sizes, ports)
def test_more_endpoints_never_take_fewer_cables(a, b, k):
    assert fat_tree(min(a, b), k).cables <= fat_tree(max(a, b), k).cables


@pytest.mark.parametrize(("k", "oversubscription"), [(1, 1.0), (4, 0.1)])
def test_switches_that_cannot_be_split_are_refused(k, oversubscription):
    with pytest.raises(ConfigError, match="switch_ports"):
        fat_tree(10, k, oversubscription)


@given(sizes, sizes, ports, st.sampled_from([1.0, 3.0]))
def test_more_endpoints_never_take_fewer_switches(a, b, k, oversubscription):
    few, many = (fat_tree(n, k, oversubscription).switches for n in sorted((a, b)))
    assert few <= many


@given(sizes, ports)
def test_every_leaf_reaches_every_spine_equally(endpoints, k):
    built = fat_tree(endpoints, k)
    if built.tiers == 2:
        assert (k - ports_down(k, 1.0)) % built.spine == 0
