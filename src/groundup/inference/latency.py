"""Laws of one forward pass of a served model: what a step of decoding or of prefill takes.

A step reads the weights it touches and the caches of its sequences, multiplies, exchanges
activations between its ranks, and waits for launches and for the host. Weights and products
overlap partly: the root of their squares. All functions are numpy and broadcast: batches, engines
of many layouts and draws at once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from groundup.facts.estimate import Array
from groundup.inference.capacity import cache_bytes, cache_room
from groundup.inference.replica import Engine, engine_of

__all__ = [
    "Engine", "cache_bytes", "cache_room", "decode_seconds", "engine_of", "exchange",
    "experts_touched", "parts", "prefill_seconds",
]  # fmt: skip

ACTIVATION_BYTES = 2.0
"""Bytes of an exchanged activation: bf16."""


def decode_seconds(
    engine: Engine, batch: ArrayLike, context: ArrayLike, prefill_tokens: ArrayLike = 0.0
) -> Array:
    """Seconds of one step that makes a token for each of `batch` sequences.

    `context` is the mean number of tokens cached for a sequence; `prefill_tokens` prompt tokens
    ride in the same step (chunked prefill, Agrawal et al. 2023, arXiv:2308.16369).
    """
    found = parts(engine, batch, context, prefill_tokens)
    return np.asarray(sum(found.values()))


def prefill_seconds(
    engine: Engine, tokens: ArrayLike, past: ArrayLike = 0.0, prompts: ArrayLike = 1.0
) -> Array:
    """Seconds of a forward pass over `tokens` prompt tokens of `prompts` equal prompts.

    Each looks at `past` cached tokens besides its own prompt's.
    """
    return np.asarray(sum(parts(engine, 0.0, 0.0, tokens, past, prompts).values()))


def parts(
    engine: Engine,
    batch: ArrayLike,
    context: ArrayLike,
    prefill_tokens: ArrayLike = 0.0,
    past: ArrayLike = 0.0,
    prompts: ArrayLike = 1.0,
    mixed: ArrayLike | None = None,
) -> dict[str, Array]:
    """Seconds of a step by part: weights, products, cache, attention, exchange, launches, host.

    `mixed` is the share of steps that take prompt tokens (1 where there are any): averages over
    many steps have a fraction.
    """
    batch, prompt = np.asarray(batch, float), np.asarray(prefill_tokens, float)
    tokens = batch + prompt
    with_prompt = np.asarray(prompt > 0, float) if mixed is None else np.asarray(mixed, float)
    weights, products = _matrices(engine, tokens)
    served, laws = engine.served, engine.laws
    return {
        "weights": weights,
        "products": products,
        "cache": _cache(engine, batch, np.asarray(context, float)),
        "attention": _prompt_attention(engine, prompt, past, prompts),
        "exchange": exchange(engine, tokens),
        "launches": laws.step
        + laws.layer * served.layers
        + laws.routed_layer * served.routed_layers
        + with_prompt * laws.mixed_layer * served.layers,
        "host": laws.sequence * batch / engine.data + with_prompt * laws.request,
    }


def experts_touched(engine: Engine, tokens: ArrayLike) -> Array:
    """Experts of a layer that at least one of `tokens` tokens passes.

    E (1 - (1 - k/E)^n) for independent choices; `coverage` makes n smaller.
    """
    served = engine.served
    if not served.experts:
        return np.zeros_like(np.asarray(tokens, float))
    choices = np.maximum(np.asarray(tokens, float), 1.0) * engine.laws.coverage
    idle = (1.0 - served.top_k / served.experts) ** np.maximum(choices, 1.0)
    return np.asarray(served.experts * (1.0 - idle))


def _matrices(engine: Engine, tokens: Array) -> tuple[Array, Array]:
    """Seconds of reading weights and of multiplying, which overlap, as two parts of one sum."""
    read, multiplied = _read(engine, tokens), _multiplied(engine, tokens)
    both = np.hypot(read, multiplied)
    share = (read / both) ** 2
    return np.asarray(both * share), np.asarray(both * (1.0 - share))


def _read(engine: Engine, tokens: Array) -> Array:
    """Every rank reads its slice of what all tokens pass, and of the experts that some pass."""
    served = engine.served
    whole = served.matrices * engine.weight_bytes + served.head * 2.0
    touched = experts_touched(engine, tokens) / max(served.experts, 1.0)
    routed = served.expert_matrices * engine.expert_bytes * touched
    each = whole / engine.tensor + routed / engine.ranks
    return np.asarray(each / (engine.laws.weights_share * engine.bandwidth))


def _multiplied(engine: Engine, tokens: Array) -> Array:
    small = np.where(engine.small_products > 0, engine.laws.fp8_share, 1.0)
    flops = (2.0 * engine.served.active + engine.served.scan_flops) * tokens / engine.ranks
    return np.asarray(flops / (engine.laws.product_share * small * engine.peak))


def _cache(engine: Engine, batch: Array, context: Array) -> Array:
    """Keys and values (or latents, or states) of all sequences, read once a step."""
    served = engine.served
    near = np.minimum(context, served.window) if served.window else 0.0
    numbers = served.cache_whole * context + served.cache_near * near + 2.0 * served.state
    copies = np.maximum(1.0, engine.tensor / served.cache_heads)
    each = batch * numbers * engine.cache_bytes * copies / engine.ranks
    read = each / (engine.laws.cache_share * engine.bandwidth)
    flops = batch * context * served.decode_key_flops / engine.ranks
    return np.maximum(read, flops / (engine.laws.product_share * engine.half_peak))


def _prompt_attention(engine: Engine, prompt: Array, past: ArrayLike, prompts: ArrayLike) -> Array:
    """A prompt's token looks at what is cached and at half of its own prompt."""
    served = engine.served
    keys = np.asarray(past, float) + prompt / np.maximum(prompts, 1.0) / 2.0
    near = np.minimum(keys, served.window) if served.window else 0.0
    flops = prompt * (served.key_flops * keys + served.near_key_flops * near) / engine.ranks
    return np.asarray(flops / (engine.laws.product_share * engine.half_peak))


