import time

import numpy as np
import pytest
from hypothesis import given as forall
from hypothesis import settings
from hypothesis import strategies as st

from groundup.chips import plan as chips
from groundup.chips.config import ChipsConfig
from groundup.fabs.config import FabsConfig
from groundup.fabs.plan import demand, limit, pace
from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import ConfigError, NoDataError
from groundup.facts.estimate import given
from groundup.facts.layer import Ask

FACTS = load_catalogue()


def plan(chip="h100-sxm", count=16_384.0, samples=0, facts=FACTS, **config):
    config = FabsConfig(**config)
    ask = Ask(chip, {
        "accelerators": given(count, "accelerator", "n"),
        "accelerator_hours": given(np.asarray(count) * 24.0 * 30, "accelerator*h", "hours"),
        "capital_rate": given(0.0, "1", "no interest"),
    })  # fmt: skip
    ask = chips.demand(ChipsConfig(accelerator=chip), ask, facts, samples)
    ask = demand(config, ask, facts, samples)
    return ask, limit(config, ask, facts, samples)


def test_wafers_follow_from_dies_yield_and_stacks():
    ask, made = plan(order_date=2020.5)
    assert ask["logic_gross_dies"].value == pytest.approx(63.5, abs=0.05)
    assert 0.41 <= ask["logic_yield"].value <= 0.55  # published range at 0.1 defects per cm2
    sold = ask["logic_sellable_yield"].value
    assert ask["logic_yield"].value < sold < 1
    whole = ask["package_yield"].value
    expected = 16_384 / (ask["logic_gross_dies"].value * sold * whole)
    assert ask["logic_wafers"].value == pytest.approx(expected)
    assert ask["package_wafers"].value == pytest.approx(16_384 / 28 / whole)
    parts = sum(ask[f"{name}_wafers"].value for name in ("logic", "hbm", "package"))
    assert ask["wafers"].value == pytest.approx(parts)
    assert made.details["wafers"].value == pytest.approx(parts)


def test_both_counts_of_dies_are_shown():
    _, made = plan(samples=20)
    assert made.details["logic_grid_dies"].value == 67  # published counts: 63 to 68
    assert made.details["logic_gross_dies"].value == pytest.approx(63.5, abs=0.05)


def test_a_learned_node_needs_fewer_wafers():
    early, late = (plan(order_date=when)[0]["logic_wafers"].value for when in (2020.5, 2026.0))
    assert late < 0.95 * early


def test_harvest_saves_wafers():
    kept = [f for f in FACTS if not f.key.startswith("fabs.harvest.h100-sxm")]
    gone = type(FACTS)(kept)
    ratio = plan()[0]["logic_wafers"].value / plan(facts=gone)[0]["logic_wafers"].value
    ask = plan()[0]
    assert ratio == pytest.approx(ask["logic_yield"].value / ask["logic_sellable_yield"].value)
    assert ratio < 0.85


@pytest.mark.parametrize("model", ["poisson", "murphy", "seeds", "bose-einstein"])
def test_every_yield_model_plans(model):
    usual, other = plan()[0], plan(yield_model=model)[0]
    assert other["logic_yield"].value != usual["logic_yield"].value
    assert other["logic_yield"].value <= other["logic_sellable_yield"].value <= 1


def test_world_packaging_makes_tens_of_millions_a_year():
    # 120 000 CoWoS wafers a month x 12 x 28 = 40.3 million H100-class packages a year before
    # losses; the mean capacity of 2026 lies between 75 000 and 120 000
    _, made = plan(share_of_capacity=1.0)
    booked = made.details["limit_package_wafers"].value
    good = made.details["package_yield"].value
    assert 75_000 * 12 * 28 * good < booked < 120_000 * 12 * 28 * good


def test_the_scarcest_line_binds_and_sets_the_time():
    _, made = plan(samples=500)
    lines = {k: v.value for k, v in made.details.items() if k.startswith("limit_")}
    assert made.limit.value == pytest.approx(min(lines.values()))
    assert made.binds == "CoWoS packaging"
    # memory takes 27 weeks, packaging 6, the module's test 2, then output
    assert made.details["first_module"].to("week").value == pytest.approx(35)
    assert made.time.to("week").value > 35
    assert made.time.low < made.time.value < made.time.high


def test_an_order_at_the_limit_takes_the_whole_order_time():
    _, made = plan()
    _, full = plan(count=made.limit.value)
    assert full.headroom.value == pytest.approx(1.0)
    assert full.time.to("week").value == pytest.approx(35 + 365.25 / 7, rel=1e-6)


