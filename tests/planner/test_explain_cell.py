from __future__ import annotations

import pytest

from groundup.facts.errors import ConfigError
from groundup.facts.explain import leaves
from groundup.planner.explain_cell import cells, explain_cell, explain_cell_json
from groundup.planner.plan import Plan


@pytest.mark.parametrize("name", ["llama", "campus", "laptop"])
def test_every_cell_rests_on_sources(name: str, request: pytest.FixtureRequest) -> None:
    plan: Plan = request.getfixturevalue(name)
    found = {cell: value for cell, value in cells(plan).items() if value is not None}
    assert len(found) > 80
    bare = [
        (cell, leaf.label)
        for cell, value in found.items()
        for leaf in leaves(value)
        if leaf.fact is None and not leaf.source
    ]
    assert bare == []


@pytest.mark.parametrize(
    "cell", ["training.cost", "fabs.needs", "sites.details.water", "totals.power"]
)
def test_a_cell_is_explained_down_to_a_dated_source(cell: str, llama: Plan) -> None:
    text = explain_cell(llama, cell)
    assert text.splitlines()[0].count("=") >= 1
    assert "; 20" in text  # a date behind a locator
    assert "chips.count" in text


def test_conflicts_are_shown(llama: Plan) -> None:
    assert "conflicts with 36018" in explain_cell(llama, "chips.capex")


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("training.cst", "training.cost"), ("sites.details.watr", "sites.water"),
     ("fab.needs", "fabs.needs"), ("totals.powr", "totals.power")],
)  # fmt: skip
def test_an_unknown_cell_suggests_the_nearest(wrong: str, right: str, llama: Plan) -> None:
    with pytest.raises(ConfigError, match=f"did you mean `{right}`"):
        explain_cell(llama, wrong)


def test_nonsense_lists_what_there_is(llama: Plan) -> None:
    with pytest.raises(ConfigError, match=r"LAYER\.COLUMN"):
        explain_cell(llama, "zzzzzz")


def test_an_empty_cell_says_why(laptop: Plan, llama: Plan) -> None:
    assert "no data" in explain_cell(laptop, "fabs.limit")
    assert "none: the data floor adds no power" in explain_cell(llama, "data.power")
    assert "no sites.power_mw" in explain_cell_json(llama, "sites.limit")["absent"]


def test_json_holds_the_tree(llama: Plan) -> None:
    tree = explain_cell_json(llama, "training.cost")
    assert tree["cell"] == "training.cost"
    assert {child["name"] for child in tree["inputs"]} == {
        "systems.accelerator_hours",
        "totals.usd_per_accelerator_hour",
    }
