"""Prefix caching: which share of prompt tokens is there already, and what room that takes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from groundup.facts.estimate import Array
from groundup.inference.capacity import cache_bytes
from groundup.inference.replica import Engine

_HALVINGS = 80


def conversation_share(turns: ArrayLike, question: ArrayLike, answer: ArrayLike) -> Array:
    """Share of prompt tokens that are there in a conversation whose every turn repeats the past.

    Turn k's prompt is the k - 1 questions and answers before it and its own question: of
    n q + (n (n - 1) / 2)(q + t) prompt tokens only n q are new.
    """
    n, q, t = (np.asarray(value, float) for value in (turns, question, answer))
    past = n * (n - 1.0) / 2.0 * (q + t)
    return np.asarray(past / (past + n * q))


def shared_prefix_share(prefix: ArrayLike, prompt: ArrayLike) -> Array:
    """Share of prompt tokens in a prefix that all requests have (a system prompt)."""
    return np.asarray(np.minimum(np.asarray(prefix, float) / np.asarray(prompt, float), 1.0))


def least_recently_used_share(popularity: ArrayLike, room: float) -> float:
    """Share of requests whose prefix is there, for a cache of `room` prefixes.

    Che's approximation (Che, Tung and Wang 2002, IEEE JSAC 20-7): a prefix stays for a time T after
    its last use, the same for all, such that the expected number of prefixes is the room.
    `popularity` are rates of requests for each prefix, in any unit.
    """
    rates = np.asarray(popularity, float)
    rates = rates / rates.sum()
    if room >= rates.size:
        return 1.0
    low, high = 0.0, 1.0
    while float(np.sum(-np.expm1(-rates * high))) < room:
        high *= 2.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        full = float(np.sum(-np.expm1(-rates * middle))) > room
        low, high = (low, middle) if full else (middle, high)
    return float(np.sum(rates * -np.expm1(-rates * low)))


def zipf(prefixes: int, exponent: float) -> Array:
    """Popularity of prefixes by rank: 1 / rank^exponent, normalised."""
    weights = np.arange(1.0, prefixes + 1.0) ** -exponent
    return np.asarray(weights / weights.sum())


def prefixes_in(engine: Engine, prefix_tokens: ArrayLike, bytes_free: ArrayLike) -> Array:
    """Prefixes of a length whose caches fit into free bytes, of a replica or of its host."""
    return np.asarray(np.floor(np.asarray(bytes_free, float) / cache_bytes(engine, prefix_tokens)))