def test_a_queue_delays_everything_by_itself():
    _, now = plan()
    _, later = plan(queue_months=6.0)
    assert (later.time - now.time).to("month").value == pytest.approx(6.0)


def test_module_cost_is_inside_the_chip_price():
    _, made = plan()
    assert made.included
    whole = made.details["manufacturing_cost"].value
    assert 16_384 * 3000 <= whole <= 16_384 * 5875  # what is published of the module
    assert made.cost.value == pytest.approx(whole / 5 * (720 / (365.25 * 24)), rel=1e-6)
    parts = [v.value for k, v in made.details.items() if k.startswith("cost_")]
    assert made.details["module_cost"].value == pytest.approx(sum(parts))
    assert made.details["module_cost"].value == pytest.approx(3320, rel=0.15)


def test_two_kinds_of_die_are_counted_apart():
    ask, made = plan("mi300x", 1000.0)
    assert ask["logic_dies"].value == 8000
    assert ask["base_dies"].value == 4000
    assert ask["base_wafers"].value > 0
    assert "limit_base_wafers" in made.details


@pytest.mark.parametrize("chip", ["this-machine", "tpu-v5p"])
def test_unknown_silicon_is_no_data_not_a_guess(chip):
    ask, made = plan(chip, 1.0)
    assert (made.limit, made.cost, made.time) == (None, None, None)
    assert made.binds.startswith("no data")
    assert "wafers" not in ask
    with pytest.raises(NoDataError, match=chip):
        pace(FabsConfig(), ask, FACTS, 12)


def test_wafer_scale_is_one_die_a_wafer():
    ask = Ask("big", {"accelerators": given(10.0, "accelerator", "n"),
                      "accelerator_hours": given(1.0, "accelerator*h", "h"),
                      "capital_rate": given(0.0, "1", "no interest"),
                      "logic_dies": given(10.0, "die", "dies"),
                      "logic_die_area": given(46_225.0, "mm2/die", "area")},
              {"logic_node": "n5", "package": "wafer-scale"})  # fmt: skip
    found = demand(FabsConfig(), ask, FACTS)
    assert found["logic_wafers"].value == pytest.approx(10)
    assert limit(FabsConfig(), found, FACTS).binds == "logic wafers"


def test_a_new_fab_is_no_way_out_of_an_order():
    _, made = plan()
    assert made.details["new_fab_months"].value > made.time.to("month").value
    assert plan(region="us")[1].details["new_fab_months"].value == (
        made.details["new_fab_months"].value + 19
    )


def test_pace_starts_after_the_first_module_and_follows_the_lines():
    ask, made = plan(samples=200)
    months = pace(FabsConfig(), ask, FACTS, 36, 200)
    assert months.samples.shape == (36, 201)
    first = made.details["first_module"].to("month").value
    assert (months.values[: int(first)] == 0).all()
    assert (np.diff(months.values) >= 0).all()
    # a year of output, from a year in which capacity grew as the plan's middle says
    year = np.interp([first, first + 12], np.arange(37), [0, *months.values])
    assert year[1] - year[0] == pytest.approx(made.limit.value, rel=0.05)
    # lines grow until the last year on record: later months make more
    assert months.values[20] - months.values[19] > months.values[10] - months.values[9]


def test_pace_of_constant_lines_is_a_straight_line():
    kept = [f for f in FACTS if ".capacity_by" not in f.key]
    ask, _ = plan("a100-80gb", facts=FACTS)
    months = pace(FabsConfig(), ask, type(FACTS)(kept), 24).values
    steps = np.diff(months)[12:]
    np.testing.assert_allclose(steps, steps[0])


@settings(max_examples=25, deadline=None)
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


def test_ten_thousand_draws_are_quick():
    ask = plan(count=1e5, samples=10_000)[0]
    start = time.process_time()
    limit(FabsConfig(), demand(FabsConfig(), ask, FACTS, 10_000), FACTS, 10_000)
    assert time.process_time() - start < 1.5  # a tenth of it here; machines differ


@pytest.mark.parametrize(
    ("config", "match"),
    [
        ({"share_of_capacity": 0.0}, "fabs.share_of_capacity"),
        ({"order_months": 0.0}, "fabs.order_months"),
        ({"order_date": 26.0}, "fabs.order_date"),
        ({"queue_months": -1.0}, "fabs.queue_months"),
        ({"yield_model": "murphi"}, "did you mean 'murphy'"),
        ({"region": "usa"}, "did you mean 'us'"),
    ],
)
def test_wrong_config_is_named(config, match):
    with pytest.raises(ConfigError, match=match):
        FabsConfig(**config)
