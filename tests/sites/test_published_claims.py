"""Circulating numbers of the physical floors against what groundup computes from facts."""

import csv
from pathlib import Path

import pytest

from groundup.chips.catalogue import figure, peaks
from groundup.fabs.bill import die_cost
from groundup.fabs.dies import gross_dies
from groundup.facts.catalogue import load_catalogue
from groundup.facts.estimate import given
from groundup.facts.layer import Ask
from groundup.materials.plan import concentration
from groundup.networks import plan as networks
from groundup.networks.config import NetworksConfig
from groundup.networks.topology import fat_tree, most_endpoints, rails
from groundup.sites import plan as sites
from groundup.sites.config import SitesConfig

DATA = Path(__file__).parents[1] / "data" / "published_claims.csv"
FACTS = load_catalogue()


def claims():
    lines = [line for line in DATA.read_text().splitlines() if not line.startswith("#")]
    return {row["id"]: row for row in csv.DictReader(lines)}


def peak(chip, word):
    return peaks(chip, FACTS)[word].value


def site_mw(chip, cooling):
    ask = Ask(chip, {
        "accelerators": given(1e5, "accelerator", "n"),
        "accelerator_hours": given(1e6, "accelerator*h", "hours"),
    })  # fmt: skip
    config = SitesConfig(cooling=cooling)
    ask = networks.demand(NetworksConfig(), sites.demand(config, ask, FACTS), FACTS)
    return sites.limit(config, ask, FACTS).needs.to("MW").value


def wafer_shares():
    return sum(FACTS[key].value for key in FACTS.keys("materials.silicon.share."))


def stack_bandwidth():
    rate = FACTS.estimate("fabs.hbm.hbm3e.pin_rate") * FACTS.estimate("fabs.hbm.width")
    return rate.to("TB/(s*stack)").value


def wafers_a_day():
    fab = given(10e6, "gal/day", "water of one fab")
    return (fab / FACTS.estimate("materials.water.per_wafer")).to("wafer/day").value


def cooled_by_5_mgal():
    water, each = given(5e6, "gal/day", "water"), given(1.8, "L/kWh", "water use")
    return (water / each).to("MW").value


def h100_die():
    return die_cost(FACTS.estimate("chips.h100-sxm.logic.die_area"), "n5", FACTS).value


COMPUTED = {
    "top5-wafers": wafer_shares,
    "hhi-gallium": lambda: concentration("gallium", FACTS).value,
    "hhi-rare-earth": lambda: concentration("rare-earth", FACTS).value,
    "wafers-per-day": wafers_a_day,
    "reticle": lambda: FACTS["fabs.reticle.area"].value,
    "gross-dies": lambda: float(gross_dies(figure("h100-sxm", "logic.die_area", FACTS).value)),
    "h100-die": h100_die,
    "hbm3e-stack": stack_bandwidth,
    "h100-bf16": lambda: peak("h100-sxm", "bf16"),
    "h100-fp8": lambda: peak("h100-sxm", "fp8"),
    "b200-bf16": lambda: peak("b200", "bf16"),
    "b200-fp8": lambda: peak("b200", "fp8"),
    "a100-bf16": lambda: peak("a100-80gb", "bf16"),
    "mi300x-fp8": lambda: peak("mi300x", "fp8"),
    "tree-3-tiers": lambda: float(most_endpoints(64)),
    "rails-8000": lambda: float(rails(8000, 64).switches),
    "tree-8192": lambda: float(fat_tree(8192, 64).switches),
    "rail-saving": lambda: float(1 - rails(8192, 64).switches / fat_tree(8192, 64).switches),
    "water-5mgal": cooled_by_5_mgal,
    "site-100k-h100": lambda: site_mw("h100-sxm", "liquid"),
    "site-100k-b200": lambda: site_mw("b200", "liquid"),
}
TOLERANCE = {"h100-die": 0.15, "site-100k-h100": 0.08, "site-100k-b200": 0.08}


@pytest.mark.parametrize("name", list(claims()))
def test_what_follows_from_primary_figures(name):
    row = claims()[name]
    computed = COMPUTED[name]()
    assert computed == pytest.approx(float(row["expected"]), rel=TOLERANCE.get(name, 0.002))
    if row["said"]:
        agrees = computed == pytest.approx(float(row["said"]), rel=0.01)
        assert agrees == (row["verdict"] == "ok")
