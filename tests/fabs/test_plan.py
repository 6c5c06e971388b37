import numpy as np
import pytest
from hypothesis import given as forall
from hypothesis import settings
from hypothesis import strategies as st

from groundup.chips import plan as chips
from groundup.chips.config import ChipsConfig
from groundup.fabs.bill import die_cost
from groundup.fabs.config import FabsConfig
from groundup.fabs.plan import demand, limit
from groundup.facts.catalogue import load_catalogue
from groundup.facts.estimate import given
from groundup.facts.layer import Ask

FACTS = load_catalogue()


def plan(chip="h100-sxm", count=16_384.0, samples=0, facts=FACTS, **config):
    config = FabsConfig(**config)
    ask = Ask(chip, {
        "accelerators": given(count, "accelerator", "n"),
        "accelerator_hours": given(np.asarray(count) * 24.0 * 30, "accelerator*h", "hours"),
    })  # fmt: skip
    ask = chips.demand(ChipsConfig(accelerator=chip), ask, facts, samples)
    ask = demand(config, ask, facts, samples)
    return ask, limit(config, ask, facts, samples)


def test_wafers_follow_from_dies_yield_and_stacks():
    ask, made = plan()
    assert ask["logic_gross_dies"].value == pytest.approx(63.5, abs=0.05)
    assert 0.41 <= ask["logic_yield"].value <= 0.55  # published range at 0.1 defects per cm2
    expected = 16_384 / (ask["logic_gross_dies"].value * ask["logic_yield"].value)
    assert ask["logic_wafers"].value == pytest.approx(expected)
    assert ask["package_wafers"].value == pytest.approx(16_384 / 28)
    parts = sum(ask[f"{name}_wafers"].value for name in ("logic", "hbm", "package"))
    assert ask["wafers"].value == pytest.approx(parts)
    assert made.details["wafers"].value == pytest.approx(parts)


def test_world_packaging_makes_tens_of_millions_a_year():
    # 120 000 CoWoS wafers a month x 12 x 28 = 40.3 million H100-class packages a year
    fact = FACTS["fabs.cowos.capacity"]
    assert fact.value * 12 * 28 == pytest.approx(25.2e6)
    _, made = plan(share_of_capacity=1.0)
    assert made.details["limit_package_wafers"].value == pytest.approx(25.2e6, rel=1e-6)
    assert pytest.approx(40.3e6, rel=0.01) == 120_000 * 12 * 28


def test_the_scarcest_line_binds_and_sets_the_time():
    _, made = plan(samples=500)
    lines = {k: v.value for k, v in made.details.items() if k.startswith("limit_")}
    assert made.limit.value == pytest.approx(min(lines.values()))
    assert made.binds == "CoWoS packaging"
    assert made.time.to("week").value > 22  # 16 weeks in the fab and 6 in packaging, then output
    assert made.time.low < made.time.value < made.time.high


def test_an_order_at_the_limit_takes_the_whole_order_time():
    _, made = plan()
    _, full = plan(count=made.limit.value)
    assert full.headroom.value == pytest.approx(1.0)
    assert full.time.to("week").value == pytest.approx(22 + 365.25 / 7, rel=1e-6)


def test_module_cost_is_inside_the_chip_price():
    _, made = plan()
    assert made.included
    assert made.details["manufacturing_cost"].value == pytest.approx(16_384 * 3320)
    assert made.cost.value == pytest.approx(16_384 * 3320 / 5 * (720 / (365.25 * 24)), rel=1e-6)


def test_an_h100_die_costs_hundreds_not_thousands():
    area = FACTS.estimate("chips.h100-sxm.logic.die_area", 2000)
    cost = die_cost(area, "n5", FACTS, 2000)
    assert 300 <= cost.value <= 600
    assert cost.high < 2100


def test_two_kinds_of_die_are_counted_apart():
    ask, made = plan("mi300x", 1000.0)
    assert ask["logic_dies"].value == 8000
    assert ask["base_dies"].value == 4000
    assert ask["base_wafers"].value > 0
    assert "no data: CoWoS packaging" in made.binds


@pytest.mark.parametrize("chip", ["this-machine", "tpu-v5p"])
def test_unknown_silicon_is_no_data_not_a_guess(chip):
    ask, made = plan(chip, 1.0)
    assert (made.limit, made.cost, made.time) == (None, None, None)
    assert made.binds.startswith("no data")
    assert "wafers" not in ask


@settings(max_examples=25)
@forall(st.floats(1.0, 1e6), st.floats(1.0, 1e6))
def test_more_accelerators_never_take_fewer_wafers(a, b):
    low, high = plan(count=min(a, b))[0], plan(count=max(a, b))[0]
    assert low["wafers"].value <= high["wafers"].value


def test_rows_give_the_same_as_single_plans():
    counts = np.array([8.0, 1024.0, 1e6])
    ask, made = plan(count=counts, samples=50)
    for row, count in enumerate(counts):
        single_ask, single = plan(count=float(count), samples=50)
        np.testing.assert_allclose(ask["wafers"].samples[row], single_ask["wafers"].samples)
        np.testing.assert_allclose(made.limit.samples[row], single.limit.samples, rtol=1e-12)
