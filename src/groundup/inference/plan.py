"""Floor 12 in the plan: calls become prefill and decode work, replicas and accelerators."""

from __future__ import annotations

from dataclasses import dataclass

from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Estimate, ceil, given, maximum, minimum
from groundup.facts.layer import Ask, LayerPlan
from groundup.facts.stated import stated
from groundup.inference.config import InferenceConfig
from groundup.models import count
from groundup.models.count import ModelShape
from groundup.models.plan import counted
from groundup.systems.accelerator import Accelerator

WEIGHT_BYTES = {"none": 2.0, "int8": 1.0, "fp8": 1.0}
"""Bytes of a served weight: bf16, or one byte (scales of int8 rows are below 1 %)."""


@dataclass(frozen=True)
class Replica:
    """One copy of the model and what it does in a second."""

    fits: bool
    """Whether weights and one whole call fit its memory."""
    memory: Estimate
    """Memory that may hold weights and cache, GB."""
    batch: Estimate
    """Calls decoded together."""
    step: Estimate
    """Seconds of one decoding step: the time between two tokens of an answer."""
    prefill: Estimate
    """Seconds to read one prompt: the time to the first token without a queue."""
    tokens_per_s: Estimate
    """Answer tokens a second of the replica, prompts read in between."""
    slowest: str
    """The largest part of a step."""


def demand(
    config: InferenceConfig,
    ask: Ask,
    facts: Catalogue,
    samples: int = 0,
    *,
    shape: ModelShape,
    chip: Accelerator,
) -> Ask:
    """Tokens a second, and the accelerators that serve the busiest hour.

    Hands down `served_weight_bytes`, `kv_bytes_per_token`, `output_tokens_per_s`,
    `peak_output_tokens_per_s`, `replicas` and `serving_accelerators`.
    """
    ask = _tokens(config, ask, shape)
    replica = one_replica(config, ask, facts, samples, shape=shape, chip=chip)
    each = stated(ask, "inference", config, "accelerators_per_replica", "accelerator/replica")
    one = given(1.0, "replica", "one replica", "one copy of the model serves at least")
    busy = (ask["peak_output_tokens_per_s"] / replica.tokens_per_s).to("1") * one
    replicas = maximum(ceil(busy), one).named(
        "inference.replicas", "ceil(peak_output_tokens_per_s / tokens_per_s of a replica)"
    )
    return ask.with_(
        replicas=replicas,
        serving_accelerators=(replicas * each).named("inference.serving_accelerators"),
    )


def _tokens(config: InferenceConfig, ask: Ask, shape: ModelShape) -> Ask:
    prompt = stated(ask, "inference", config, "prompt_tokens", "token/question")
    output = stated(ask, "inference", config, "output_tokens", "token/question")
    mean, peak = ask["calls_per_s"] * output, ask["peak_calls_per_s"] * output
    weights = count.weight_bytes(shape, WEIGHT_BYTES[config.quantise])
    label = f"inference.served_weight_bytes ({config.quantise})"
    return ask.with_(
        prompt_tokens=prompt,
        output_tokens=output,
        output_tokens_per_s=mean.to("token/s").named("inference.output_tokens_per_s"),
        peak_output_tokens_per_s=peak.to("token/s").named("inference.peak_output_tokens_per_s"),
        input_tokens_per_s=(ask["calls_per_s"] * prompt)
        .to("token/s")
        .named("inference.input_tokens_per_s"),
        served_weight_bytes=counted(shape, weights, "B", label),
        kv_bytes_per_token=counted(
            shape, count.kv_bytes_per_token(shape), "B/token", "inference.kv_bytes_per_token"
        ),
    )


