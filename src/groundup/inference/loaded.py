"""A replica of accelerators under steady load, as estimates that say how they follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike

from groundup.chips import catalogue as chips
from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Array, Estimate, derived
from groundup.facts.layer import Ask
from groundup.inference.config import InferenceConfig
from groundup.inference.disaggregation import apart
from groundup.inference.energy import joules_per_token
from groundup.inference.planned import Serving, step_estimate
from groundup.inference.speculation import speculative
from groundup.inference.steady import Steady, chunked, steady
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


@dataclass(frozen=True)
class _Pace:
    """How fast a replica goes."""

    between: Array
    """Mean seconds between tokens."""
    median: Array
    """Median seconds between tokens."""
    longest: Array
    """Seconds of a step with a piece of a prompt."""
    first: Array
    """Seconds to the first token without a queue."""
    rate: Array
    """Answer tokens a second."""
    formula: str
    """How the rate follows."""


def loaded(
    config: InferenceConfig,
    ask: Ask,
    facts: Catalogue,
    samples: int,
    chip: Accelerator,
    serving: Serving,
    known: Replica,
) -> Replica:
    """Step, first token and throughput of a replica whose memory and batch are known."""
    engine, batch = serving.engine, known.batch
    found = steady(engine, batch.samples, serving.traffic)
    pace = _pace(config, serving, batch, found)
    step, slowest = step_estimate(
        config, found.parts, ask, facts, samples, chip, batch, engine.served.experts > 0
    )
    if config.disaggregated:
        step = _derived(pace.between / found.step, samples, "1", "inference.decode_share",
                        "step without prompts / mean step", (step,)) * step  # fmt: skip
    gain = _gain(config, serving, batch, samples)
    rate = pace.rate
    if gain is not None:
        step, rate = step / gain, rate * gain.samples
    step = step.named("inference.step_seconds", "sum of the parts of a mean step")
    made = _derived(rate, samples, "token/s", "inference.tokens_per_s_of_a_replica",
                    pace.formula, (batch, step))  # fmt: skip
    return replace(
        known, step=step, tokens_per_s=made, slowest=slowest,
        prefill=_derived(pace.first, samples, "s/question", "inference.prefill_seconds",
                         "wait for a step + pieces of the prompt", (batch, step)),
        prompt_share=_derived((found.step - found.decode) / found.step, samples, "1",
                              "inference.prompt_share",
                              "what prompts add to a mean step / mean step", (batch, step)),
        details={**known.details, **_details(pace, samples, (batch, step)),
                 **_energy(serving, found, made, facts, samples, chip)},
    )  # fmt: skip


def _pace(config: InferenceConfig, serving: Serving, batch: Estimate, found: Steady) -> _Pace:
    engine, traffic = serving.engine, serving.traffic
    if config.disaggregated:
        both = apart(serving.prefill, engine, batch.samples, traffic)
        return _Pace(
            both.between, both.between, both.between, both.first, both.tokens_per_s * engine.ranks,
            "answer tokens of matched prefill and decode replicas / their accelerators",
        )  # fmt: skip
    first, longest = chunked(engine, batch.samples, traffic, float(config.chunk_tokens))
    return _Pace(
        found.step, found.median, longest, first, found.tokens_per_s,
        "batch / mean step, prompts read inside the steps",
    )  # fmt: skip


def _details(pace: _Pace, samples: int, inputs: tuple[Estimate, ...]) -> dict[str, Estimate]:
    return {
        "longest_time_between_tokens": _derived(
            pace.longest, samples, "s/token", "inference.longest_step",
            "a step with a piece of a prompt", inputs),
        "median_time_between_tokens": _derived(
            pace.median, samples, "s/token", "inference.median_step",
            "most steps read no prompt where fewer than ln 2 calls begin in a step", inputs),
    }  # fmt: skip


def _energy(
    serving: Serving,
    found: Steady,
    rate: Estimate,
    facts: Catalogue,
    samples: int,
    chip: Accelerator,
) -> dict[str, Estimate]:
    """Joules of an answer token, where the accelerator's design power is on record."""
    if f"chips.{chip.name}.tdp" not in facts:
        return {}
    tdp = chips.figure(chip.name, "tdp", facts, samples)
    joules = joules_per_token(found, serving.engine, chip.name, facts, samples)
    formula = "design power x share by the parts of a step / tokens a second"
    label = "inference.joules_per_token"
    return {"energy_per_token": _derived(joules, samples, "J/token", label, formula, (tdp, rate))}


def _gain(
    config: InferenceConfig, serving: Serving, batch: Estimate, samples: int
) -> Estimate | None:
    """Tokens a second with guesses over those without; None without guesses."""
    if not config.guesses:
        return None
    found = speculative(
        serving.engine, batch.samples, serving.traffic.context, config.acceptance,
        config.guesses, config.guess_cost,
    )  # fmt: skip
    formula = f"{config.guesses} guesses, each accepted with {config.acceptance:g}"
    return _derived(found.gain, samples, "1", "inference.guessing_gain", formula, (batch,))


def _derived(
    values: ArrayLike, samples: int, unit: str, label: str, formula: str,
    inputs: tuple[Estimate, ...],
) -> Estimate:  # fmt: skip
    draws = np.array(np.broadcast_to(np.ravel(np.asarray(values, float)), (samples + 1,)))
    return derived(draws, unit, label, formula, inputs, "groundup.inference.steady")
