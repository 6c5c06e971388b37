"""Fits the laws of a serving step to measured points, with priors, robustly; and leaves models out.

Least squares of ln(predicted / measured) of median time between tokens and of throughput, with the
soft absolute value of Charbonnier as loss, by Levenberg's method on the logarithms of the laws.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from groundup.facts.estimate import Array
from groundup.inference.replica import Engine
from groundup.inference.steady import Traffic, steady

PRIORS: dict[str, tuple[float, float]] = {
    "weights_share": (0.85, 0.06),  # copies reach 0.9, decoding kernels 0.73 to 0.9 (gpt-fast)
    "cache_share": (0.75, 0.10),  # paged attention reads pages, not one stretch
    "fp8_share": (0.6, 0.3),
    "step": (800e-6, 1.0),
    "layer": (40e-6, 1.0),
    "routed_layer": (40e-6, 1.0),
    "reduce": (8e-6, 0.7),
    "sequence": (40e-6, 1.0),
    "mixed_layer": (40e-6, 1.5),
    "request": (5e-3, 1.0),
    "coverage": (0.85, 0.25),
}
"""Law: its value before the fit and one standard deviation of its logarithm."""
_PRIOR_WEIGHT = 0.15
"""A law one deviation from its prior costs as much as a point 15 % off."""
_SOFT = 0.1
"""Errors beyond 10 % count ever more like their absolute value."""
_ROUNDS = 40
_STEP = 1e-4


@dataclass(frozen=True)
class Points:
    """Measured points of one engine."""

    model: str
    """Name by which points are left out together."""
    die: str
    """Die of the accelerator: it has its own share of the bandwidth for weights."""
    engine: Engine
    """The replica; its laws are what is fitted."""
    batch: Array
    """Sequences at work, shape (points,)."""
    traffic: Traffic
    """Lengths of the requests."""
    median: Array
    """Measured median time between tokens, s."""
    tokens_per_s: Array
    """Measured throughput."""


Laws = dict[str, float]
"""Fitted constants by name; `weights_share.<die>` for each die."""


def names_of(points: Sequence[Points]) -> list[str]:
    """Laws that these points fit."""
    dies = sorted({one.die for one in points})
    return [f"weights_share.{die}" for die in dies] + [n for n in PRIORS if n != "weights_share"]


def with_laws(one: Points, laws: Laws) -> Engine:
    """The engine of some points with other laws."""
    found = {name: np.asarray([value]) for name, value in laws.items() if "." not in name}
    share = laws.get(f"weights_share.{one.die}", PRIORS["weights_share"][0])
    found["weights_share"] = np.asarray([share])
    return replace(one.engine, laws=replace(one.engine.laws, **found))


def errors(points: Sequence[Points], laws: Laws) -> tuple[Array, Array]:
    """ln(predicted / measured) of times between tokens and of throughputs."""
    times, rates = [], []
    for one in points:
        found = steady(with_laws(one, laws), one.batch, one.traffic)
        times.append(np.log(found.median / one.median))
        rates.append(np.log(found.tokens_per_s / one.tokens_per_s))
    return np.concatenate(times), np.concatenate(rates)


def fit(points: Sequence[Points]) -> Laws:
    """The laws that explain the points best."""
    names = names_of(points)
    priors = [PRIORS[name.partition(".")[0]] for name in names]
    start = np.array([math.log(value) for value, _ in priors])
    spread = np.array([sigma for _, sigma in priors])

    def residuals(logs: Array) -> Array:
        laws = dict(zip(names, np.exp(logs), strict=True))
        return np.concatenate([*errors(points, laws), _PRIOR_WEIGHT * (logs - start) / spread])

    logs = _least(residuals, start)
    return {name: float(value) for name, value in zip(names, np.exp(logs), strict=True)}


def _least(residuals: object, start: Array) -> Array:
    """Levenberg's method with weights 1 / sqrt(1 + (r / soft)^2), finite differences."""
    assert callable(residuals)
    at, damping = start.copy(), 1e-2
    now = residuals(at)
    for _ in range(_ROUNDS):
        slope = np.stack([(residuals(at + _STEP * axis) - now) / _STEP for axis in np.eye(at.size)])
        weight = 1.0 / np.sqrt(1.0 + (now / _SOFT) ** 2)
        square, down = (slope * weight) @ slope.T, (slope * weight) @ now
        for _ in range(8):
            move = np.linalg.solve(square + damping * np.diag(np.diag(square) + 1e-9), -down)
            trial = at + np.clip(move, -0.5, 0.5)
            then = residuals(trial)
            if _loss(then) < _loss(now):
                damping /= 3.0
                break
            damping *= 4.0
        else:
            return at
        done = _loss(now) - _loss(then) < 1e-7 * _loss(now)
        at, now = trial, then
        if done:
            break
    return at


def _loss(values: Array) -> float:
    return float(np.sum(_SOFT**2 * (np.sqrt(1.0 + (values / _SOFT) ** 2) - 1.0)))


def left_out(points: Sequence[Points]) -> tuple[Array, Array]:
    """Errors of every model's points by the laws fitted to the other models' points."""
    times, rates = [], []
    for model in sorted({one.model for one in points}):
        laws = fit([one for one in points if one.model != model])
        held = [one for one in points if one.model == model]
        time, rate = errors(held, laws)
        times.append(time)
        rates.append(rate)
    return np.concatenate(times), np.concatenate(rates)