def one_replica(
    config: InferenceConfig,
    ask: Ask,
    facts: Catalogue,
    samples: int = 0,
    *,
    shape: ModelShape,
    chip: Accelerator,
) -> Replica:
    """Memory, batch, step and throughput of one replica.

    A cycle reads the prompts of a batch and decodes its answers:
    tokens/s = batch x output / (batch x prefill + output x step).
    """
    width = _width(config, ask)
    memory = (chip.memory * width * facts.estimate("inference.memory_share", samples)).to("GB")
    memory = memory.named("inference.replica_memory", "memory x accelerators x usable share")
    prompt, output = ask["prompt_tokens"], ask["output_tokens"]
    call = (ask["kv_bytes_per_token"] * (prompt + output)).named("inference.cache_per_call")
    room = (memory - ask["served_weight_bytes"]).to("GB") / call
    fits = room.value >= 1.0
    asked = stated(ask, "inference", config, "batch", "question")
    one = given(1.0, "question", "one call", "a batch holds at least one")
    batch = maximum(minimum(asked, room), one).named(
        "inference.batch_in_memory", "min(batch, (memory - weights) / cache_per_call)"
    )
    step, slowest = decode_step(config, ask, facts, samples, shape=shape, chip=chip, batch=batch)
    read = prefill_seconds(config, ask, facts, samples, shape=shape, chip=chip)
    cycle = batch * read + output * one * step
    rate = (
        (batch * output / cycle)
        .to("token/s")
        .named(
            "inference.tokens_per_s_of_a_replica",
            "batch x output / (batch x prefill + output x step)",
        )
    )
    return Replica(fits, memory, batch, step, read, rate, slowest)


def _width(config: InferenceConfig, ask: Ask) -> Estimate:
    return stated(ask, "inference", config, "accelerators_per_replica", "accelerator")


def _speed(config: InferenceConfig, chip: Accelerator) -> Estimate:
    """Peak of the products: fp8 where weights and activations are fp8, else bf16."""
    return chip.speed("fp8" if config.quantise == "fp8" else "bf16")


def decode_step(
    config: InferenceConfig,
    ask: Ask,
    facts: Catalogue,
    samples: int = 0,
    *,
    shape: ModelShape,
    chip: Accelerator,
    batch: Estimate,
) -> tuple[Estimate, str]:
    """Seconds between two tokens of an answer (per token), and the largest part of them.

    Bytes of weights and cache over bandwidth, FLOPs over peak, and times per layer and per call,
    fitted to published measurements; on this machine, which the fit does not cover, the roofline
    times its measured slow-down.
    """
    width = _width(config, ask)
    seen = ask["prompt_tokens"] + ask["output_tokens"] / 2.0
    moved = ask["served_weight_bytes"] + batch * ask["kv_bytes_per_token"] * seen
    flop = counted(
        shape,
        count.flops_per_token(shape, 1),
        "FLOP/token",
        "models.forward_flop_per_token without attention",
    )
    one = given(1.0, "token/question", "one token", "a step makes one token for each call")
    bytes_time = (moved / (chip.bandwidth * width)).to("s")
    flop_time = (flop * batch * one / (_speed(config, chip) * width)).to("s")
    if chip.measured:
        slow = facts.estimate("inference.step.roofline_slowdown", samples)
        step = slow * maximum(bytes_time, flop_time)
        formula = "slow-down x max(bytes moved / bandwidth, FLOP / peak)"
        name = "memory bandwidth" if bytes_time.value > flop_time.value else "matrix products"
    else:
        parts = {
            "memory bandwidth": bytes_time * facts.estimate("inference.step.memory", samples),
            "matrix products": flop_time * facts.estimate("inference.step.compute", samples),
            "launches and all-reduces": (
                ask_layers(shape) * facts.estimate("inference.step.per_layer", samples)
            ).to("s"),
            "scheduling": (batch * facts.estimate("inference.step.per_request", samples)).to("s"),
        }
        first, *rest = parts.values()
        step = sum(rest, start=first) * facts.estimate("inference.step.residual", samples)
        formula = "residual x (bytes / bandwidth + FLOP / peak + layers x each + batch x each)"
        name = max(parts, key=lambda part: parts[part].value)
    per_token = given(1.0, "token", "one token of each call", "a step makes one token a call")
    return (step / per_token).named("inference.step_seconds", formula), name


def ask_layers(shape: ModelShape) -> Estimate:
    """Layers of the shape as an estimate."""
    return counted(shape, shape.layers, "layer", "models.layers")


