import json
from datetime import date

from groundup.facts.catalogue import load_catalogue
from groundup.facts.estimate import Estimate, given
from groundup.facts.explain import explain, explain_json, formula, leaves
from groundup.facts.fact import Fact


def fact(key, value, unit, conflicts=()):
    return Fact(
        key, value, unit, value, value, "price", "a price list", "page 3", date(2024, 5, 1),
        note="spot price", conflicts=conflicts,
    )  # fmt: skip


def bill():
    other = fact("site.price", 0.2, "USD/kWh")
    price = Estimate.of(fact("site.price", 0.1, "USD/kWh", (other,)))
    power = given(2.0, "kW", "power", "stack file: power")
    energy = (power * given(10.0, "h", "hours")).to("kWh").named("energy", source="physics")
    return (energy * price + energy * price).named("bill")


def test_tree_goes_down_to_sources_with_conflicts_beside():
    lines = explain(bill()).splitlines()
    assert lines[0] == "bill = 4 USD = energy * site.price + energy * site.price"
    assert lines[1] == "  energy = 20 kWh = power * hours"
    assert "    from stack file: power" in "\n".join(lines)
    text = "\n".join(lines)
    assert "price: a price list; page 3; 2024-05-01" in text
    assert "note: spot price" in text
    assert "conflicts with 0.2 USD/kWh (price): a price list" in text
    assert text.count("energy = 20") == 1


def test_a_value_used_twice_is_one_node():
    price = fact("a.price", 1.0, "USD")
    both = Estimate.of(price).named("left") + Estimate.of(price).named("right")
    assert explain(both).count("a price list") == 1
    assert "a.price: see above" in explain(both)
    assert [leaf.label for leaf in leaves(both)] == ["a.price"]


def test_json_tree_matches_the_text():
    tree = explain_json(bill())
    json.dumps(tree)
    assert tree["formula"] == "energy * site.price + energy * site.price"
    energy, price = tree["inputs"]
    assert energy["inputs"][0] == {
        "name": "power", "value": 2.0, "low": 2.0, "high": 2.0, "unit": "kW",
        "source": "stack file: power",
    }  # fmt: skip
    assert price["fact"]["conflicts"][0]["value"] == 0.2
    assert price["fact"]["as_of"] == "2024-05-01"


def test_long_chains_neither_explode_nor_overflow():
    value = given(1.0, "1", "seed")
    for _ in range(3000):
        value = value + value * 0.0
    text = explain(value)
    assert len(text) < 2000
    assert len(leaves(value)) == 1


def test_formulas_keep_their_meaning_in_brackets():
    a, b, c = (given(1.0, "1", name) for name in "abc")
    assert formula((a + b) * c) == "(a + b) * c"
    assert formula(a / (b * c)) == "a / (b * c)"
    assert formula(a - (b + c)) == "a - (b + c)"
    assert formula((a * b) ** 2) == "(a * b)**2"


def test_rows_are_shown_as_rows():
    rows = given([1.0, 2.0], "USD", "options")
    assert explain(rows) == "options = 2 rows in USD"
    assert explain_json(rows)["rows"] == 2


def test_every_shipped_fact_explains_itself():
    facts = load_catalogue()
    for fact in facts:
        text = explain(facts.estimate(fact.key, 10))
        assert fact.source in text
        assert str(fact.as_of) in text
