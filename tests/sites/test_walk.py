"""The five physical floors together: demand down, limits up, for clusters and for this machine."""

import json

import numpy as np
import pytest

from groundup.chips import plan as chips
from groundup.chips.config import ChipsConfig
from groundup.chips.this_machine import outline
from groundup.fabs import plan as fabs
from groundup.fabs.config import FabsConfig
from groundup.facts.catalogue import load_catalogue
from groundup.facts.estimate import given
from groundup.facts.explain import explain, explain_json, leaves
from groundup.facts.layer import Ask
from groundup.materials import plan as materials
from groundup.materials.config import MaterialsConfig
from groundup.networks import plan as networks
from groundup.networks.config import NetworksConfig
from groundup.sites import plan as sites
from groundup.sites.config import SitesConfig

FACTS = load_catalogue()


def walk(chip, count, samples=0, facts=FACTS, topology="fat-tree", cooling="liquid", mw=None):
    floors = [
        (sites, SitesConfig(cooling=cooling, power_mw=mw)),
        (networks, NetworksConfig(topology=topology)),
        (chips, ChipsConfig(chip, 100_000)),
        (fabs, FabsConfig()),
        (materials, MaterialsConfig()),
    ]
    hours = np.asarray(count) * 24.0 * 90
    ask = Ask(chip, {
        "accelerators": given(count, "accelerator", "accelerators", "this test"),
        "accelerator_hours": given(hours, "accelerator*h", "accelerator-hours", "this test"),
    })  # fmt: skip
    for floor, config in floors:
        ask = floor.demand(config, ask, facts, samples)
    rows = [floor.limit(config, ask, facts, samples) for floor, config in floors]
    return {row.name: row for row in rows}


def quantities(row):
    return [row.needs, row.limit, row.cost, row.time, row.power, *row.details.values()]


def test_a_hundred_thousand_h100():
    rows = walk("h100-sxm", 1e5, samples=1000, mw=150.0)
    assert [row.floor for row in rows.values()] == [5, 4, 3, 2, 1]
    assert 147 <= rows["sites"].needs.value <= 160
    assert rows["networks"].headroom.value < 1  # 64-port switches join 65 536
    assert rows["sites"].headroom.low < 1 < rows["sites"].headroom.high
    for row in rows.values():
        assert row.binds


@pytest.mark.parametrize("chip", ["a100-80gb", "h100-sxm", "h800-sxm", "h200-sxm", "b200",
                                  "gb200", "mi300x"])  # fmt: skip
def test_every_number_is_finite_ordered_and_explained(chip):
    for row in walk(chip, 1024.0, samples=200).values():
        for value in filter(None, quantities(row)):
            assert value.low <= value.value <= value.high
            json.dumps(value.as_json(), allow_nan=False)
            json.dumps(explain_json(value), allow_nan=False)
            assert explain(value)
            for leaf in leaves(value):
                assert leaf.fact is not None or leaf.source, f"{leaf.label} has no source"


def named_leaves(value):
    return {leaf.label for leaf in leaves(value)}


def test_cost_of_power_goes_down_to_the_price_the_server_and_the_switch():
    cost = walk("h100-sxm", 1024.0)["sites"].cost
    expected = {"sites.us.electricity_price", "sites.node.h100-sxm", "networks.switch.power"}
    assert expected <= named_leaves(cost)


def test_a_million_clusters_in_one_walk():
    counts = np.arange(1.0, 1e6 + 1)
    rows = walk("h100-sxm", counts)
    for size in (8, 2048, 16_384):
        single = walk("h100-sxm", float(size))
        for name, row in rows.items():
            assert row.needs.to(single[name].needs.unit).values[size - 1] == pytest.approx(
                single[name].needs.value
            )


def test_this_machine_is_honest_about_what_nobody_published():
    facts = FACTS.with_facts(outline().facts())
    rows = walk("this-machine", 1.0, 200, facts, topology="none", cooling="none")
    for name in ("materials", "fabs"):
        assert rows[name].limit is None
        assert rows[name].binds.startswith("no data")
    assert rows["networks"].binds.startswith("not limited")
    assert rows["chips"].details["embodied_carbon"].value > 0
    power = rows["sites"].needs
    assert power.low < power.value < power.high  # watts a core are an estimate, not a measurement
