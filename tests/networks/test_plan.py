import numpy as np
import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import ConfigError
from groundup.facts.estimate import given
from groundup.facts.layer import Ask
from groundup.networks.config import NetworksConfig
from groundup.networks.plan import demand, limit, pace

FACTS = load_catalogue()


def plan(count, samples=0, labels=None, hosts=None, **config):
    config = NetworksConfig(**config)
    ask = Ask("h100-sxm", {
        "accelerators": given(count, "accelerator", "n"),
        "accelerator_hours": given(count * 24.0 * 30, "accelerator*h", "hours"),
    }, labels or {})  # fmt: skip
    if hosts:
        ask = ask.with_(hosts=given(hosts, "server", "hosts"))
    ask = demand(config, ask, FACTS, samples)
    return ask, limit(config, ask, FACTS, samples)


def test_published_cluster_bill_is_met():
    # "H100 cluster cost" spreadsheet, 1 024 GPUs: 48 switches 1.728 MUSD, cables 2.621 MUSD
    ask, made = plan(1024.0)
    assert ask["switches"].value == 48
    assert made.details["capex"].to("USD").value == pytest.approx(1_728_000 + 2_621_440, rel=1e-3)


def test_limit_is_k_cubed_over_four_and_binds_on_ports():
    _, made = plan(100_000.0, samples=100)
    assert made.limit.value == 65_536
    assert made.headroom.value < 1
    assert "ports" in made.binds
    assert plan(100_000.0, switch_ports=144)[1].headroom.value > 1


def test_bisection_is_half_the_endpoints_at_port_rate():
    _, made = plan(16_384.0)
    assert made.details["bisection_bandwidth"].to("Tbit/s").value == pytest.approx(8192 * 0.4)
    _, half = plan(16_384.0, oversubscription=2.0)
    assert half.details["bisection_bandwidth"].to("Tbit/s").value == pytest.approx(4096 * 0.4)


def test_faster_links_cost_more():
    slow, fast = plan(1024.0)[1], plan(1024.0, link_gbit_per_s=800.0)[1]
    assert fast.cost.value == pytest.approx(2 * slow.cost.value)
    assert fast.power.value == pytest.approx(2 * slow.power.value)


def test_one_machine_has_no_network():
    ask, made = plan(1.0, topology="none")
    assert ask["switches"].value == ask["network_power"].value == 0
    assert (made.limit, made.cost) == (None, None)
    assert "not limited" in made.binds
    _, many = plan(16.0, topology="none", hosts=2.0)
    assert many.headroom.value == 0.5


def test_rent_includes_the_network():
    assert plan(8.0, labels={"rented": "yes"})[1].included
    assert not plan(8.0)[1].included


def test_rail_only_needs_fewer_switches_and_joins_more():
    tree, only = plan(8192.0)[0], plan(8192.0, topology="rail-only")
    assert only[0]["switches"].value == 384 < tree["switches"].value
    assert only[1].limit.value == 8 * 65_536


def test_two_planes_join_more_with_fewer_switches():
    tree, planes = plan(8192.0), plan(8192.0, topology="dual-plane")
    assert planes[0]["switches"].value == 384 < tree[0]["switches"].value
    assert planes[1].limit.value == 8 * tree[1].limit.value


def test_a_torus_is_limited_by_its_circuit_switches_and_has_no_price():
    made = plan(8192.0, topology="torus", switch_ports=128)[1]
    assert made.limit.value == 4096
    assert made.cost is None
    assert "capex" not in made.details
    assert "circuit switches" in made.binds


def test_hashing_wastes_bisection():
    spread, hashed = plan(1024.0)[1], plan(1024.0, routing="ecmp")[1]
    assert spread.details["bisection_bandwidth"].value == pytest.approx(
        hashed.details["bisection_bandwidth"].value
    )
    assert hashed.details["used_bisection"].value < spread.details["used_bisection"].value


def test_parts_add_up_to_the_whole():
    ask, made = plan(16_384.0, samples=20, optics="co-packaged")
    parts = [made.details[f"capex_{name}"].samples for name in ("switches", "links", "copper")]
    np.testing.assert_allclose(sum(parts), made.details["capex"].samples)
    watts = [made.details[f"power_{name}"].samples for name in ("switches", "optics", "copper")]
    np.testing.assert_allclose(sum(watts), ask["network_power"].samples)


@pytest.mark.parametrize("samples", [0, 50])
def test_pace_starts_late_rises_and_ends_at_the_plan(samples):
    ask, _ = plan(100_000.0, samples=samples, switch_ports=128)
    config = NetworksConfig(switch_ports=128)
    made = pace(config, ask, FACTS, 24, samples)
    assert made.samples.shape == (24, samples + 1)
    assert made.samples[0, 0] == 0
    assert (np.diff(made.samples, axis=0) >= 0).all()
    assert made.samples[-1, 0] == 100_000
    assert pace(NetworksConfig(), ask, FACTS, 24).samples.max() == 65_536


@pytest.mark.parametrize(
    ("key", "value"),
    [("topology", "mesh"), ("optics", "laser"), ("routing", "random"), ("planes", 0),
     ("server_size", 0), ("oversubscription", 0.5)],
)  # fmt: skip
def test_bad_config_names_key_and_value(key, value):
    with pytest.raises(ConfigError, match=f"networks.{key} = {value!r}"):
        NetworksConfig(**{key: value})


def test_failed_links_stop_servers_and_planes_only_slow_them():
    one, two = plan(8192.0)[1], plan(8192.0, topology="dual-plane")[1]
    down = one.details["links_down"].value
    assert one.details["accelerators_out"].value == pytest.approx(8 * down)
    assert two.details["accelerators_out"].value == 0


def test_scale_up_domains_where_they_are_known():
    made = plan(1000.0)[1]
    assert made.details["scale_up_domains"].value == 125
    assert made.details["scale_up_switches"].value == 500
