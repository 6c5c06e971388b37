import numpy as np
import pytest

from groundup.chips.this_machine import outline
from groundup.facts.catalogue import Catalogue, load_catalogue
from groundup.facts.errors import NoDataError
from groundup.facts.estimate import given
from groundup.facts.layer import Ask
from groundup.networks import plan as networks
from groundup.networks.config import NetworksConfig
from groundup.sites.config import SitesConfig
from groundup.sites.plan import demand, limit, pace
from groundup.sites.servers import server_power

FACTS = load_catalogue()


def plan(chip="h100-sxm", count=100_000.0, hours=24.0, samples=0, load=None, facts=FACTS,
         topology="fat-tree", labels=None, **config):  # fmt: skip
    config = SitesConfig(**config)
    ask = Ask(chip, {
        "accelerators": given(count, "accelerator", "n"),
        "accelerator_hours": given(np.asarray(count) * hours, "accelerator*h", "hours"),
    }, labels or {})  # fmt: skip
    if load:
        ask = ask.with_(utilised_power_share=given(load, "1", "load"))
    ask = demand(config, ask, facts, samples)
    ask = networks.demand(NetworksConfig(topology=topology), ask, facts, samples)
    return ask, limit(config, ask, facts, samples)


def test_power_times_pue_is_the_site():
    ask, made = plan(topology="none", count=1000.0)
    machines = 1275.0 * 1.03  # servers and 3 % of storage, at their rated power
    assert ask["it_power"].to("kW").value == pytest.approx(machines)
    assert made.needs.to("kW").value == pytest.approx(machines * 0.95 * 1.12)
    assert ask["site_power"].to("kW").value == pytest.approx(machines * 0.95 * 1.12)
    assert made.details["energy"].to("kWh").value == pytest.approx(machines * 1.12 * 24)


def test_colossus_is_met():
    # 200 000 accelerators, 280 MW for the whole site, Epoch AI 2025: 1.4 kW each
    _, made = plan(count=200_000.0, samples=2000)
    assert made.needs.value == pytest.approx(280, rel=0.10)


def test_network_power_counts_and_load_scales_energy_but_not_the_connection():
    _, bare = plan(topology="none")
    _, wired = plan()
    assert wired.needs.value > bare.needs.value
    _, idle = plan(load=0.5, topology="none")
    assert idle.needs.value == pytest.approx(bare.needs.value)
    assert idle.details["energy"].value == pytest.approx(bare.details["energy"].value / 2)


def test_connection_limits_and_none_says_so():
    _, made = plan(power_mw=100.0)
    assert made.headroom.value == pytest.approx(100 / made.needs.to("MW").value)
    assert made.binds == "grid connection"
    assert plan()[1].limit is None
    assert "not limited" in plan()[1].binds


def test_carbon_water_and_price_follow_energy():
    _, made = plan(region="fr", usd_per_kwh=0.1, cooling="air")
    energy = made.details["energy"].to("kWh").value
    assert made.details["carbon"].to("kgCO2").value == pytest.approx(energy * 0.056)
    assert made.details["power_cost"].to("USD").value == pytest.approx(energy * 0.1)
    it_energy = energy / 1.56
    assert made.details["water"].to("L").value == pytest.approx(it_energy * 0.36)


def test_stated_pue_and_wue_take_the_place_of_the_cooling_default():
    _, made = plan(topology="none", pue=1.5, wue=2.0)
    it_energy = 1.275 * 1.03 * 1e5 * 24
    assert made.needs.to("kW").value == pytest.approx(1.275 * 1.03 * 0.95 * 1e5 * 1.5)
    assert made.details["energy"].to("kWh").value == pytest.approx(it_energy * 1.5)
    assert made.details["water"].to("L").value == pytest.approx(it_energy * 2.0)


def test_regions_without_data_name_those_with():
    with pytest.raises(NoDataError, match=r"electricity_price.*us.*usd_per_kwh"):
        plan(region="fr")
    with pytest.raises(NoDataError, match=r"no carbon on record.*us"):
        plan(region="atlantis", usd_per_kwh=0.1)


def test_building_is_paid_back_over_its_life():
    _, made = plan(topology="none", count=1000.0, hours=24 * 365.25)
    capex = 1.275 * 1.03 * 11.7e6
    assert made.details["capex"].to("USD").value == pytest.approx(capex)
    each_year = 0.09 / (1 - 1.09**-20)
    assert made.details["building_capital"].value == pytest.approx(capex * each_year)
    assert made.details["upkeep"].value == pytest.approx(capex * 0.03)
    assert made.time.to("week").value == 47


def test_a_machine_in_a_room_has_no_building_and_reads_in_watts():
    facts = FACTS.with_facts([f for f in outline().facts() if "cores" in f.key or "mem" in f.key])
    _, made = plan("this-machine", 1.0, facts=facts, cooling="none", topology="none", samples=100)
    assert "capex" not in made.details
    assert made.time is None
    assert made.details["water"].value == 0
    assert str(made.needs.unit) in ("W", "kW")
    assert made.cost.to("USD").value < 1