def exchange(engine: Engine, tokens: Array) -> Array:
    """Two collectives a layer: all-reduces over tensor ranks; with several copies of attention the
    routed experts' dispatch and combination instead of the second."""
    served = engine.served
    local = tokens / engine.data
    payload = local * served.width * ACTIVATION_BYTES
    attention = _all_reduce(engine, engine.tensor, payload)
    whole = _all_reduce(engine, engine.ranks, payload)
    routed = _all_to_all(engine, local / engine.tensor) if served.experts else attention
    return np.asarray(served.layers * (attention + np.where(engine.data > 1, routed, whole)))


def _all_reduce(engine: Engine, ranks: Array, payload: Array) -> Array:
    """Inside the domain, then each rank its share of the payload with the other domains."""
    laws = engine.laws
    inside = np.minimum(ranks, engine.domain)
    domains = ranks / inside
    moved = 2.0 * (inside - 1.0) / inside * payload / engine.link
    across = 2.0 * (domains - 1.0) / domains * payload / inside / engine.network
    return np.asarray(np.log2(ranks) * laws.reduce + (moved + across) / laws.link_share)


def _all_to_all(engine: Engine, tokens: Array) -> Array:
    """Dispatch in 8 bits and combination in 16 of one rank's tokens to their experts.

    A token crosses to another domain once, whatever experts it has there, and is passed on inside
    (DeepSeek-V3, arXiv:2412.19437, section 3.2.2).
    """
    served, laws = engine.served, engine.laws
    numbers = tokens * served.width * (1.0 + ACTIVATION_BYTES)
    domains = np.maximum(engine.ranks / engine.domain, 1.0)
    inside = served.top_k * numbers / engine.link
    across = np.minimum(served.top_k, domains - 1.0) * numbers / engine.network
    start = 2.0 * laws.reduce * np.log2(engine.ranks)
    return np.asarray(start + (inside + across) / laws.link_share)
