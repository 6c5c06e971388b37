"""Floor 12 in the plan: calls become prefill and decode work, replicas and accelerators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from groundup.chips import catalogue as chips
from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Estimate, ceil, derived, given, maximum, minimum
from groundup.facts.layer import Ask, LayerPlan
from groundup.facts.stated import stated
from groundup.inference import here
from groundup.inference.capacity import cached_numbers, weight_bytes
from groundup.inference.config import InferenceConfig
from groundup.inference.disaggregation import apart
from groundup.inference.energy import joules_per_token
from groundup.inference.formats import format_of
from groundup.inference.planned import Serving, served_model, serving_of, step_estimate
from groundup.inference.speculation import speculative
from groundup.inference.steady import chunked, steady
from groundup.models.plan import Model, counted
from groundup.systems.accelerator import Accelerator


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
    """Mean seconds between two tokens of an answer, s/token."""
    prefill: Estimate
    """Time to the first token without a queue, s/question."""
    tokens_per_s: Estimate
    """Answer tokens a second of the replica, prompts read in between."""
    slowest: str
    """The largest part of a step."""
    prompt_share: Estimate | None = None
    """Share of the replica's time that prompts take; None on this machine."""
    details: Mapping[str, Estimate] = field(default_factory=dict)
    """Further quantities by name."""


def demand(
    config: InferenceConfig,
    ask: Ask,
    facts: Catalogue,
    samples: int = 0,
    *,
    shape: Model,
    chip: Accelerator,
) -> Ask:
    """Tokens a second, and the accelerators that serve the busiest hour.

    Hands down `served_weight_bytes`, `kv_bytes_per_token`, `output_tokens_per_s`,
    `peak_output_tokens_per_s`, `replicas` and `serving_accelerators`.
    """
    ask = _tokens(config, ask, facts, samples, shape, chip)
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


def _tokens(
    config: InferenceConfig,
    ask: Ask,
    facts: Catalogue,
    samples: int,
    shape: Model,
    chip: Accelerator,
) -> Ask:
    prompt = stated(ask, "inference", config, "prompt_tokens", "token/question")
    output = stated(ask, "inference", config, "output_tokens", "token/question")
    mean, peak = ask["calls_per_s"] * output, ask["peak_calls_per_s"] * output
    ask = ask.with_(prompt_tokens=prompt, output_tokens=output)
    served = served_model(shape)
    weights = served.parameters * format_of(config.quantise).bytes_each
    if not chip.measured:
        engine = serving_of(config, ask, facts, samples, shape, chip).engine
        weights = float(np.ravel(weight_bytes(engine))[0])
    label = f"inference.served_weight_bytes ({config.quantise})"
    cached = cached_numbers(served, prompt.value + output.value)
    each = format_of(config.kv_format).bytes_each / (prompt.value + output.value)
    return ask.with_(
        output_tokens_per_s=mean.to("token/s").named("inference.output_tokens_per_s"),
        peak_output_tokens_per_s=peak.to("token/s").named("inference.peak_output_tokens_per_s"),
        input_tokens_per_s=(ask["calls_per_s"] * prompt)
        .to("token/s")
        .named("inference.input_tokens_per_s"),
        served_weight_bytes=counted(shape, weights, "B", label),
        kv_bytes_per_token=counted(
            shape, float(cached) * each, "B/token", "inference.kv_bytes_per_token"
        ),
    )


def one_replica(
    config: InferenceConfig,
    ask: Ask,
    facts: Catalogue,
    samples: int = 0,
    *,
    shape: Model,
    chip: Accelerator,
) -> Replica:
    """Memory, batch, step and throughput of one replica under steady load.

    `groundup.inference.steady` has the formulas; on this machine a cycle reads the prompts of a
    batch and decodes its answers: batch x output / (batch x prefill + output x step).
    """
    width = _width(config, ask)
    memory = (chip.memory * width * facts.estimate("inference.memory_share", samples)).to("GB")
    memory = memory.named("inference.replica_memory", "memory x accelerators x usable share")
    serving = None if chip.measured else serving_of(config, ask, facts, samples, shape, chip)
    room = ((memory - ask["served_weight_bytes"]).to("GB") / _call(ask, serving)).named(
        "inference.most_in_memory", "(memory - weights) / cache_per_call"
    )
    asked = stated(ask, "inference", config, "batch", "question")
    one = given(1.0, "question", "one call", "a batch holds at least one")
    batch = maximum(minimum(asked, room), one).named(
        "inference.batch_in_memory", "min(batch, (memory - weights) / cache_per_call)"
    )
    fits = room.value >= 1.0
    if serving is None:
        return _here(ask, facts, samples, shape, chip, width, Replica(
            fits, memory, batch, batch, batch, batch, "", None, {"most_in_memory": room}
        ))  # fmt: skip
    return _steady(config, ask, facts, samples, chip, serving, memory, room, batch, fits)


def _call(ask: Ask, serving: Serving | None) -> Estimate:
    """Bytes that one whole call keeps, copies of heads counted."""
    tokens = ask["prompt_tokens"] + ask["output_tokens"]
    plain = (ask["kv_bytes_per_token"] * tokens).named("inference.cache_per_call")
    if serving is None:
        return plain
    copies = float(np.maximum(1.0, serving.engine.tensor / serving.engine.served.cache_heads))
    if copies == 1.0:
        return plain
    return (plain * copies).named("inference.cache_per_call", "tokens x bytes x copies of heads")


