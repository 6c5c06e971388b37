from __future__ import annotations

import math

import pytest
from tests.planner.report.reading import read_html

from groundup.facts.catalogue import load_catalogue
from groundup.facts.estimate import Estimate, given
from groundup.facts.explain import leaves, named_inputs
from groundup.planner.plan import Plan
from groundup.planner.report.derivation import Derivations, fact_anchor, value_text


def test_all_facts_behind_a_number_are_collected(campus: Plan) -> None:
    cost = campus.totals["usd_to_build"]
    derivations = Derivations()
    derivations.anchor(cost)
    wanted = {leaf.fact.key for leaf in leaves(cost) if leaf.fact is not None}
    assert {fact.key for fact in derivations.facts()} == wanted
    assert len(wanted) > 5


def test_every_step_is_written_once_and_its_links_lead_somewhere(campus: Plan) -> None:
    derivations = Derivations()
    for total in campus.totals.values():
        derivations.anchor(total)
        derivations.anchor(total)
    read = read_html(derivations.written())
    assert len(set(read.ids)) == len(read.ids)
    there = {*read.ids, *(fact_anchor(fact.key) for fact in derivations.facts())}
    targets = [v[1:] for _, name, v in read.attributes if name == "href" and v.startswith("#")]
    assert targets
    assert set(targets) <= there
    assert "totals.usd_to_build" in read.text


def test_equal_steps_that_were_computed_twice_share_a_place() -> None:
    derivations = Derivations()
    one, two = ((given(2.0, "MW", "a") * 3.0).named("b") for _ in range(2))
    assert derivations.anchor(one) == derivations.anchor(two)
    assert derivations.anchor(one) != derivations.anchor((given(2.0, "MW", "a") * 4.0).named("b"))


def test_the_tree_beside_a_number_names_formula_inputs_and_source() -> None:
    fact = load_catalogue().estimate("sites.pue.liquid", 100)
    power = (given(100.0, "MW", "racks <x>") * fact).named("site power")
    read = read_html(Derivations().cell(power))
    for said in ("site power", "racks <x> * sites.pue.liquid", "sites.pue.liquid"):
        assert said in read.text
    assert read.tags.count("details") == read.tags.count("summary") == 1


def test_inputs_skip_what_has_no_name() -> None:
    a, b = given(1.0, "W", "a"), given(2.0, "W", "b")
    assert [x.label for x in named_inputs(((a + b) * 2.0 + a).named("c"))] == ["a", "b"]
    assert named_inputs(a) == []


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_no_number_is_no_data(value: float | None) -> None:
    estimate: Estimate | None = None if value is None else given(value, "W", "x")
    assert read_html(Derivations().cell(estimate)).text.strip() == "no data"


def test_values_have_their_interval_in_the_same_unit() -> None:
    spread = Estimate.of(load_catalogue()["sites.pue.liquid"], 400)
    main, interval = value_text(spread)
    low, high = (float(part) for part in interval.split(" – "))
    assert low < float(main) < high
    assert value_text(given(2.5e9, "USD", "x")) == ("$2.5B", "")
    assert value_text(given([1.0, 4.0], "MW", "x")) == ("1 to 4 MW", "2 rows")
