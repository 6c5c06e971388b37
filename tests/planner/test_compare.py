from __future__ import annotations

from pathlib import Path

import pytest

from groundup.planner.compare import (
    Comparison,
    compare_figures,
    compare_json,
    compare_stacks,
    lower_share,
    render_compare,
)
from groundup.planner.passes import make_plan
from groundup.planner.plan import Plan
from groundup.stack.load import load_stack
from groundup.stack.stack import Stack

STACKS = Path(__file__).parents[2] / "stacks"
CAMPUS = STACKS / "campus-100k.toml"


def plan(stack: Stack, samples: int) -> Plan:
    return make_plan(stack, samples)


@pytest.fixture(scope="module")
def found() -> Comparison:
    first, second = load_stack(STACKS / "llama3-405b.toml"), load_stack(CAMPUS)
    return compare_stacks(first, second, plan, 200)


def test_the_bridge_ends_at_the_second_plan(found: Comparison) -> None:
    """Conservation: the steps add up to the difference, total by total."""
    last = found.bridge[-1].totals
    for name, value in found.second.totals.items():
        assert last[name] == pytest.approx(value.value, rel=1e-12), name
    tables = [table for step in found.bridge for table in step.tables]
    assert tables == list(dict.fromkeys(key.key.split(".")[0] for key in found.keys))


def test_a_stack_does_not_differ_from_itself() -> None:
    stack = load_stack(CAMPUS)
    found = compare_stacks(stack, stack, plan, 50)
    assert (found.keys, found.moved, found.bridge) == ((), (), ())
    shares = [lower_share(pair) for pair in found.totals]
    assert set(shares) == {0.0}


def test_cheaper_power_lowers_the_bill_in_every_draw() -> None:
    """Common random numbers: a change that helps in each world helps in all of the draws."""
    first = load_stack(CAMPUS)
    second = load_stack(CAMPUS, ["sites.pue=1.02"])
    pairs = {p.cell: p for p in compare_stacks(first, second, plan, 200).totals}
    assert lower_share(pairs["totals.usd_training"]) == 1.0
    assert lower_share(pairs["totals.power"]) == 1.0


def test_tables_that_make_no_plan_alone_go_with_the_next() -> None:
    """A format that only the new chip has cannot be planned before the chip changes."""
    first = load_stack(CAMPUS, ["chips.accelerator=a100-80gb", "inference.quantise=int8"])
    second = load_stack(CAMPUS, ["training.precision=fp8", "inference.quantise=int8"])
    bridge = compare_stacks(first, second, plan, 0).bridge
    assert [step.tables for step in bridge] == [("training", "chips")]


def test_text_json_and_tables_say_the_same(found: Comparison) -> None:
    text, plain = render_compare(found), compare_json(found)
    assert "chips.count" in text
    assert "100k" in text
    assert {key["key"] for key in plain["keys"]} == {key.key for key in found.keys}
    totals = compare_figures(found)[0]
    assert len(totals.rows) == len(plain["totals"])  # type: ignore[union-attr]
    shared = [row for row in plain["totals"] if row["change"]]
    assert all(
        row["change"]["value"] == pytest.approx(row["second"]["value"] - row["first"]["value"])
        for row in shared
    )
