"""Fit of the step-time model's constants to measured steps: robust least squares with priors."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Array
from groundup.facts.units import factor
from groundup.training.cluster import Cluster
from groundup.training.laws import NAMES, SECONDS, Software, laws_from
from groundup.training.layout import Layout
from groundup.training.step_time import step_time
from groundup.training.work import Work

NORMAL_90 = 1.645
"""Standard deviations from the middle of a normal distribution to its 5 % and 95 % quantiles."""
_ROUNDS = 40
_STEP = 1e-4
_SCALE = 0.08
"""Residual (of a logarithm) at which a run begins to count less: about what two releases of one
framework differ by."""
_DAMPING = 1e-3
_LONGEST = 0.5
"""Longest step of a logarithm in one round."""


_Fields = TypeVar("_Fields", Work, Layout, Cluster, Software)


@dataclass(frozen=True)
class Runs:
    """Measured steps as arrays of shape (runs,)."""

    work: Work
    """Of each run's model."""
    layout: Layout
    """Complete."""
    cluster: Cluster
    """Of each run."""
    software: Software
    """Of each run."""
    frozen: Array
    """Share of the weights that is not trained."""
    seconds: Array
    """Measured seconds of a step."""
    weight: Array
    """How much a run counts."""

    def part(self, which: Array) -> Runs:
        """The runs where the mask `which` holds."""
        return Runs(
            work=_part(self.work, which),
            layout=_part(self.layout, which),
            cluster=_part(self.cluster, which),
            software=_part(self.software, which),
            frozen=self.frozen[which],
            seconds=self.seconds[which],
            weight=self.weight[which],
        )


def _part(value: _Fields, which: Array) -> _Fields:
    names = [one.name for one in dataclasses.fields(value)]
    return type(value)(**{name: getattr(value, name)[which] for name in names})


@dataclass(frozen=True)
class Prior:
    """What is believed of each constant before the fit: normal in its logarithm."""

    middle: Array
    """Logarithms, in the order of `NAMES`."""
    sigma: Array
    """Standard deviations of the logarithms."""


def prior_of(facts: Catalogue) -> Prior:
    """Facts `training.prior.*`; bounds are 5 % and 95 % quantiles, times in seconds."""
    known = [facts[f"training.prior.{name}"] for name in NAMES]
    scale = [factor(fact.unit, "s") if name in SECONDS else 1.0
             for name, fact in zip(NAMES, known, strict=True)]  # fmt: skip
    middle = np.log([fact.value * s for fact, s in zip(known, scale, strict=True)])
    spread = np.log([fact.high / fact.low for fact in known])
    return Prior(middle, spread / (2 * NORMAL_90))


def residuals(logarithms: Array, runs: Runs) -> Array:
    """ln(measured / predicted seconds) of every run for constants given as logarithms."""
    constants = dict(zip(NAMES, np.exp(logarithms), strict=True))
    laws = laws_from(constants, runs.software)
    taken = step_time(runs.work, runs.layout, runs.cluster, laws, runs.frozen).total
    return np.asarray(np.log(runs.seconds / taken))


def fit(runs: Runs, prior: Prior, start: Array | None = None) -> Array:
    """Logarithms of the constants that explain the runs best, in the order of `NAMES`.

    Levenberg-Marquardt on the sum of weight x Cauchy loss of the residuals and of squared
    distances from the prior; the loss keeps single rows from pulling.
    """
    found = (prior.middle if start is None else start).copy()
    damping, best = _DAMPING, _loss(found, runs, prior)
    for _ in range(_ROUNDS):
        now = residuals(found, runs)
        weight = runs.weight / (_SCALE**2 + now**2)
        slopes = _slopes(found, runs, now)
        pull = (prior.middle - found) / prior.sigma**2
        gradient = -slopes.T @ (weight * now) + pull
        curvature = slopes.T @ (weight[:, None] * slopes) + np.diag(1 / prior.sigma**2)
        step = np.linalg.solve(curvature + damping * np.diag(np.diag(curvature)), gradient)
        tried = found + np.clip(step, -_LONGEST, _LONGEST)
        loss = _loss(tried, runs, prior)
        if loss < best:
            done = best - loss < 1e-6 * abs(best)
            found, best, damping = tried, loss, damping / 3
            if done:
                break
        else:
            damping *= 4
    return found


def spread(logarithms: Array, runs: Runs, prior: Prior) -> Array:
    """Standard deviations of the fitted logarithms: inverse of the curvature at the optimum."""
    now = residuals(logarithms, runs)
    slopes = _slopes(logarithms, runs, now)
    weight = runs.weight / (_SCALE**2 + now**2)
    curvature = slopes.T @ (weight[:, None] * slopes) + np.diag(1 / prior.sigma**2)
    return np.asarray(np.sqrt(np.diag(np.linalg.inv(curvature))))


def _slopes(logarithms: Array, runs: Runs, now: Array) -> Array:
    """d residual / d logarithm, shape (runs, constants), by forward differences."""
    columns = []
    for i in range(len(logarithms)):
        moved = logarithms.copy()
        moved[i] += _STEP
        columns.append((residuals(moved, runs) - now) / _STEP)
    return np.stack(columns, 1)


def _loss(logarithms: Array, runs: Runs, prior: Prior) -> float:
    spread = residuals(logarithms, runs)
    misfit = 0.5 * np.sum(runs.weight * np.log1p((spread / _SCALE) ** 2))
    away = 0.5 * np.sum(((logarithms - prior.middle) / prior.sigma) ** 2)
    return float(misfit + away)


def held_out(runs: Runs, groups: Sequence[str], prior: Prior) -> Array:
    """Residual of every run under constants fitted without its group."""
    found, names = np.empty(len(runs.seconds)), np.asarray(groups)
    for group in sorted(set(groups)):
        out = names == group
        found[out] = residuals(fit(runs.part(~out), prior), runs.part(out))
    return found


def balanced(groups: Sequence[str], most: float = 0.5) -> Array:
    """Weights by which a group of n runs counts as n^most runs: many rows of one source agree in
    what its framework does, and are not as many independent measurements."""
    names, place, count = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)
    del names
    return np.asarray((count ** (most - 1.0))[place])


def errors(spread: Array) -> Mapping[str, float]:
    """Median, 90 % quantile and bias of |predicted / measured - 1| and of the logarithm."""
    gap = np.abs(np.expm1(-spread))
    return {
        "median": float(np.median(gap)),
        "p90": float(np.quantile(gap, 0.9)),
        "bias": float(np.median(spread)),
        "sigma": float(np.quantile(np.abs(spread), 0.9) / NORMAL_90),
    }
