"""Module costs against published estimates, and their structure against Chiplet Actuary."""

import csv
import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given as forall
from hypothesis import settings
from hypothesis import strategies as st

from groundup.fabs.bill import PARTS, die_cost, finished_yield, module_cost, split_cost
from groundup.fabs.config import FabsConfig
from groundup.fabs.nodes import wafer_price
from groundup.fabs.packages import interposers_per_wafer
from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import ConfigError, NoDataError
from groundup.facts.estimate import given
from groundup.facts.layer import Ask

FACTS = load_catalogue()
TABLE = Path(__file__).resolve().parents[1] / "data" / "chip_cost.csv"


def rows():
    lines = [line for line in TABLE.read_text().splitlines() if not line.startswith("#")]
    return {row["name"]: row for row in csv.DictReader(lines)}


ROWS = rows()
MODULES = {
    # dies, die area (mm2), stacks, memory built (GB), memory, package, area of the interposer
    "h100-sxm": (1, 814.0, 5, 80.0, "hbm3", "cowos-s", None),
    "h200-sxm": (1, 814.0, 6, 144.0, "hbm3e", "cowos-s", None),
    "b200": (2, 800.0, 8, 192.0, "hbm3e", "cowos-l", None),
    "gb200": (2, 800.0, 8, 192.0, "hbm3e", "cowos-l", None),
    "mi300x": (8, 115.0, 8, 192.0, "hbm3", "cowos-s", 2750.0),
}


def module(name="h100-sxm", count=1.0, **changes):
    dies, area, stacks, memory, hbm, package, interposer = MODULES[name]
    area = changes.get("area", area)
    quantities = {
        "accelerators": given(count, "accelerator", "n"),
        "logic_dies": given(count * dies, "die", "dies"),
        "logic_die_area": given(area, "mm2/die", "area"),
        "hbm_stacks": given(count * stacks, "stack", "stacks"),
        "hbm_capacity": given(count * changes.get("memory", memory), "GB", "memory"),
    }
    labels = {"logic_node": "n5", "hbm": hbm, "package": package}
    if interposer is not None:
        quantities["interposer_area"] = given(interposer, "mm2/accelerator", "interposer")
    if name == "mi300x":
        quantities["base_dies"] = given(count * 4.0, "die", "base")
        quantities["base_die_area"] = given(370.0, "mm2/die", "base area")
        labels["base_node"] = "n7"
    return Ask(name, quantities, labels)


def cost(name, samples=4000):
    row = {"h100-sxm": "H100 SXM module COGS", "h200-sxm": "H200 COGS", "b200": "B200 COGS"}
    date = float(ROWS[row.get(name, "MI300X COGS" if name == "mi300x" else "GB200 COGS")]["date"])
    return module_cost(module(name), FACTS, samples, FabsConfig(order_date=date))


def grace(samples=4000):
    """NVIDIA Grace without its memory, in a package of its own."""
    one = given(1.0, "1/accelerator", "one")
    quantities = {
        "accelerators": given(1.0, "accelerator", "n"),
        "logic_dies": given(1.0, "die", "dies"),
        "logic_die_area": FACTS.estimate("fabs.grace.die_area", samples),
        "substrate_area": FACTS.estimate("fabs.grace.substrate_area", samples) * one,
    }
    return Ask("grace", quantities, {"logic_node": "n5", "package": "organic"})


def published(name):
    row = ROWS[name]
    return float(row["low"]), float(row["high"])


@pytest.mark.parametrize(("chip", "name"), [("h100-sxm", "H100 SXM module COGS"),
                                            ("b200", "B200 COGS")])  # fmt: skip
def test_modules_with_a_published_interval_lie_inside_it(chip, name):
    low, high = published(name)
    total = cost(chip)["total"]
    assert low <= total.value <= high
    assert total.low <= high
    assert total.high >= low


def test_modules_with_one_published_number_have_it_within_their_interval():
    h200 = cost("h200-sxm")["total"]
    low, high = published("H200 COGS")
    assert h200.low <= high
    assert h200.high >= low
    mi300x = cost("mi300x")
    bare = mi300x["total"] - mi300x["waste"]  # the published parts have no losses in them
    assert bare.low <= published("MI300X COGS")[0] <= bare.high


HELD_OUT = TABLE.with_name("chip_cost_held_out.csv")
CHIPS = {"H100 SXM module COGS": "h100-sxm", "B200 COGS": "b200", "MI300X COGS": "mi300x"}


@pytest.mark.parametrize("name", list(CHIPS))
def test_modules_without_the_inputs_of_the_rows_own_source(name):
    # then the nominal costs are 2 to 20 % low, and the intervals still reach the published ones
    lines = [line for line in HELD_OUT.read_text().splitlines() if not line.startswith("#")]
    changed = []
    for row in csv.DictReader(lines):
        if row["row"] == name:
            fact, value = FACTS[row["fact"]], float(row["value"])
            low, high = min(value, fact.low), max(value, fact.high)
            changed.append(dataclasses.replace(fact, value=value, low=low, high=high))
    assert changed
    config = FabsConfig(order_date=float(ROWS[name]["date"]))
    parts = module_cost(module(CHIPS[name]), FACTS.with_facts(changed), 4000, config)
    found = parts["total"] - parts["waste"] if ROWS[name]["basis"] == "parts" else parts["total"]
    low, high = published(name)
    assert found.low <= high
    assert found.high >= low
    assert found.value == pytest.approx(float(ROWS[name]["value"]), rel=0.25)


def test_a_superchip_is_two_modules_and_a_processor():
    whole = cost("gb200")["total"] * 2.0 + module_cost(grace(), FACTS, 4000)["total"]
    low, high = published("GB200 COGS")
    assert whole.low <= high
    assert whole.high >= low
    assert whole.value == pytest.approx(low, rel=0.1)


