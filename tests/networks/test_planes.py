import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from groundup.networks.planes import most_in_two_tiers, planes_of
from groundup.networks.topology import fat_tree


def test_two_tiers_reach_planes_squared_as_far():
    assert most_in_two_tiers(64, 1) == 2048
    assert most_in_two_tiers(64, 2) == 8192
    assert most_in_two_tiers(64, 4) == 32_768
    assert int(planes_of(8192.0, 64, 2).tiers) == 2
    assert int(planes_of(8193.0, 64, 2).tiers) == 3


def test_dual_plane_saves_the_third_tier():
    one, two = fat_tree(8192.0, 64), planes_of(8192.0, 64)
    assert int(one.switches) == 640
    assert int(two.switches) == 384
    assert int(one.cables) == 3 * 8192
    assert int(two.cables) == 2 * 8192


@given(st.integers(2, 60_000), st.sampled_from([16, 32, 64, 144]))
def test_one_plane_is_a_fat_tree(endpoints, ports):
    one, tree = planes_of(endpoints, ports, 1), fat_tree(endpoints, ports)
    for name in vars(tree):
        np.testing.assert_array_equal(getattr(one, name), getattr(tree, name))


@given(st.integers(2, 30_000), st.sampled_from([16, 64]), st.sampled_from([1, 2, 4]))
def test_every_cable_has_lanes_at_both_ends(endpoints, ports, planes):
    built = planes_of(endpoints, ports, planes)
    used = built.endpoint_cables + 2 * (built.leaf_cables + built.core_cables)
    assert used <= built.switches * ports
