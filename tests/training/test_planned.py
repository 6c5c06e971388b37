from __future__ import annotations

import numpy as np
import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import ConfigError, NoDataError
from groundup.facts.estimate import given
from groundup.facts.explain import explain
from groundup.facts.layer import Ask
from groundup.models.published import published
from groundup.models.workload import work_of
from groundup.training.config import TrainingConfig
from groundup.training.explained import (
    layout_text,
    memory_parts,
    speed,
    step_parts,
    step_seconds,
    utilisation,
)
from groundup.training.planned import Planned, divisible, planned
from groundup.training.resilience import straggling
from groundup.training.step_time import step_time

FACTS = load_catalogue()
LLAMA = work_of(published("Llama-3.1-405B"))
LLAMA_8B = work_of(published("Llama-3.1-8B"))


def plan(config: TrainingConfig, count: int = 16384, batch: int = 2048, samples: int = 0,
         work=LLAMA, chip: str = "h100-sxm") -> Planned:  # fmt: skip
    ask = Ask(
        chip,
        {
            "stack_accelerators": given(float(count), "accelerator", "chips.count", "here"),
            "sequence": given(8192.0, "token", "training.sequence", "here"),
            "batch_tokens": given(8192.0 * batch, "token/step", "batch", "here"),
        },
        {"stack.explicit": "training.tensor_parallel" if config.tensor_parallel > 1 else ""},
    )
    return planned(config, ask, FACTS, samples, work=work)


STATED = TrainingConfig(tensor_parallel=8, pipeline_parallel=16, virtual_stages=8)


def test_a_stated_layout_is_priced_as_it_stands() -> None:
    found = plan(STATED)
    assert (float(found.layout.data), found.searched) == (128.0, 0)
    alone = step_time(LLAMA, found.layout, found.cluster, found.laws)
    assert float(found.step.total[0]) == pytest.approx(float(alone.total[0]))
    assert layout_text(found).startswith("TP 8, PP 16, DP 128, 8 chunks a stage")


def test_a_searched_layout_fits_and_is_no_slower_than_a_stated_one() -> None:
    found = plan(TrainingConfig())
    assert found.searched > 1000
    assert float(np.reshape(found.memory.total, -1)[0]) <= 80e9
    assert float(found.step.total[0]) <= float(plan(STATED).step.total[0]) * 1.001


def test_parts_and_residual_make_the_step_and_its_utilisation() -> None:
    found = plan(STATED, samples=300)
    seconds = step_seconds(found, step_parts(found, FACTS, 300), FACTS, 300)
    slow = straggling(16384.0, FACTS).value
    assert 1.0 < slow < 1.05
    assert seconds.value == pytest.approx(slow * float(found.step.total[0]), rel=1e-3)
    assert seconds.low < seconds.value < seconds.high
    flop = given(3 * float(LLAMA.forward_flops(np.asarray(8192.0))), "FLOP/token", "f", "here")
    ask = Ask("h100-sxm", {
        "train_flop_per_token": flop,
        "stack_accelerators": given(16384.0, "accelerator", "chips.count", "here"),
    })  # fmt: skip
    share = utilisation(found, speed(found, ask, seconds), FACTS)
    by_hand = flop.value * 8192 * 2048 / (seconds.value * 16384 * 989.4e12)
    assert share.value == pytest.approx(by_hand, rel=1e-3)
    text = explain(share)
    assert "TP 8, PP 16" in text
    assert "training.law.matmul_share" in text
    assert "chips.h100-sxm.peak.bf16.dense = " in text


def test_memory_parts_add_up() -> None:
    found = plan(STATED)
    total = sum(part.value for part in memory_parts(found).values())
    assert total == pytest.approx(float(np.reshape(found.memory.total, -1)[0]) / 1e9)


def test_a_batch_is_changed_little_and_odd_factors_divide_it() -> None:
    assert divisible(512, 1000) == 500
    assert divisible(2048, 16384) == 2048
    assert divisible(3, 1000) == 3  # too small to be changed a little


def test_odd_numbers_of_accelerators_leave_a_few_idle() -> None:
    found = plan(TrainingConfig(), count=1001, batch=512, work=LLAMA_8B)
    assert 0.9 * 1001 < found.used <= 1001


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (TrainingConfig(tensor_parallel=7), "tensor_parallel = 7"),
        (TrainingConfig(tensor_parallel=8, pipeline_parallel=130), "more than the model's 126"),
        (TrainingConfig(tensor_parallel=8, expert_parallel=4), "expert_parallel = 4"),
        (TrainingConfig(tensor_parallel=8, context_parallel=4096), "more than chips.count"),
    ],
)
def test_degrees_that_cannot_be_are_named(config: TrainingConfig, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        plan(config)


def test_a_model_that_fits_nowhere_says_what_to_do() -> None:
    with pytest.raises(ConfigError, match=r"raise chips\.count"):
        plan(TrainingConfig(), count=8, batch=8)


def test_chips_that_no_law_speaks_of_are_no_data() -> None:
    with pytest.raises(NoDataError):
        plan(STATED, chip="wse-3")