@pytest.mark.parametrize(
    ("chip", "parts", "name"),
    [
        ("h100-sxm", ("die",), "H100 logic die"),
        ("b200", ("die",), "B200 logic dies"),
        ("h100-sxm", ("hbm",), "H100 HBM3 80GB"),
        ("b200", ("hbm",), "B200 HBM3E 192GB"),
        ("h100-sxm", ("interposer", "bonding", "substrate"), "H100 CoWoS"),
        ("h100-sxm", ("test",), "H100 test and assembly"),
    ],
)
def test_parts_lie_inside_what_sources_say(chip, parts, name):
    found = cost(chip)
    low, high = published(name)
    assert low <= sum(found[part].value for part in parts) <= high


@pytest.mark.parametrize(
    ("chip", "parts", "name"),
    [
        ("b200", ("interposer", "bonding", "substrate"), "B200 CoWoS-L"),
        ("mi300x", ("interposer", "bonding", "substrate"), "MI300X packaging"),
        ("mi300x", ("die", "base"), "MI300X logic and base dies"),
    ],
)
def test_parts_of_one_source_are_within_a_fifth(chip, parts, name):
    found = sum(cost(chip)[part].value for part in parts)
    assert found == pytest.approx(float(ROWS[name]["value"]), rel=0.2)


def test_memory_is_about_half_as_in_the_whole_industry():
    shares = [cost(chip)["hbm"].value / cost(chip)["total"].value for chip in MODULES]
    low, high = published("HBM share of component spending")
    assert np.mean(shares) == pytest.approx((low + high) / 2, abs=0.15)


def test_no_interval_is_so_wide_that_it_says_nothing():
    for chip in MODULES:
        total = cost(chip)["total"]
        assert total.high < 1.4 * total.low


def test_a_die_for_2100_dollars_needs_a_yield_of_an_eighth():
    price = wafer_price("n5", FACTS, 0, 2023.6).value
    assert price / (63.5 * 2100) == pytest.approx(0.124, abs=0.01)
    area = FACTS.estimate("chips.h100-sxm.logic.die_area", 2000)
    perfect = die_cost(area, "n5", FACTS, 2000)
    assert 300 <= perfect.value <= 600
    assert perfect.high < 2100


def test_the_grid_counts_published_packages():
    # 3.3 reticle fields, 16 sets a wafer without losses; the formula for dies would say 12
    most = published("CoWoS packages per wafer B200")[1]
    largest = given(3.3 * 858, "mm2/accelerator", "area")
    assert interposers_per_wafer(largest, FACTS).value == most
    # 28 or 29 H100: the makers state no area; six stacks and a die fill 1700 mm2
    smallest = given(1700.0, "mm2/accelerator", "area")
    assert (
        interposers_per_wafer(smallest, FACTS).value
        == published("CoWoS packages per wafer H100")[1]
    )


def test_parts_add_to_the_total_and_do_not_depend_on_the_count():
    one, many = (module_cost(module(count=n), FACTS) for n in (1.0, 1e5))
    assert sum(one[part].value for part in PARTS) == pytest.approx(one["total"].value)
    for part in (*PARTS, "total"):
        assert many[part].value == pytest.approx(one[part].value)


def test_waste_is_what_failing_packages_take_with_them():
    parts = module_cost(module(), FACTS)
    good = finished_yield(module(), FACTS).value
    placed = sum(parts[name].value for name in ("die", "hbm", "interposer", "bonding"))
    attach = FACTS["fabs.packaging.attach_yield"].value
    lost = placed * (1 / good - 1) + parts["substrate"].value * (1 / attach - 1)
    assert parts["waste"].value == pytest.approx(lost)


@settings(max_examples=30, deadline=None)
@forall(st.floats(50.0, 850.0), st.floats(50.0, 850.0), st.floats(0.0, 500.0))
def test_more_silicon_and_memory_never_cost_less(a, b, memory):
    small, large = (module_cost(module(area=x), FACTS)["total"].value for x in sorted((a, b)))
    assert small <= large
    more = module_cost(module(area=a, memory=memory + 1), FACTS)["total"].value
    assert module_cost(module(area=a, memory=memory), FACTS)["total"].value < more


def test_draws_and_rows_run_the_same_code():
    areas = np.array([100.0, 400.0, 814.0])
    table = module_cost(module(area=areas), FACTS, 50)["total"]
    assert table.samples.shape == (3, 51)
    for row, area in enumerate(areas):
        single = module_cost(module(area=float(area)), FACTS, 50)["total"]
        np.testing.assert_allclose(table.samples[row], single.samples)


def test_what_is_not_on_record_is_refused():
    ask = module()
    for gone in ("logic_dies", "hbm_capacity"):
        left = {name: value for name, value in ask.quantities.items() if name != gone}
        with pytest.raises(NoDataError, match=gone.replace("_", " ")):
            module_cost(Ask(ask.accelerator, left, ask.labels), FACTS)
    for labels, error, match in (
        ({"package": "emib"}, NoDataError, "emib"),
        ({"package": "wafer-scale"}, NoDataError, "wafer-scale"),
        ({"package": "cowos"}, ConfigError, "did you mean 'cowos-"),
        ({"logic_node": "i18a"}, NoDataError, "i18a"),
    ):
        with pytest.raises(error, match=match):
            module_cost(ask.labelled(**labels), FACTS)


def test_chiplets_pay_for_large_products_only():
    areas = np.array([50.0, 800.0])
    whole, pieces = (split_cost(areas, n, "n5", FACTS) for n in (1, 4))
    assert pieces[0] > whole[0]
    assert pieces[1] < 0.95 * whole[1]
