from __future__ import annotations

import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.facts.estimate import given
from groundup.facts.layer import Ask
from groundup.systems.accelerator import accelerator
from groundup.training.config import TrainingConfig
from groundup.training.plan import demand, limit, memory

FACTS = load_catalogue()
H100 = accelerator("h100-sxm", FACTS)


def asked(config: TrainingConfig, count: int = 16384, flop: float = 3.8e25) -> Ask:
    ask = Ask(
        "h100-sxm",
        {
            "training_flop": given(flop, "FLOP", "recipes.training_flop", "here"),
            "train_tokens": given(15.6e12, "token", "data.train_tokens", "here"),
            "train_flop_per_token": given(2.52e12, "FLOP/token", "models.train_flop", "here"),
            "parameters": given(405e9, "parameter", "models.parameters", "here"),
            "activation_bytes": given(430e9, "B", "models.activation_bytes", "here"),
            "serving_accelerators": given(8.0, "accelerator", "serving", "here"),
        },
    )
    there = given(float(count), "accelerator", "chips.count", "here")
    return demand(config, ask, FACTS, chip=H100, accelerators=there)


def test_hours_are_flop_over_peak_times_mfu_over_goodput() -> None:
    ask = asked(TrainingConfig())
    productive = 3.8e25 / (989.4e12 * 0.41) / 3600
    assert ask["trained_accelerator_hours"].value == pytest.approx(
        productive / ask["goodput"].value
    )


@pytest.mark.parametrize(("optimiser", "bytes_each"), [("adamw", 16), ("muon", 12)])
def test_one_accelerator_holds_all_states(optimiser: str, bytes_each: int) -> None:
    # Rajbhandari et al. 2019, section 3.1: 16 bytes a parameter for mixed-precision Adam
    config = TrainingConfig(optimiser=optimiser)
    states = memory(config, asked(config, count=1), FACTS).states
    assert states.value == pytest.approx(bytes_each * 405)


def test_states_are_sharded_over_all_and_weights_over_model_parallel_ranks() -> None:
    config = TrainingConfig(optimiser="adamw", tensor_parallel=8, pipeline_parallel=16)
    used = memory(config, asked(config), FACTS)
    assert used.states.value == pytest.approx(2 * 405 / 128 + 14 * 405 / 16384)
    assert used.activations.value == pytest.approx(430 / 8)


def test_deepseek_v3_cost_from_its_hours() -> None:
    # arXiv:2412.19437, table 1: 2.788M H800-hours at 2 USD are 5.576M USD
    ask = asked(TrainingConfig()).with_(
        accelerator_hours=given(2.788e6, "accelerator*h", "hours", "here"),
        busy_days=given(57.0, "day", "days", "here"),
    )
    price = given(2.0, "USD/(accelerator*h)", "chips.usd_per_hour", "here")
    row = limit(TrainingConfig(), ask, FACTS, chip=H100, usd_per_hour=price, power=None)
    assert row.cost is not None
    assert row.cost.value == pytest.approx(5.576e6)


def test_step_time_of_llama3() -> None:
    config = TrainingConfig(batch_tokens=16_777_216)
    ask = asked(config).with_(
        accelerator_hours=given(3e7, "accelerator*h", "hours", "here"),
        busy_days=given(77.0, "day", "days", "here"),
    )
    row = limit(config, ask, FACTS, chip=H100, usd_per_hour=None, power=None)
    # 400 TFLOP/s a GPU (arXiv:2407.21783, table 4)
    by_hand = 2.52e12 * 16_777_216 / (400e12 * 16384)
    assert row.details["step_seconds"].value == pytest.approx(by_hand, rel=0.03)
    assert row.details["steps"].value == pytest.approx(15.6e12 / 16_777_216)


def test_a_deadline_sets_the_accelerators() -> None:
    ask = asked(TrainingConfig(deadline_days=30.0))
    hours = ask["trained_accelerator_hours"].value
    assert ask["training_accelerators"].value == pytest.approx(hours / 720, abs=1.0)
    assert ask["training_days"].value <= 30.0
