import csv
from pathlib import Path

import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.facts.estimate import given
from groundup.networks import bill
from groundup.networks.config import OPTICS, TOPOLOGIES, NetworksConfig
from groundup.networks.designs import fabric

FACTS = load_catalogue()
COUNT = given(16_384.0, "accelerator", "n")


def made(what, **config):
    chosen = NetworksConfig(**config)
    return what(chosen, fabric(chosen, COUNT), COUNT, FACTS)


def kilowatts(**config):
    return sum(watts.to("kW").value for watts in made(bill.power, **config).values())


def dollars(**config):
    return sum(price.to("USD").value for price in made(bill.capex, **config).values())


def test_power_by_hand():
    # 1 280 switches of 747 W, 3 x 16 384 cables with two ends of 8.5 W
    assert kilowatts() == pytest.approx(1280 * 0.747 + 6 * 16_384 * 0.0085)


def test_co_packaged_optics_leave_server_ends_pluggable():
    found = made(bill.power, optics="co-packaged")["optics"].to("kW").value
    assert found == pytest.approx(16.384 * 8.5 + 5 * 16.384 * 2.25)


def test_copper_in_the_rack_takes_the_optics_of_one_tier():
    chosen = NetworksConfig(optics="copper-in-rack")
    found = bill.ends(chosen, fabric(chosen, COUNT))
    assert float(found.copper[0]) == 16_384
    assert float(found.optical[0]) == 4 * 16_384
    assert dollars(optics="copper-in-rack") < dollars()


def published_modules():
    path = Path(__file__).parents[1] / "data" / "modules.csv"
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines))


@pytest.mark.parametrize("row", published_modules(), ids=lambda row: row["name"])
def test_optical_modules_are_the_published_ones(row):
    chosen = NetworksConfig(topology="fat-tree", switch_ports=int(row["ports"]))
    count = float(row["accelerators"])
    made = fabric(chosen, given(count, "accelerator", "n", "test"))
    assert made.tiers == int(row["tiers"])
    at_servers, at_switches = bill.modules(bill.ends(chosen, made), int(row["per_module"]))
    assert at_servers / count == pytest.approx(float(row["server_each"]))
    assert at_switches / count == pytest.approx(float(row["switch_each"]), rel=0.01)


def test_an_order_for_one_scalable_unit():
    # 256 single-port modules and 128 twin-port ones in the leaves' access cages: the optics of a
    # delivered fabric of 256 H100 (vitextech.com, H100 SuperPOD optics, table 1)
    chosen = NetworksConfig(topology="rail-optimised", switch_ports=64)
    made = fabric(chosen, given(256.0, "accelerator", "n", "test"))
    assert (made.leaf, made.spine) == (8, 4)
    at_servers, _ = bill.modules(bill.ends(chosen, made))
    assert at_servers == 256
    access = bill.Ends(0 * made.leaf, made.endpoint_cables, made.endpoint_cables)
    assert bill.modules(access)[1] == 128


def test_order_of_power_by_optics():
    watts = {name: kilowatts(optics=name) for name in OPTICS}
    assert watts["co-packaged"] < watts["lpo"] < watts["pluggable"]
    assert watts["copper-in-rack"] < watts["pluggable"]


def test_a_torus_has_no_price_and_one_end_a_fibre():
    chosen = NetworksConfig(topology="torus", switch_ports=128)
    found = bill.ends(chosen, fabric(chosen, COUNT))
    assert float(found.optical[0]) == 96 * 16_384 / 64
    assert made(bill.capex, topology="torus", switch_ports=128) == {}


@pytest.mark.parametrize("topology", [name for name in TOPOLOGIES if name != "none"])
@pytest.mark.parametrize("optics", OPTICS)
def test_every_cable_has_two_ends_or_is_copper(topology, optics):
    chosen = NetworksConfig(topology=topology, optics=optics)
    built = fabric(chosen, COUNT)
    found = bill.ends(chosen, built)
    per_cable = 1 if topology == "torus" else 2
    assert float((found.optical / per_cable + found.copper)[0]) == float(built.cables[0])


def test_faster_ports_scale_price_and_power():
    assert kilowatts(link_gbit_per_s=800.0) == pytest.approx(2 * kilowatts())
    assert dollars(link_gbit_per_s=800.0) == pytest.approx(2 * dollars())