def test_server_power_by_factor_where_no_sheet_exists():
    kept = [fact for fact in FACTS if not fact.key.startswith("sites.server.mi300x")]
    watts = server_power("mi300x", Catalogue(kept))
    assert watts.value == pytest.approx(750 * 1.82)
    bare = Catalogue([fact for fact in kept if fact.key != "chips.mi300x.tdp"])
    with pytest.raises(NoDataError, match=r"sites\.node\.mi300x"):
        server_power("mi300x", bare)


def test_rent_includes_power():
    assert plan(labels={"rented": "yes"})[1].included


def test_rows_give_the_same_as_single_plans():
    counts = np.array([8.0, 4096.0, 1e5])
    _, rows = plan(count=counts, samples=20)
    for row, count in enumerate(counts):
        _, single = plan(count=float(count), samples=20)
        np.testing.assert_allclose(
            rows.needs.to("W").samples[row], single.needs.to("W").samples, rtol=1e-12
        )


def test_a_cooling_that_cannot_cool_the_rack_lets_nothing_through_and_says_why():
    ask, made = plan("gb200", cooling="air", power_mw=500.0)
    assert made.headroom.value == 0
    assert "gb200 server or rack gives off 120.0 kW" in made.binds
    assert "cold-plate" in made.binds
    assert "racks" not in ask
    assert pace(SitesConfig(cooling="air"), ask, FACTS, 36).samples.max() == 0
    ask, made = plan("gb200", count=720.0, cooling="cold-plate", power_mw=500.0)
    assert ask["racks"].value == 10
    assert made.headroom.value > 1


def test_climate_and_heat_rejection_set_pue_and_water():
    _, cold = plan(cooling="cold-plate", climate="cold", heat_rejection="dry")
    _, hot = plan(cooling="cold-plate", climate="hot-humid", heat_rejection="tower")
    assert cold.details["pue"].value < hot.details["pue"].value
    assert cold.details["water"].value == 0
    assert hot.details["water"].value > 0
    assert hot.details["source_water"].value > 0


def test_clean_contracts_count_on_the_market_basis_only():
    _, place = plan(clean_share=0.9)
    _, market = plan(clean_share=0.9, carbon_basis="market")
    assert market.details["carbon"].value == pytest.approx(place.details["carbon"].value / 10)


def test_power_on_site_brings_its_own_price_carbon_and_wait():
    _, gas = plan(region="fr", power_route="gas-engine", power_mw=500.0)
    assert gas.details["carbon"].value > plan(region="us")[1].details["carbon"].value
    assert gas.time.to("month").value == 15
    assert gas.binds == "power plant on site"
    assert "source_water" not in gas.details


def test_pace_follows_the_route_and_ends_at_the_connection():
    config = SitesConfig(power_mw=76.0)
    ask, made = plan(count=100_000.0, power_mw=76.0)
    months = pace(config, ask, FACTS, 36).samples[:, 0]
    assert months.shape == (36,)
    assert (np.diff(months) >= 0).all()
    assert (months[:10] == 0).all()  # switchgear alone takes 47 weeks
    full = 100_000 * 76 / made.needs.to("MW").value
    assert months[-1] == pytest.approx(full)
    slow = pace(SitesConfig(power_mw=76.0, power_route="grid"), ask, FACTS, 36)
    assert slow.samples.max() == 0


def test_pace_without_a_connection_reaches_the_whole_plan_and_a_room_has_it_at_once():
    ask, _ = plan(count=1000.0)
    drawn = pace(SitesConfig(), ask, FACTS, 24, samples=50)
    assert drawn.samples[-1, 0] == pytest.approx(1000)
    room, _ = plan(count=8.0, cooling="none")
    assert (pace(SitesConfig(cooling="none"), room, FACTS, 3).values == 8).all()


def test_details_hold_what_a_planner_asks_for():
    _, made = plan(samples=100)
    names = {"racks", "ups_units", "battery", "generators", "diesel", "availability", "swing",
             "swing_ramp", "swing_storage", "embodied_hosts", "embodied_building",
             "months_to_all", "source_water"}  # fmt: skip
    assert names <= set(made.details)
    assert 0.999 < made.details["availability"].value < 1


def test_stated_storage_and_redundancy_are_used():
    ask, made = plan(count=1000.0, topology="none", storage_share=0.1, redundancy="2n")
    assert ask["it_power"].to("kW").value == pytest.approx(1275 * 1.1)
    assert made.details["ups_units"].value == 2
    assert plan(count=1000.0, redundancy="n")[1].details["generators"].value == 1


def test_what_law_or_grid_forbids_stands_beside_what_binds():
    assert "export licence" in plan(region="ae")[1].binds
    assert "Dublin" in plan(region="ie", power_mw=100.0)[1].binds
    assert plan(region="us", power_mw=100.0)[1].binds == "grid connection"
