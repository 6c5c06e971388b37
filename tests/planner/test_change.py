"""Changes: what the user wrote becomes overrides, facts or shocks, or an error that helps."""

import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import ConfigError
from groundup.materials.shocks import Shock
from groundup.planner.change import changed_facts, overrides, parse_change, sort_changes
from groundup.stack.load import load_stack

FACTS = load_catalogue()


def sort(stacks, *texts, start=0, months=12):
    stack = load_stack(stacks / "campus-100k.toml")
    return sort_changes([parse_change(text) for text in texts], stack, FACTS, start, months), stack


@pytest.mark.parametrize(
    ("text", "factor"),
    [("a.b=x2", 2.0), ("a.b=-90%", 0.1), ("a.b=+25 %", 1.25), ("a.b = x1e-3", 1e-3)],
)
def test_relative_values(text, factor):
    assert parse_change(text).factor == pytest.approx(factor)


@pytest.mark.parametrize("text", ["a.b", "a.b=", "ab=3", "=3"])
def test_what_is_no_change_is_refused_with_an_example(text):
    with pytest.raises(ConfigError, match=r"chips\.count=x2"):
        parse_change(text)


def test_a_loss_of_more_than_all_is_refused():
    with pytest.raises(ConfigError, match="negative"):
        parse_change("materials.gallium.refining.china=-110%")


def test_each_change_goes_where_it_belongs(stacks):
    found, stack = sort(
        stacks,
        "chips.count=x0.5",
        "networks.topology=rail-only",
        "fabs.node.n5.defect_density=+50%",
        "materials.gallium.refining.china=-90%",
        start=3,
        months=6,
    )
    assert overrides(found, stack) == ["chips.count=50000", "networks.topology=rail-only"]
    (fact,) = changed_facts(found, FACTS)
    before = FACTS["fabs.node.n5.defect_density"]
    assert (fact.low, fact.value, fact.high) == pytest.approx(
        tuple(1.5 * x for x in (before.low, before.value, before.high))
    )
    assert "what-if" in fact.note
    (shock,) = found.shocks
    assert shock == Shock("gallium", "refining", "china", shock.lost, 3, 6)
    assert shock.lost == pytest.approx(0.9)


def test_an_absolute_fact_has_no_doubt_left(stacks):
    found, _ = sort(stacks, "sites.us.electricity_price=0.04")
    (fact,) = changed_facts(found, FACTS)
    assert fact.low == fact.value == fact.high == 0.04


def test_a_supplier_that_grows_is_a_fact_not_a_shock(stacks):
    found, _ = sort(stacks, "materials.gallium.refining.china=+1%")
    assert not found.shocks
    assert [change.key for change in found.facts] == ["materials.gallium.refining.china"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("chips.cout=3", "chips.count"),
        ("fabs.node.n5.wafer_prize=1", "fabs.node.n5.wafer_price"),
        ("materials.galium.refining.china=-90%", "materials.gallium.refining.china"),
    ],
)
def test_unknown_keys_suggest_the_nearest(stacks, text, says):
    with pytest.raises(ConfigError, match=says):
        sort(stacks, text)


def test_words_cannot_be_scaled(stacks):
    found, stack = sort(stacks, "networks.topology=x2")
    with pytest.raises(ConfigError, match="not a number"):
        overrides(found, stack)


def test_a_fact_needs_a_number(stacks):
    found, _ = sort(stacks, "sites.us.electricity_price=cheap")
    with pytest.raises(ConfigError, match="number in USD"):
        list(changed_facts(found, FACTS))


def test_a_country_is_everything_that_it_supplies(stacks):
    found, _ = sort(stacks, "materials.china=-50%")
    lost = {(shock.material, shock.step) for shock in found.shocks}
    assert {("gallium", "refining"), ("rare-earth", "mining"), ("rare-earth", "refining")} <= lost
    assert {shock.lost for shock in found.shocks} == {0.5}


def test_a_country_that_supplies_nothing_is_an_unknown_key(stacks):
    with pytest.raises(ConfigError, match="neither a fact nor a key"):
        sort(stacks, "materials.atlantis=-50%")
