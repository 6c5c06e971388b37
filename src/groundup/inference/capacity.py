"""Memory of a replica: bytes of weights and of caches, and how many sequences fit beside them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from groundup.facts.estimate import Array
from groundup.inference.replica import Engine
from groundup.inference.served import Served


def weight_bytes(engine: Engine) -> Array:
    """Bytes of all weights over all ranks; copies of attention hold theirs each."""
    served = engine.served
    whole = served.matrices * engine.weight_bytes + (served.tables + served.other) * 2.0
    return np.asarray(whole * engine.data + served.expert_matrices * engine.expert_bytes)


def cache_bytes(engine: Engine, tokens: ArrayLike) -> Array:
    """Bytes that one sequence of `tokens` tokens keeps, over all ranks (with copies of heads)."""
    copies = np.maximum(1.0, engine.tensor / engine.served.cache_heads)
    return np.asarray(cached_numbers(engine.served, tokens) * engine.cache_bytes * copies)


def cached_numbers(served: Served, tokens: ArrayLike) -> Array:
    """Numbers that one sequence keeps: keys and values or latents, windows, recurrent states."""
    tokens = np.asarray(tokens, float)
    near = np.minimum(tokens, served.window) if served.window else 0.0
    return np.asarray(served.cache_whole * tokens + served.cache_near * near + served.state)


def cache_room(engine: Engine) -> Array:
    """Bytes beside the weights for caches, over all ranks; below 0 where the weights do not fit."""
    return np.asarray(engine.memory * engine.ranks * engine.usable - weight_bytes(engine))


def most_sequences(engine: Engine, tokens: ArrayLike, shared: ArrayLike = 0.0) -> Array:
    """Sequences of `tokens` tokens whose caches fit at once; 0 where not one does.

    `shared` of each one's tokens are a prefix that all share and memory holds once.
    """
    shared = np.asarray(shared, float)
    own = cache_bytes(engine, np.asarray(tokens, float) - shared)
    room = cache_room(engine) - cache_bytes(engine, shared) * (shared > 0)
    return np.maximum(np.floor(room / own), 0.0)
