"""The bar of an accelerator-hour is the plan's price, part by part, beside sourced rents."""

import pytest
from tests.planner.conftest import planned

from groundup.planner.report.hour import hour_bars


def test_parts_add_up_to_the_plans_price():
    plan = planned("campus-100k")
    bars = hour_bars(plan)
    owned = bars.bars[0]
    price = plan.totals["usd_per_accelerator_hour"]
    assert sum(value for _, value in owned.parts) == pytest.approx(price.value)
    assert (owned.low, owned.high) == (price.low, price.high)
    assert {bar.label for bar in bars.bars[1:]} == {
        "rent, 2026-03", "rent, 2025-10", "rent, 2024-11", "rent, 2025-03",
    }  # fmt: skip


def test_an_owned_hour_is_below_what_an_owner_must_ask():
    # one-year contracts: 1.70 USD in 2025-10, 2.35 in 2026-03; an owner breaks even near 1.65
    price = planned("llama3-405b").totals["usd_per_accelerator_hour"]
    assert price.value == pytest.approx(1.65, rel=0.15)


def test_dearer_capital_and_power_cost_more():
    base, dear, free = (
        planned("campus-100k", 0, *keys).totals["usd_per_accelerator_hour"].value
        for keys in ((), ("sites.wacc=0.15", "sites.usd_per_kwh=0.2"), ("sites.wacc=0",))
    )
    assert free < base < dear


def test_rent_holds_everything():
    plan = planned("campus-100k", 0, "chips.usd_per_hour=2")
    assert [name for name, _ in hour_bars(plan).bars[0].parts] == ["accelerators"]
