from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import ConfigError
from groundup.facts.estimate import Array, Estimate
from groundup.facts.fact import Fact
from groundup.planner.passes import make_plan
from groundup.planner.plan import Plan
from groundup.planner.tornado import design, render_tornado, tornado_json, tornados
from groundup.stack.load import load_stack

STACK = load_stack(Path(__file__).parents[2] / "stacks" / "llama3-405b.toml")
CELL = "totals.usd_training"


def replan(draws: Mapping[str, Array]) -> Plan:
    return make_plan(STACK, len(next(iter(draws.values()))) - 1, draws=draws)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(STACK, 500)


def test_each_swing_is_the_plan_with_that_fact_alone_changed(plan: Plan) -> None:
    """Oracle: the plan made anew with one fact of the catalogue set to the end of the swing."""
    (found,) = tornados(plan, replan, (CELL,), most=4)
    assert len(found.swings) == 4
    assert found.middle == pytest.approx(plan.totals["usd_training"].value)
    for swing in found.swings:
        fact = plan.facts[swing.label]
        ends = Estimate.of(fact, 4000)
        for value, expected in ((ends.low, swing.low), (ends.high, swing.high)):
            alone = make_plan(STACK, 0, changed=_set(fact, value))
            assert alone.totals["usd_training"].value == pytest.approx(expected, rel=1e-9)


def _set(fact: Fact, value: float):  # type: ignore[no-untyped-def]
    def changed(facts: Catalogue) -> Iterable[Fact]:
        return [replace(facts[fact.key], value=value, low=value, high=value)]

    return changed


def test_the_widest_swing_is_on_top_and_is_drawn_widest(plan: Plan) -> None:
    (found,) = tornados(plan, replan, (CELL,))
    widths = [abs(swing.high - swing.low) for swing in found.swings]
    assert widths == sorted(widths, reverse=True)
    bars = [line.count("-") for line in render_tornado(found).split("\n") if "|" in line]
    assert bars[0] >= max(bars) - 1
    assert tornado_json(found)["swings"][0]["fact"] == found.swings[0].label


def test_a_design_moves_one_fact_at_a_time(plan: Plan) -> None:
    ends = {key: Estimate.of(plan.facts[key], 100) for key in ("chips.lifetime", "sites.wacc")}
    draws = design(ends)
    moved = sum((drawn != drawn[0]).astype(int) for drawn in draws.values())
    assert list(moved) == [0, 1, 1, 1, 1]


def test_without_draws_nothing_is_suspected_and_unknown_cells_are_named(plan: Plan) -> None:
    assert tornados(make_plan(STACK, 0), replan, (CELL,)) == ()
    with pytest.raises(ConfigError, match="usd_training"):
        tornados(plan, replan, ("totals.usd_trainin",))