def _here(
    ask: Ask,
    facts: Catalogue,
    samples: int,
    shape: Model,
    chip: Accelerator,
    width: Estimate,
    known: Replica,
) -> Replica:
    """Step, prefill and throughput of this machine."""
    batch, output = known.batch, ask["output_tokens"]
    step, slowest = here.decode_step(ask, facts, samples, shape, chip, batch, width)
    read = here.prefill_seconds(ask, facts, samples, shape, chip, width)
    one = given(1.0, "question", "one call", "a batch holds at least one")
    rate = (batch * output / (batch * read + output * one * step)).to("token/s")
    rate = rate.named(
        "inference.tokens_per_s_of_a_replica",
        "batch x output / (batch x prefill + output x step)",
    )
    return replace(known, step=step, prefill=read, tokens_per_s=rate, slowest=slowest)


def _steady(
    config: InferenceConfig,
    ask: Ask,
    facts: Catalogue,
    samples: int,
    chip: Accelerator,
    serving: Serving,
    memory: Estimate,
    room: Estimate,
    batch: Estimate,
    fits: bool,
) -> Replica:
    """A replica of accelerators that the laws of a step were fitted for."""
    engine, traffic = serving.engine, serving.traffic
    found = steady(engine, batch.samples, traffic)
    step, slowest = step_estimate(
        config, found.parts, ask, facts, samples, chip, batch, engine.served.experts > 0
    )
    plain = found.step
    first, longest = chunked(engine, batch.samples, traffic, float(config.chunk_tokens))
    share = (plain - found.decode) / plain
    rate = found.tokens_per_s
    formula = "batch / mean step, prompts read inside the steps"
    if config.disaggregated:
        both = apart(serving.prefill, engine, batch.samples, traffic)
        rate, first, longest = both.tokens_per_s * engine.ranks, both.first, both.between
        ratio = both.between / plain
        step = _derived(np.ravel(ratio), samples, "1", "inference.decode_share",
                        "step without prompts / mean step", (step,)) * step  # fmt: skip
        formula = "answer tokens of matched prefill and decode replicas / their accelerators"
    gain = _gain(config, engine, batch, traffic.context, samples)
    if gain is not None:
        step, rate = step / gain, rate * gain.samples
    step = step.named("inference.step_seconds", "sum of the parts of a mean step")
    inputs = (batch, step)
    read = _derived(first, samples, "s/question", "inference.prefill_seconds",
                    "wait for a step + pieces of the prompt", inputs)  # fmt: skip
    tokens_per_s = _derived(rate, samples, "token/s", "inference.tokens_per_s_of_a_replica",
                            formula, inputs)  # fmt: skip
    details = {
        "most_in_memory": room,
        "longest_time_between_tokens": _derived(
            longest, samples, "s/token", "inference.longest_step", "a step with a prompt's piece",
            inputs),
        "median_time_between_tokens": _derived(
            found.median, samples, "s/token", "inference.median_step",
            "most steps read no prompt where fewer than ln 2 calls begin in a step", inputs),
    }  # fmt: skip
    if f"chips.{chip.name}.tdp" in facts:
        tdp = chips.figure(chip.name, "tdp", facts, samples)
        joules = joules_per_token(found, engine, chip.name, facts, samples)
        details["energy_per_token"] = _derived(
            joules, samples, "J/token", "inference.joules_per_token",
            "design power x share by the parts of a step / tokens a second", (tdp, tokens_per_s),
        )  # fmt: skip
    prompts = _derived(share, samples, "1", "inference.prompt_share",
                       "what prompts add to a mean step / mean step", inputs)  # fmt: skip
    return Replica(fits, memory, batch, step, read, tokens_per_s, slowest, prompts, details)


def _gain(
    config: InferenceConfig, engine: object, batch: Estimate, context: object, samples: int
) -> Estimate | None:
    """Tokens a second with guesses over those without; None without guesses."""
    if not config.guesses:
        return None
    found = speculative(
        engine, batch.samples, context, config.acceptance, config.guesses, config.guess_cost,  # type: ignore[arg-type]
    )  # fmt: skip
    formula = f"{config.guesses} guesses, each accepted with {config.acceptance:g}"
    return _derived(found.gain, samples, "1", "inference.guessing_gain", formula, (batch,))


def _derived(
    values: object, samples: int, unit: str, label: str, formula: str, inputs: tuple[Estimate, ...]
) -> Estimate:
    draws = np.array(np.broadcast_to(np.ravel(np.asarray(values, float)), (samples + 1,)))
    return derived(draws, unit, label, formula, inputs, "groundup.inference.steady")


def _width(config: InferenceConfig, ask: Ask) -> Estimate:
    return stated(ask, "inference", config, "accelerators_per_replica", "accelerator")


def limit(
    config: InferenceConfig,
    ask: Ask,
    facts: Catalogue,
    samples: int = 0,
    *,
    shape: Model,
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
    answer = answer.named("inference.answer_seconds", "first token + output_tokens x step")
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
        **replica.details,
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
    full = (width * one * usd_per_hour / replica.tokens_per_s).to("USD/Mtoken")
    full = full.named(
        "inference.usd_per_million_tokens_full", "one replica's cost / its tokens at full load"
    )
    details["usd_per_million_tokens_full"] = full
    if replica.prompt_share is not None:
        details |= _by_kind(ask, full, replica.prompt_share)
    return yearly


def _by_kind(ask: Ask, full: Estimate, share: Estimate) -> dict[str, Estimate]:
    """Cost of prompt tokens and of answer tokens apart, by the time that each kind takes."""
    answers = ask["output_tokens"] / ask["prompt_tokens"]
    return {
        "usd_per_million_input_tokens": (full * share * answers).named(
            "inference.usd_per_million_input_tokens",
            "full cost x share of time for prompts x answer tokens / prompt tokens",
        ),
        "usd_per_million_output_tokens": (full * (1.0 - share)).named(
            "inference.usd_per_million_output_tokens", "full cost x share of time for answers"
        ),
    }
