"""Watts and joules of serving: power follows what the step is busy with.

Power over design power is a floor plus what each kind of work adds while it lasts. Reading memory
and multiplying draw power; waiting for launches and for the host does not.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from groundup.chips import catalogue as chips
from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Array
from groundup.inference.replica import Engine
from groundup.inference.steady import Steady

WORK: dict[str, tuple[str, ...]] = {
    "weights": ("weights",),
    "cache": ("cache",),
    "products": ("products", "attention"),
}
"""Parts of a step by the kind of work that draws power."""
_ROUNDS = 30
_SOFT = 0.1
_PRIOR = np.array([0.25, 1.0, 1.0, 1.0])
"""A quarter of the design power idle at full clocks, and as much again as the rest when busy."""
_PRIOR_WEIGHT = 0.1


def busy(parts: Mapping[str, Array]) -> Array:
    """Shares of a step's time in each kind of work, with a first column of ones; (..., 4)."""
    step = np.asarray(sum(parts.values()))
    kinds = [sum(parts[name] for name in names) / step for names in WORK.values()]
    return np.stack([np.ones_like(step), *np.broadcast_arrays(*kinds)], axis=-1)


def power_share(parts: Mapping[str, Array], facts: Catalogue, samples: int = 0) -> Array:
    """Power of an accelerator over its design power, at most 1 (boards hold their limit)."""
    names = ("idle", *WORK)
    weights = [facts.estimate(f"inference.power.{name}", samples).samples for name in names]
    shares = busy(parts)
    drawn = sum(shares[..., i] * weight for i, weight in enumerate(weights))
    return np.asarray(np.minimum(np.asarray(drawn, float), 1.0))


def watts(steady: Steady, engine: Engine, chip: str, facts: Catalogue, samples: int = 0) -> Array:
    """Power of all accelerators of a replica, W; NoDataError where the chip has no design power."""
    tdp = chips.figure(chip, "tdp", facts, samples).to("W/accelerator").samples
    return np.asarray(power_share(steady.parts, facts, samples) * tdp * engine.ranks)


def joules_per_token(
    steady: Steady, engine: Engine, chip: str, facts: Catalogue, samples: int = 0
) -> Array:
    """Joules of the accelerators for one answer token, its share of prompts included."""
    return np.asarray(watts(steady, engine, chip, facts, samples) / steady.tokens_per_s)


def fit_power(shares: Array, measured: Array) -> Array:
    """Weights of `busy`'s columns that explain measured power over design power.

    Least squares of relative errors with a prior, re-weighted so that outliers count like their
    absolute value.
    """
    scaled = shares / measured[:, None]
    found = _PRIOR
    for _ in range(_ROUNDS):
        error = scaled @ found - 1.0
        weight = 1.0 / np.sqrt(1.0 + (error / _SOFT) ** 2)
        square = (scaled * weight[:, None]).T @ scaled + _PRIOR_WEIGHT * np.eye(found.size)
        found = np.linalg.solve(square, (scaled * weight[:, None]).sum(0) + _PRIOR_WEIGHT * _PRIOR)
    return np.asarray(found)
