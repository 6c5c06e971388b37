from __future__ import annotations

import pytest

from groundup.planner.plan import Plan
from groundup.planner.table import render_table


@pytest.mark.parametrize("name", ["llama", "campus", "laptop"])
@pytest.mark.parametrize("width", [100, 120, 160])
def test_fits_its_width_with_a_row_a_layer(
    name: str, width: int, request: pytest.FixtureRequest
) -> None:
    plan: Plan = request.getfixturevalue(name)
    lines = render_table(plan, width).splitlines()
    assert max(len(line) for line in lines) <= width
    table = lines[: lines.index("", 2)]
    rows = [line for line in table if line[:2].strip().isdigit()]
    assert [int(line[:2]) for line in rows] == list(range(14, 0, -1))
    assert sum(line[2] == "*" for line in rows) == 1


def test_summary_names_money_power_time_carbon_and_the_binding_layer(campus: Plan) -> None:
    text = " ".join(render_table(campus).splitlines())
    for words in ("to build $", "training run $", "/Mtok", " MW", "months", "GWh", "tCO2", "water"):
        assert words in text
    assert "Binding layer (*): 5 sites, which has only 0.9" in text


def test_the_layout_of_the_training_is_said(llama: Plan, campus: Plan) -> None:
    text = " ".join(render_table(llama).split())
    assert "16,384 accelerators, stated in the stack file: TP 8, PP 16, DP 128, 8 chunks" in text
    assert "the fastest of" in " ".join(render_table(campus).split())
