from __future__ import annotations

from pathlib import Path

import pytest

from groundup.chips.this_machine import Machine
from groundup.facts.catalogue import load_catalogue
from groundup.models.count import train_flops_per_token
from groundup.planner.calibrated import dialled, measured_speed
from groundup.planner.passes import make_plan
from groundup.recipes.calibration import Calibration, Measured, ladder_shape, training_flops
from groundup.stack.load import load_stack


def a_calibration() -> Calibration:
    rows = []
    for rung, speed in ((1, 20_000.0), (5, 4_000.0)):
        flop = training_flops(ladder_shape(rung, 4096, 512), 256)
        rows.append(Measured(rung, flop, speed, speed * 0.9, speed * 1.05))
    return Calibration(4096, "bfloat16", 2, 16, 256, 400_000_000, tuple(rows))


def test_speed_is_tokens_times_the_planners_flop() -> None:
    shape = ladder_shape(1, 4096, 512)
    fact = measured_speed(a_calibration(), shape, 256)
    assert fact.value == pytest.approx(20_000 * train_flops_per_token(shape, 256) / 1e12)
    assert fact.low / fact.value == pytest.approx(0.9)


def test_a_calibrated_plan_trains_what_the_dial_picks(machine: Machine, stacks: Path) -> None:
    stack = load_stack(stacks / "laptop.toml")
    choice = dialled(stack, a_calibration(), load_catalogue(), None)
    assert choice is not None
    plan = make_plan(stack, 100, machine=machine, calibration=a_calibration())
    assert plan.layer("recipes").details["train_tokens"].value == choice.tokens
    # what is planned fits the budget of five minutes
    assert plan.totals["training_days"].to("min").value <= 5.0
    assert plan.binding is not None
    assert plan.binding.name == "recipes"
    assert plan.binding.headroom.value == pytest.approx(1.0, abs=0.005)


def test_a_stated_model_is_not_picked(stacks: Path) -> None:
    given = {"layers": 2, "width": 128, "heads": 2, "kv_heads": 2, "ffn": 384}
    sizes = [f"models.{name}={value}" for name, value in given.items()]
    stack = load_stack(stacks / "laptop.toml", sizes)
    assert dialled(stack, a_calibration(), load_catalogue(), None) is None


def test_documents_limit_the_tokens(machine: Machine, stacks: Path) -> None:
    stack = load_stack(stacks / "laptop.toml")
    calibration = a_calibration()
    plan = make_plan(stack, 100, machine=machine, calibration=calibration, corpus_tokens=100_000)
    data = plan.layer("data")
    assert data.binds == "collected documents, repeated"
    assert data.details["epochs"].value <= 4.001
