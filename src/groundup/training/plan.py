"""Floor 8 in the plan: training FLOPs become accelerator-hours, days and memory per accelerator."""

from __future__ import annotations

from dataclasses import dataclass

from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Estimate, ceil, given, maximum, total
from groundup.facts.layer import Ask, LayerPlan
from groundup.facts.stated import stated
from groundup.systems.accelerator import Accelerator
from groundup.training.config import TrainingConfig
from groundup.training.explained import (
    layout_given,
    memory_parts,
    speed,
    step_parts,
    step_seconds,
    step_tokens,
    step_watts,
    utilisation,
)
from groundup.training.planned import Planned
from groundup.training.resilience import with_resilience

WORKING_BYTES = 2.0
"""A bf16 weight that every pipeline and tensor rank holds while it computes."""

MEASURED_SPEED = "training.measured_speed"
"""Key of this machine's calibrated training speed, TFLOP/(s*accelerator)."""


def demand(
    config: TrainingConfig,
    ask: Ask,
    facts: Catalogue,
    samples: int = 0,
    *,
    chip: Accelerator,
    accelerators: Estimate,
    trained: Planned | None = None,
) -> Ask:
    """Accelerator-hours and accelerators for `ask["training_flop"]`.

    Hours = FLOP / speed / goodput. `trained` is the layout with its step; without one the speed is
    peak x MFU. `accelerators` are those of the stack; a deadline that they miss asks for more.
    """
    if trained is None:
        rate = training_speed(config, chip, facts, samples)
    else:
        ask = ask.with_(stack_accelerators=accelerators)
        seconds = step_seconds(trained, step_parts(trained, facts, samples), facts, samples)
        rate = speed(trained, ask, seconds)
        ask = ask.with_(step_seconds=seconds, training_mfu=utilisation(trained, rate, facts))
    productive = (ask["training_flop"] / rate).to("accelerator*h")
    productive = productive.named("training.productive_hours", "training_flop / training_speed")
    ask = ask.with_(training_speed=rate, stack_accelerators=accelerators)
    if chip.measured:
        hours, users = productive, accelerators
    else:
        ask = with_resilience(config, ask, accelerators, productive, facts, samples)
        hours = (productive / ask["goodput"]).named("training.accelerator_hours")
        users = maximum(accelerators, needed(config, ask, hours))
    days = (hours / users).to("day").named("training.days")
    return ask.with_(
        trained_accelerator_hours=hours,
        training_accelerators=users,
        training_days=days,
        accelerators=maximum(users, ask["serving_accelerators"]).named(
            "training.accelerators", "max(training accelerators, serving accelerators)"
        ),
    )


def training_speed(
    config: TrainingConfig, chip: Accelerator, facts: Catalogue, samples: int = 0
) -> Estimate:
    """FLOP/s of one accelerator in training: dense peak x MFU of the number format.

    On this machine the calibrated `training.measured_speed` where it is among the facts, else a
    share of its fastest matrix product.
    """
    if chip.measured and MEASURED_SPEED in facts:
        return facts.estimate(MEASURED_SPEED, samples)
    if chip.measured:
        share = facts.estimate("training.cpu_share_of_gemm", samples)
        speed = chip.speed("bf16") * share
    else:
        share = facts.estimate(f"training.mfu.{config.precision}", samples)
        speed = chip.speed(config.precision) * share
    return speed.to("TFLOP/(s*accelerator)").named("training.speed", "dense peak x utilisation")


def needed(config: TrainingConfig, ask: Ask, hours: Estimate) -> Estimate:
    """Accelerators that the deadline asks for; without a deadline those of the stack."""
    if config.deadline_days is None:
        return ask["stack_accelerators"]
    deadline = stated(ask, "training", config, "deadline_days", "day")
    return ceil((hours / deadline).to("accelerator")).named(
        "training.accelerators_for_deadline", "accelerator_hours / deadline"
    )


@dataclass(frozen=True)
class Memory:
    """Bytes on one accelerator."""

    states: Estimate
    """Weights, gradients and optimiser state."""
    activations: Estimate
    """Values kept for the backward pass of the sequences in flight."""


