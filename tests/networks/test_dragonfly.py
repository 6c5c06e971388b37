import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.facts.errors import ConfigError
from groundup.networks.dragonfly import dragonfly, endpoints_per_router, most_endpoints


def test_published_sizes():
    # Kim et al. 2008: figure 5 has N = 72 with p = h = 2, a = 4 (k = 7); radix 64 exceeds 256 K
    assert most_endpoints(7) == 72
    assert most_endpoints(64) == 262_656
    assert endpoints_per_router(64) == 16


def test_full_dragonfly_is_wired_by_hand():
    built = dragonfly(72.0, 7)
    assert int(built.leaf) == 36  # 9 groups of 4 routers
    assert int(built.leaf_cables) == 9 * 6  # 4 routers all to all
    assert int(built.core_cables) == 9 * 8 // 2  # every pair of groups once
    assert int(built.endpoint_cables) == 72


def test_one_group_has_no_global_cables():
    built = dragonfly(8.0, 7)
    assert (int(built.leaf), int(built.core_cables)) == (4, 0)


@given(st.integers(2, 200_000), st.sampled_from([7, 16, 32, 64, 128]))
def test_ports_suffice(endpoints, ports):
    built = dragonfly(endpoints, ports)
    used = built.endpoint_cables + 2 * (built.leaf_cables + built.core_cables)
    assert used <= built.switches * ports


def test_too_few_ports_are_refused():
    with pytest.raises(ConfigError, match="switch_ports = 2"):
        dragonfly(10.0, 2)
