"""What-if: what moves, what does not, and what is said about it."""

import json
from itertools import pairwise

from groundup.planner.change import overrides, parse_change, sort_changes
from groundup.planner.passes import make_plan
from groundup.planner.what_if import what_if, what_if_json
from groundup.planner.what_if_figures import month_figures, what_if_figures
from groundup.planner.what_if_text import render_what_if
from groundup.stack.load import load_stack

SAMPLES = 300


def compared(stacks, name, *texts, months=12):
    path = stacks / f"{name}.toml"
    stack = load_stack(path)
    plain = make_plan(stack, 0)
    parsed = [parse_change(text) for text in texts]
    changes = sort_changes(parsed, stack, plain.facts, 0, months)
    changed = load_stack(path, overrides(changes, stack))
    said = [change.text for change in parsed]

    def plan(of, facts):
        return make_plan(of, SAMPLES, changed=facts)

    return what_if(stack, changed, changes, said, plan, 48)


def moved(result):
    return {pair.cell: pair for pair in result.moved}


def test_a_dearer_wafer_moves_the_fab_and_nothing_above_its_price(stacks):
    found = moved(compared(stacks, "campus-100k", "fabs.node.n5.price.y2026=x2"))
    assert found
    assert {cell.split(".")[0] for cell in found} == {"fabs"}


def test_common_random_numbers_make_the_change_sharper_than_the_plans(stacks):
    found = moved(compared(stacks, "campus-100k", "sites.us.electricity_price=+10%"))
    pair = found["sites.cost"]
    width = pair.change.high - pair.change.low
    assert 0 < width < 0.5 * (pair.before.high - pair.before.low)
    assert pair.change.low > 0


def test_a_shock_leaves_the_cells_and_moves_the_months(stacks):
    result = compared(stacks, "campus-100k", "materials.gallium.refining.china=-100%", months=18)
    assert not result.moved
    lost = result.months_before.lost_to(result.months_after)
    assert lost.value > 0
    text = render_what_if(result)
    assert "gallium -> transceiver -> networks" in text
    assert "logic-wafer" not in text  # bulk gallium is no input of CMOS wafers
    assert "training on" in text


def test_more_accelerators_than_power_bind_the_site(stacks):
    result = compared(stacks, "campus-100k", "sites.power_mw=x0.5")
    assert result.after.binding.name == "sites"
    assert result.months_after.binding[-1] == "sites"
    assert result.months_after.complete is None
    assert "sites (x0.5" in render_what_if(result).replace("x0.49", "x0.5")


def test_json_holds_every_month(stacks):
    document = what_if_json(compared(stacks, "campus-100k", "chips.count=x0.5"))
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert [row["month"] for row in document["months"]] == list(range(1, 49))
    assert document["binding_after"] == "recipes"


def test_without_a_pace_there_are_cells_but_no_months(stacks, machine):
    stack = load_stack(stacks / "laptop.toml")
    changes = sort_changes([], stack, make_plan(stack, 0, machine=machine).facts, 0, 12)
    changed = load_stack(stacks / "laptop.toml", ["apps.users=7"])

    def plan(of, facts):
        return make_plan(of, 50, machine=machine, changed=facts)

    result = what_if(stack, changed, changes, ["apps.users = 7"], plan, 12)
    assert result.months_after is None
    assert "No months: " in render_what_if(result)
    assert any(pair.cell == "apps.needs" for pair in result.moved)


def test_figures_cap_what_is_ready_and_join_equal_months(stacks):
    result = compared(stacks, "campus-100k", "chips.count=x0.5")
    curves, table = month_figures(result.months_after, "ready")
    most = result.months_after.count.value
    assert all(max(line.y) <= most for line in curves.lines)
    names = [row[1] for row in table.rows]
    assert all(one != two for one, two in pairwise(names))
    assert all(0 < row[2] <= 100 for row in table.rows)


def test_figures_of_a_shock_show_what_runs_and_what_is_short(stacks):
    result = compared(stacks, "campus-100k", "materials.gallium.refining.china=-100%", months=18)
    titles = [figure.title for figure in what_if_figures(result)]
    assert titles[:2] == ["Accelerators that run", "What each shortage leaves"]
    runs, short = what_if_figures(result)[:2]
    planned, changed = runs.lines
    assert all(a >= b for a, b in zip(planned.y, changed.y, strict=True))
    assert all(
        low <= y <= high
        for line in runs.lines
        for low, y, high in zip(line.low, line.y, line.high, strict=True)
    )
    assert short.lines[0].name == "gallium, transceiver"
    assert min(short.lines[0].y) < 60


def test_figures_of_a_changed_key_begin_with_what_moves(stacks):
    table = what_if_figures(compared(stacks, "campus-100k", "chips.count=x0.5"))[0]
    assert table.title == "What moves"
    assert any(row[0] == "chips.limit" for row in table.rows)
