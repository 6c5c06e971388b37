import tomllib

import pytest

from groundup.facts.catalogue import Catalogue, load_catalogue, read_facts, read_file
from groundup.facts.errors import FactError, NoDataError

GOOD = {
    "value": "700",
    "unit": '"W"',
    "kind": '"spec"',
    "source": '"a data sheet"',
    "locator": '"table 1"',
    "as_of": "2023-03-01",
}


def toml(changes=None, table="[chip.tdp]"):
    rows = {**GOOD, **(changes or {})}
    return "\n".join([table, *(f"{k} = {v}" for k, v in rows.items() if v is not None)])


def read(text):
    return read_facts(tomllib.loads(text), "chips", "test.toml")


def test_a_complete_fact_is_read():
    (fact,) = read(toml({"low": "650", "high": "710", "note": '"max"', "convention": '"peak"'}))
    assert (fact.key, fact.value, fact.low, fact.high) == ("chips.chip.tdp", 700, 650, 710)
    assert (fact.note, fact.convention, fact.as_of.year) == ("max", "peak", 2023)


@pytest.mark.parametrize("field", list(GOOD))
def test_each_missing_field_is_refused_by_name(field):
    with pytest.raises(FactError) as caught:
        read(toml({field: None}))
    for word in ("test.toml", "chips.chip.tdp", field):
        assert word in str(caught.value)


@pytest.mark.parametrize("field", ["unit", "source", "locator"])
@pytest.mark.parametrize("empty", ['""', '"  "'])
def test_empty_text_is_as_bad_as_none(field, empty):
    with pytest.raises(FactError, match=field):
        read(toml({field: empty}))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"low": "701"}, "low <= value <= high"),
        ({"high": "699"}, "low <= value <= high"),
        ({"value": "nan"}, "low <= value <= high"),
        ({"kind": '"guess"'}, "spec, measured, estimate, price"),
        ({"unit": '"Watt"'}, "unknown unit"),
        ({"valeu": "3"}, "did you mean `value`"),
        ({"as_of": '"2023"'}, "2024-05-31"),
        ({"as_of": "2023-03-01T10:00:00"}, "must be a date"),
        ({"value": '"700"'}, "must be a number"),
        ({"value": "true"}, "must be a number"),
        ({"source": '"@nowhere"'}, "[sources.nowhere]"),
    ],
)
def test_wrong_fields_are_refused_with_remedy(changes, says):
    with pytest.raises(FactError) as caught:
        read(toml(changes))
    assert says in str(caught.value)
    assert "test.toml" in str(caught.value)


def test_shared_source_is_filled_in():
    text = '[sources.sheet]\nsource = "the sheet"\nas_of = 2022-01-01\n' + toml(
        {"source": '"@sheet"', "as_of": None}
    )
    (fact,) = read(text)
    assert (fact.source, fact.as_of.year) == ("the sheet", 2022)


def test_conflicting_facts_stay_side_by_side():
    rows = [toml({"preferred": "true"}, "[[chip.tdp]]"), toml({"value": "1000"}, "[[chip.tdp]]")]
    (fact,) = read("\n".join(rows))
    assert fact.value == 700
    assert [other.value for other in fact.conflicts] == [1000]
    assert Catalogue([fact]).conflicts() == [fact]


@pytest.mark.parametrize("marks", [(), ("true", "true")])
def test_exactly_one_conflicting_fact_is_preferred(marks):
    rows = [toml({"preferred": m}, "[[chip.tdp]]") for m in (*marks, None, None)[:2]]
    with pytest.raises(FactError, match="exactly one"):
        read("\n".join(rows))


def test_broken_files_name_themselves(tmp_path):
    path = tmp_path / "broken.toml"
    path.write_text("[a\n")
    with pytest.raises(FactError, match=r"broken\.toml"):
        read_file(path, "chips")
    with pytest.raises(FactError, match="is not a table"):
        read("tdp = 700")
    with pytest.raises(FactError, match="not a table"):
        read("tdp = [700]")


def test_a_key_twice_is_refused():
    (fact,) = read(toml())
    with pytest.raises(FactError, match="twice"):
        Catalogue([fact, fact])


def test_unknown_key_suggests_the_nearest():
    with pytest.raises(NoDataError, match=r"chips\.h100-sxm\.tdp"):
        load_catalogue()["chips.h100-sxm.tdb"]


def test_estimates_are_shared_and_seeded():
    facts = load_catalogue(seed=1)
    assert facts.estimate("sites.us.carbon", 10) is facts.estimate("sites.us.carbon", 10)
    other = facts.with_seed(2).estimate("sites.us.carbon", 10)
    assert (other.samples[1:] != facts.estimate("sites.us.carbon", 10).samples[1:]).any()


def test_with_facts_replaces_and_adds():
    (fact,) = read(toml())
    facts = load_catalogue().with_facts([fact])
    assert facts["chips.chip.tdp"] is fact
    assert "chips.chip.tdp" not in load_catalogue()
    assert len(facts) == len(load_catalogue()) + 1