def memory(config: TrainingConfig, ask: Ask, facts: Catalogue, samples: int = 0) -> Memory:
    """Bytes on one accelerator, GB/accelerator.

    bf16 weights are whole on every data-parallel rank; gradients and optimiser state are sharded
    over all of them (Rajbhandari et al. 2019, ZeRO-2). One sequence a stage is in flight in each
    of the p stages that hold 1/p of the layers, so activations divide by tensor and context
    parallel ranks only (Korthikanti et al. 2022, arXiv:2205.05198, section 4.2).
    """
    each = facts.estimate(f"training.state_bytes.{config.optimiser}", samples)
    tensor, pipeline, context = (
        stated(ask, "training", config, name, "1")
        for name in ("tensor_parallel", "pipeline_parallel", "context_parallel")
    )
    one = given(1.0, "accelerator", "one accelerator", "memory is counted on each")
    whole = given(WORKING_BYTES, "B/parameter", "training.working_bytes", "bf16 weights")
    shards = ask["training_accelerators"]
    held = whole * ask["parameters"] / (tensor * pipeline) / one
    sharded = (each - whole) * ask["parameters"] / shards
    states = (
        (held + sharded)
        .to("GB/accelerator")
        .named(
            "training.state_bytes",
            "weights / (tensor x pipeline) + (states - weights) / accelerators",
        )
    )
    kept = ask["activation_bytes"] / (tensor * context) / one
    kept = kept.to("GB/accelerator").named(
        "training.activation_bytes", "activations of a sequence / (tensor x context)"
    )
    return Memory(states, kept)


def limit(
    config: TrainingConfig,
    ask: Ask,
    facts: Catalogue,
    samples: int = 0,
    *,
    chip: Accelerator,
    usd_per_hour: Estimate | None,
    power: Estimate | None,
    trained: Planned | None = None,
    unplanned: str = "",
) -> LayerPlan:
    """Memory of one accelerator: all that training keeps against what it has, GB/accelerator."""
    if trained is None:
        used = memory(config, ask, facts, samples)
        needs = (used.states + used.activations).named("training.bytes", "states + activations")
        held = {"state_bytes": used.states, "activation_bytes": used.activations}
    else:
        parts = memory_parts(trained)
        needs = total(parts.values()).named("training.bytes", "sum of the parts")
        held = {f"memory_{name}": value for name, value in parts.items()}
    cost = None
    if usd_per_hour is not None:
        cost = (ask["accelerator_hours"] * usd_per_hour).to("USD")
        cost = cost.named("training.cost", "accelerator_hours x usd_per_accelerator_hour")
    details = held | {name: ask[name] for name in _DETAILS if name in ask}
    if trained is None:
        details |= _steps(config, ask)
    else:
        details |= _planned_steps(trained, ask, facts, samples)
    binds = "memory of an accelerator"
    if unplanned and not chip.measured:
        binds += f" (speed from published utilisation: {unplanned})"
    return LayerPlan(
        8, "training", needs, chip.memory, binds, cost, ask["busy_days"], power, details,
        included=True,
    )  # fmt: skip


_DETAILS = (
    "accelerator_hours",
    "training_speed",
    "goodput",
    "between_failures",
    "failures",
    "checkpoint_size",
    "checkpoint_write",
    "checkpoint_interval",
    "spare_accelerators",
)


def _planned_steps(
    trained: Planned, ask: Ask, facts: Catalogue, samples: int
) -> dict[str, Estimate]:
    """Seconds of a step by part, and steps, of the planned layout."""
    parts = step_parts(trained, facts, samples)
    tokens, seconds = step_tokens(trained), ask["step_seconds"]
    return {
        "mfu": ask["training_mfu"],
        "step_seconds": seconds,
        "tokens_per_step": tokens,
        "tokens_per_s": (tokens / seconds).to("token/s").named("training.tokens_per_s"),
        "steps": (ask["train_tokens"] / tokens).named("training.steps"),
        "layout_accelerators": layout_given(trained),
        "accelerator_power": step_watts(trained, facts, samples),
    } | {f"step_{name}": value for name, value in parts.items()}


def _steps(config: TrainingConfig, ask: Ask) -> dict[str, Estimate]:
    """Seconds and number of optimiser steps, where the stack states the batch."""
    if config.batch_tokens == 0:
        return {}
    batch = stated(ask, "training", config, "batch_tokens", "token/step")
    flop = ask["train_flop_per_token"] * batch
    speed = ask["training_speed"] * ask["training_accelerators"]
    return {
        "steps": (ask["train_tokens"] / batch).named("training.steps"),
        "step_seconds": (flop / speed).to("s/step").named("training.step_seconds"),
        "tokens_per_s": (batch / (flop / speed)).to("token/s").named("training.tokens_per_s"),
    }
