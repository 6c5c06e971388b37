"""Attention and decode: the shares of peak and bandwidth that published kernels reach."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from groundup.chips.catalogue import chip, figure, needs_law
from groundup.chips.gemm import matmul_speed
from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.facts.estimate import Estimate, given, maximum


def attention_share(
    name: str, facts: Catalogue, samples: int = 0, kernel: str = ""
) -> tuple[Estimate, str]:
    """Share of the dense peak in a long forward pass, and the kernel; 16-bit unless it says fp8.

    Without `kernel` the best 16-bit one on record for the chip's die. NoDataError where there is
    none: a kernel's share does not carry over from one die to the next (FlashAttention-2 fell from
    0.73 on the A100 to 0.35 on the H100).
    """
    prefix = f"chips.attention.{chip(name).die}."
    there = {key.removeprefix(prefix): facts[key].value for key in facts.keys(prefix)}
    usual = {word: share for word, share in there.items() if not word.endswith("fp8")}
    word = kernel or max(usual, key=lambda one: usual[one], default="")
    if word not in there:
        raise NoDataError(
            f"no attention kernel {kernel or 'measured'} for {name} "
            f"(die {chip(name).die or 'not on record'}); there is: {', '.join(there) or 'none'}"
        )
    return facts.estimate(prefix + word, samples), word


def attention_speed(name: str, facts: Catalogue, samples: int = 0, kernel: str = "") -> Estimate:
    """FLOP/s of attention over long sequences, TFLOP/(s*accelerator)."""
    share, word = attention_share(name, facts, samples, kernel)
    number_format = "fp8" if word.endswith("fp8") else "bf16"
    peak = figure(name, f"peak.{number_format}.dense", facts, samples)
    return (peak * share).named("chips.attention_speed", f"peak x share of {word}")


@dataclass(frozen=True)
class Decoding:
    """One decode step on one accelerator: each of `batch` sequences gets one token."""

    weight_bytes: float
    """Weights read in a step."""
    layers: int
    """Layers, each with its own launches."""
    parameters: float
    """Active parameters: two operations each and token."""
    batch: ArrayLike = 1.0
    """Sequences; a number or an array of R (then R rows)."""
    cache_bytes: float = 0.0
    """Key-value cache read for one sequence in a step."""
    number_format: str = "bf16"
    """Format of the arithmetic."""
    engine: bool = False
    """Whether a serving engine schedules the sequences, which costs time for each of them."""


def decode_time(name: str, step: Decoding, facts: Catalogue, samples: int = 0) -> Estimate:
    """Seconds of one decode step: memory (or arithmetic, if longer) plus a cost for every layer.

    time = max(bytes / (share x bandwidth), operations / matmul speed) + layers x overhead, the
    share and the overhead fitted to seven published rows (facts `chips.decode.*`). Arithmetic is
    left out where no power is on record; it is small below the ridge point. NoDataError for a chip
    whose family the share was not fitted on.
    """
    needs_law(name, "decoding")
    batch = given(step.batch, "1", "batch", "asked for")
    one = given(1.0, "accelerator", "one accelerator")
    weights = given(step.weight_bytes, "B", "weights")
    moved = weights + given(step.cache_bytes, "B", "cache of a sequence") * batch
    stream = figure(name, "bandwidth", facts, samples) * one
    stream = stream * facts.estimate("chips.decode.bandwidth_share", samples)
    busy = (moved / stream).to("s")
    work = given(2 * step.parameters, "FLOP", "operations of a token") * batch
    try:
        speed = matmul_speed(name, step.number_format, facts, samples) * one
        busy = maximum(busy, (work / speed).to("s"))
    except NoDataError:
        pass  # said above: memory alone is the answer then
    layers = given(float(step.layers), "1", "layers")
    overhead = (layers * facts.estimate("chips.decode.per_layer", samples)).to("s")
    formula = "longer of bytes / rate and operations / speed, plus layers x overhead"
    if step.engine:
        each = facts.estimate("chips.decode.per_sequence", samples)
        overhead = overhead + (batch * each).to("s")
        formula += ", plus sequences x engine time"
    return (busy + overhead).named("chips.decode_time", formula)


def decode_bandwidth(name: str, step: Decoding, facts: Catalogue, samples: int = 0) -> Estimate:
    """Share of the memory bandwidth that a decode step reaches (0 to 1)."""
    moved = given(step.weight_bytes, "B", "weights")
    moved = moved + given(step.cache_bytes, "B", "cache") * given(step.batch, "1", "batch")
    one = given(1.0, "accelerator", "one accelerator")
    ideal = moved / (figure(name, "bandwidth", facts, samples) * one)
    share = ideal.to("s") / decode_time(name, step, facts, samples)
    return share.named("chips.decode_bandwidth", "bytes / bandwidth / time")
