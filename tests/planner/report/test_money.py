"""The flow of dollars is the plan's cost, conserved at every node."""

import pytest
from tests.planner.conftest import ROOT, planned

from groundup.fabs.bill import module_cost
from groundup.planner.report.money import money_flow
from groundup.stack.load import load_stack


def flow(name, *overrides):
    stack = load_stack(ROOT / "stacks" / f"{name}.toml", overrides)
    return money_flow(stack, planned(name, 0, *overrides))


def test_dollars_are_conserved_down_to_the_dies():
    plan, found = planned("llama3-405b", 0), flow("llama3-405b")
    into, out = {}, {}
    for source, target, value in found.links:
        out[source] = out.get(source, 0) + value
        into[target] = into.get(target, 0) + value
    assert out["training run"] == pytest.approx(plan.totals["usd_training"].value, rel=0.01)
    for node in ("accelerators", "modules"):
        assert out[node] == pytest.approx(into[node], rel=0.01)


def test_the_module_takes_its_share_of_the_price():
    plan, found = planned("llama3-405b", 0), flow("llama3-405b")
    value = {(a, b): v for a, b, v in found.links}
    share = value["accelerators", "modules"] / value["training run", "accelerators"]
    fabs = load_stack(ROOT / "stacks" / "llama3-405b.toml").fabs
    cost = module_cost(plan.ask, plan.facts, 0, fabs)["total"].value
    assert share == pytest.approx(cost / plan.facts["chips.h100-sxm.price"].value)


def test_a_rent_is_not_taken_apart():
    links = flow("llama3-405b", "chips.usd_per_hour=2").links
    assert [(a, b) for a, b, _ in links] == [("training run", "accelerators")]
