"""Speculative decoding and multi-token prediction: tokens guessed cheaply, checked in one step.

Leviathan et al. 2023 (arXiv:2211.17192): g guesses, each accepted with probability a, yield
(1 - a^(g+1)) / (1 - a) tokens a step on average (equation 1); with guesses that cost c steps each
the gain is that over g c + 1 (theorem 3.8). Their step is taken as free of the checked tokens,
which holds while it reads memory; here the laws of a step say what checking costs in a batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from groundup.facts.estimate import Array
from groundup.inference.latency import decode_seconds, parts
from groundup.inference.replica import Engine


@dataclass(frozen=True)
class Speculative:
    """A step of decoding with guesses."""

    tokens: Array
    """Tokens that a sequence gains in a step."""
    step: Array
    """Seconds of a step: guesses and check."""
    gain: Array
    """Tokens a second over those without guesses, of the same batch."""


def expected_tokens(acceptance: ArrayLike, guesses: ArrayLike) -> Array:
    """Tokens of one step: the accepted guesses and the one that the model makes itself."""
    a, g = np.asarray(acceptance, float), np.asarray(guesses, float)
    near_one = np.abs(1.0 - a) < 1e-9
    safe = np.where(near_one, 0.0, a)
    return np.asarray(np.where(near_one, g + 1.0, (1.0 - safe ** (g + 1.0)) / (1.0 - safe)))


def ideal_gain(acceptance: ArrayLike, guesses: ArrayLike, cost: ArrayLike) -> Array:
    """Gain where checking costs nothing; `cost` is one guess over one step of the model."""
    g, c = np.asarray(guesses, float), np.asarray(cost, float)
    return np.asarray(expected_tokens(acceptance, g) / (g * c + 1.0))


def speculative(
    engine: Engine,
    batch: ArrayLike,
    context: ArrayLike,
    acceptance: ArrayLike,
    guesses: ArrayLike,
    cost: ArrayLike,
) -> Speculative:
    """A batch that checks `guesses` guesses of each sequence in one step.

    Checked tokens are multiplied, exchanged and touch experts like a prompt's, and look at the
    sequence's cache; `cost` is one round of guesses over a step without checks.
    """
    batch, context = np.asarray(batch, float), np.asarray(context, float)
    g = np.asarray(guesses, float)
    plain = decode_seconds(engine, batch, context)
    check = sum(parts(engine, batch, context, batch * g, context, batch * g, 0.0).values())
    step = np.asarray(check + g * np.asarray(cost, float) * plain)
    tokens = expected_tokens(acceptance, g)
    return Speculative(tokens, step, np.asarray(tokens * plain / step))


def best_guesses(
    engine: Engine,
    batch: ArrayLike,
    context: ArrayLike,
    acceptance: float,
    cost: float,
    most: int = 8,
) -> Array:
    """How many guesses pay most for each batch: 0 where none does."""
    batch = np.atleast_1d(np.asarray(batch, float))
    choices = np.arange(most + 1.0)[:, None]
    gain = speculative(engine, batch, np.asarray(context, float), acceptance, choices, cost).gain
    return np.asarray(np.argmax(gain, axis=0), float)
