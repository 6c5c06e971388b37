"""What the serving page of the report shows, as plain data."""

from __future__ import annotations

import numpy as np

from groundup.chips.catalogue import THIS_MACHINE
from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.facts.figures import Bar, Bars, Curves, Figure, Line
from groundup.facts.layer import Ask
from groundup.inference.capacity import cache_room, most_sequences, weight_bytes
from groundup.inference.config import InferenceConfig
from groundup.inference.formats import format_of
from groundup.inference.replica import Engine, engine_of
from groundup.inference.served import served_of
from groundup.inference.steady import Traffic, steady, traffic_of
from groundup.models.published import published

_MODEL = "Llama-3.1-70B"
_CHIP = "h100-sxm"
_WIDTHS = (1, 2, 4, 8)
_BATCHES = (1, 4, 16, 64, 256)
_MANY = np.geomspace(1.0, 2048.0, 45)
_SHOWN = ("Llama-3.1-8B", "Llama-3.1-70B", "Llama-3.1-405B", "Qwen3-32B", "Qwen3-235B-A22B",
          "gpt-oss-120b", "DeepSeek-V3", "Kimi-K2")  # fmt: skip
_SEEN = 8192.0
"""Tokens of the sequences whose caches are compared."""


def figures(
    config: InferenceConfig, ask: Ask, facts: Catalogue, samples: int = 0
) -> tuple[Figure, ...]:
    """Speed against throughput, parts of a step, cost against load, memory, caches of models.

    Shown for a published model on the plan's accelerator, or on an H100 where the laws of a step or
    a figure are missing for it, with the stack's lengths of prompts and answers.
    """
    chip = _chip(ask, facts)
    traffic = traffic_of(
        facts, float(config.prompt_tokens), float(config.output_tokens), config.prefix_hit_rate
    )
    return (
        front(chip, traffic, facts), parts_of_a_step(chip, traffic, facts),
        cost_by_load(chip, traffic, facts), memory(chip, facts), caches(),
    )  # fmt: skip


def _chip(ask: Ask, facts: Catalogue) -> str:
    if ask.accelerator == THIS_MACHINE:
        return _CHIP
    try:
        _engine(ask.accelerator, 8, facts)
    except NoDataError:
        return _CHIP
    return ask.accelerator


def _engine(chip: str, width: int, facts: Catalogue, samples: int = 0) -> Engine:
    kind = "fp8" if f"chips.{chip}.peak.fp8.dense" in facts else "int8"
    return engine_of(
        published(_MODEL), chip, facts, tensor=width, weight_format=kind, samples=samples
    )


def front(chip: str, traffic: Traffic, facts: Catalogue) -> Curves:
    """Tokens a second of a user against those of an accelerator, over batch and ranks."""
    lines = []
    for width in _WIDTHS:
        engine = _engine(chip, width, facts)
        most = float(np.ravel(most_sequences(engine, traffic.context))[0])
        batches = _MANY[most >= _MANY]
        if not batches.size:
            continue
        found = steady(engine, batches, traffic)
        user, each = 1.0 / found.step, found.tokens_per_s / width
        name = f"{width} accelerator{'s' if width > 1 else ''}"
        lines.append(Line(name, tuple(user.tolist()), tuple(each.tolist())))
    return Curves(
        f"What a user sees against what an accelerator makes: {_MODEL} in 8 bits on {chip}",
        "tokens/s of a user", "tokens/s of an accelerator", tuple(lines), x_log=True, y_log=True,
        note="From right to left the batch grows; more ranks make each user faster and each "
        "accelerator slower. Each line ends where memory is full.",
    )  # fmt: skip


def parts_of_a_step(chip: str, traffic: Traffic, facts: Catalogue) -> Bars:
    """The mean time between tokens by part, for some batches."""
    engine, bars = _engine(chip, 4, facts), []
    for batch in _BATCHES:
        found = steady(engine, float(batch), traffic)
        parts = tuple((name, _one(value) * 1e3) for name, value in found.parts.items())
        bars.append(Bar(f"batch {batch}", parts))
    return Bars(
        f"What a token waits for: {_MODEL} in 8 bits on 4 x {chip}", "ms", tuple(bars),
        "Reading weights is the same for every batch until products take longer; the host's time "
        "grows with the sequences.",
    )  # fmt: skip


def cost_by_load(chip: str, traffic: Traffic, facts: Catalogue) -> Curves:
    """Dollars of a million answer tokens against the load of a replica, by ranks."""
    rent = facts["inference.service.rent"].value
    load = np.linspace(0.02, 1.0, 50)
    lines = []
    for width in _WIDTHS:
        engine = _engine(chip, width, facts)
        most = np.minimum(np.ravel(most_sequences(engine, traffic.context))[0], 256.0)
        if most < 1:
            continue
        full = _one(steady(engine, most, traffic).tokens_per_s)
        dollars = rent * width / 3600.0 / (full * load) * 1e6
        name = f"{width} accelerator{'s' if width > 1 else ''}"
        lines.append(Line(name, tuple(load.tolist()), tuple(dollars.tolist())))
    return Curves(
        f"Dollars of a million answer tokens at {rent:g} USD an hour of {chip}", "load",
        "USD/Mtoken", tuple(lines), y_log=True,
        note="Accelerators are paid for whether they work or not; full load is a batch of 256 or "
        "what memory holds.",
    )  # fmt: skip


def memory(chip: str, facts: Catalogue) -> Bars:
    """Weights, caches and rest of a replica's memory, by ranks."""
    bars = []
    for width in _WIDTHS:
        engine = _engine(chip, width, facts)
        whole = _one(engine.memory) * width / 1e9
        weights = min(_one(weight_bytes(engine)) / 1e9, whole)
        cache = max(_one(cache_room(engine)) / 1e9, 0.0)
        rest = whole - weights - cache
        parts = (("weights", weights), ("caches", cache), ("rest", rest))
        bars.append(Bar(f"{width} x {chip}", parts))
    return Bars(
        f"Memory of a replica of {_MODEL} in 8 bits", "GB", tuple(bars),
        "The rest is what the engine leaves to activations, graphs and the driver.",
    )  # fmt: skip


def caches() -> Bars:
    """Bytes that a sequence of 8 192 tokens keeps, by model, in 16 bits."""
    each, bars = format_of("bf16").bytes_each, []
    for name in _SHOWN:
        served = served_of(published(name))
        whole = served.cache_whole * _SEEN * each / 1e9
        near = served.cache_near * min(_SEEN, served.window) * each / 1e9
        state = served.state * each / 1e9
        parts = (("all tokens", whole), ("windows", near), ("states", state))
        bars.append(Bar(name, parts))
    return Bars(
        f"What one sequence of {_SEEN:.0f} tokens keeps in memory", "GB", tuple(bars),
        "Keys and values, or latents (DeepSeek, Kimi), in 16 bits.",
    )  # fmt: skip


def _one(value: object) -> float:
    return float(np.ravel(np.asarray(value, float))[0])