def prefill_seconds(
    config: InferenceConfig,
    ask: Ask,
    facts: Catalogue,
    samples: int = 0,
    *,
    shape: ModelShape,
    chip: Accelerator,
) -> Estimate:
    """Seconds to read one prompt: forward FLOPs of its tokens over peak x prefill utilisation."""
    tokens = ask["prompt_tokens"]
    flop = counted(
        shape,
        count.flops_per_token(shape, int(tokens.value)),
        "FLOP/token",
        f"models.forward_flop_per_token at {int(tokens.value)} tokens",
    )
    share = facts.estimate("inference.prefill_mfu", samples)
    speed = _speed(config, chip) * _width(config, ask) * share
    return (flop * tokens / speed).to("s/question").named("inference.prefill_seconds")


def limit(
    config: InferenceConfig,
    ask: Ask,
    facts: Catalogue,
    samples: int = 0,
    *,
    shape: ModelShape,
    chip: Accelerator,
    usd_per_hour: Estimate | None,
    watts: Estimate | None,
) -> LayerPlan:
    """Answer tokens a second in the busiest hour against what all accelerators of the stack serve.

    `usd_per_hour` is the cost of one accelerator-hour, `watts` the site's power for each.
    """
    replica = one_replica(config, ask, facts, samples, shape=shape, chip=chip)
    needs = ask["peak_output_tokens_per_s"]
    copies = (ask["stack_accelerators"] / _width(config, ask)).to("1")
    if replica.fits:
        there = (copies * replica.tokens_per_s).named(
            "inference.fleet_tokens_per_s", "accelerators / accelerators_per_replica x tokens_per_s"
        )
        binds = replica.slowest
    else:
        there = given(0.0, "token/s", "inference.fleet_tokens_per_s", "the model does not fit")
        binds = "memory of a replica: the weights do not fit"
    details = _details(ask, replica)
    cost = _cost(ask, replica, details, usd_per_hour)
    power = None
    if watts is not None:
        power = (watts * ask["serving_accelerators"]).to("kW").named("inference.power")
    one = given(1.0, "question", "one call", "time of one call without a queue")
    answer = ((replica.prefill + ask["output_tokens"] * replica.step) * one).to("s")
    answer = answer.named("inference.answer_seconds", "prefill + output_tokens x step")
    return LayerPlan(
        12, "inference", needs, there, binds, cost, answer, power, details, included=True
    )


def _details(ask: Ask, replica: Replica) -> dict[str, Estimate]:
    return {
        "replicas": ask["replicas"],
        "serving_accelerators": ask["serving_accelerators"],
        "replica_memory": replica.memory,
        "batch_in_memory": replica.batch,
        "time_to_first_token": replica.prefill,
        "time_per_token": replica.step,
        "tokens_per_s_of_a_replica": replica.tokens_per_s,
        "tokens_per_year": ask["output_tokens_per_s"].to("token/year"),
    }


def _cost(
    ask: Ask, replica: Replica, details: dict[str, Estimate], usd_per_hour: Estimate | None
) -> Estimate | None:
    """Money a year for the serving fleet; adds dollars per million tokens to the details."""
    if usd_per_hour is None:
        return None
    yearly = (ask["serving_accelerators"] * usd_per_hour).to("USD/year").named("inference.cost")
    if ask["output_tokens_per_s"].value > 0:
        details["usd_per_million_tokens"] = (
            (yearly / ask["output_tokens_per_s"])
            .to("USD/Mtoken")
            .named("inference.usd_per_million_tokens", "fleet cost / answer tokens at mean load")
        )
    width = (ask["serving_accelerators"] / ask["replicas"]).to("accelerator/replica")
    one = given(1.0, "replica", "one replica", "cost of one copy at full load")
    full = width * one * usd_per_hour / replica.tokens_per_s
    details["usd_per_million_tokens_full"] = full.to("USD/Mtoken").named(
        "inference.usd_per_million_tokens_full", "one replica's cost / its tokens at full load"
    )
    return yearly
