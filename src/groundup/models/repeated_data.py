"""What training on the same text again is worth, and the best use of a compute with little text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Array
from groundup.models.scaling import TRAIN_FLOPS, LossLaw, loss_law

_GRID = 400


@dataclass(frozen=True)
class Repeated:
    """The best model for a compute when only so much text is there."""

    parameters: Array
    """Size."""
    tokens: Array
    """Tokens seen, repeats counted."""
    epochs: Array
    """Passes over the text."""
    loss: Array
    """Nats a token."""
    unlimited_loss: Array
    """The loss with fresh text for every step."""


def worth(unique: Array, tokens: Array, facts: Catalogue) -> Array:
    """Fresh tokens that `tokens` of training on `unique` ones are worth.

    U + U r (1 - exp(-R / r)) with R = tokens/U - 1 repeats (Muennighoff et al. 2023,
    arXiv:2305.16264, eq. 5); all of them where there is text enough.
    """
    return _decayed(unique, tokens, facts["models.repeat.tokens"].value)


def repeated_loss(parameters: Array, tokens: Array, unique: Array, facts: Catalogue) -> Array:
    """Loss after `tokens` on `unique` ones, nats a token of C4 (the same paper, eq. 4 to 6).

    Parameters beyond the best number for the unique text decay in worth like repeats do.
    """
    law = loss_law("muennighoff", facts)
    there = np.minimum(unique, tokens)
    enough = np.minimum(_matching(law, there), parameters)
    size = _decayed(enough, parameters, facts["models.repeat.parameters"].value)
    return law.loss(size, worth(there, tokens, facts))


def best_repeated(compute: Array | float, unique: Array | float, facts: Catalogue) -> Repeated:
    """The best size and number of epochs at a compute in FLOP with `unique` tokens of text."""
    law = loss_law("muennighoff", facts)
    given = np.asarray(compute, float)[..., None]
    text = np.asarray(unique, float)[..., None]
    free = law.best_parameters(given)
    parameters = free * np.geomspace(1 / 50, 50, _GRID)
    tokens = given / TRAIN_FLOPS / parameters
    found = repeated_loss(parameters, tokens, text, facts)
    at = np.argmin(found, axis=-1, keepdims=True)

    def pick(values: Array) -> Array:
        return np.take_along_axis(np.broadcast_to(values, found.shape), at, -1)[..., 0]

    seen = pick(tokens)
    unlimited = law.loss(free, given / TRAIN_FLOPS / free)[..., 0]
    epochs = np.maximum(seen / text[..., 0], 1.0)
    return Repeated(pick(parameters), seen, epochs, pick(found), unlimited)


def _decayed(unique: Array, used: Array, rate: float) -> Array:
    repeats = np.maximum(used / unique - 1.0, 0.0)
    return np.asarray(np.minimum(unique, used) + unique * rate * -np.expm1(-repeats / rate))


def _matching(law: LossLaw, tokens: Array) -> Array:
    """The best size for a number of fresh tokens: N with D*(N) = tokens."""
    ratio = (law.alpha * law.a / (law.beta * law.b)) ** (1.0 / (law.alpha + law.beta))
    return np.asarray((tokens * ratio) ** (law.beta / law.alpha) * ratio)
