"""Logistic regression in numpy: small, exact, deterministic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STEPS = 50


@dataclass(frozen=True)
class Logistic:
    """Standardised features to a probability."""

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    weights: NDArray[np.float64]
    """One a feature, the bias last."""

    def probability(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """P(label = 1) of each row; features (rows, n)."""
        scaled = (np.atleast_2d(features) - self.mean) / self.spread
        return _sigmoid(scaled @ self.weights[:-1] + self.weights[-1])


def _sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1.0 / (1.0 + np.exp(-np.clip(x, -40, 40)))


def fit(features: NDArray[np.float64], labels: NDArray[np.float64], ridge: float = 1.0) -> Logistic:
    """Maximum likelihood with an L2 penalty on all weights but the bias, by Newton's method.

    features (rows, n), labels (rows,) of 0 and 1. Both labels must occur (ValueError).
    """
    if not 0 < labels.mean() < 1:
        raise ValueError("logistic regression needs both labels")
    mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-9
    design = np.column_stack([(features - mean) / spread, np.ones(len(features))])
    weights = np.zeros(design.shape[1])
    penalty = np.diag([ridge] * features.shape[1] + [1e-6])
    for _ in range(STEPS):
        chance = _sigmoid(design @ weights)
        gradient = design.T @ (chance - labels) + penalty @ weights
        curvature = (design * (chance * (1 - chance))[:, None]).T @ design + penalty
        step = np.linalg.solve(curvature, gradient)
        weights -= step
        if np.abs(step).max() < 1e-8:
            break
    return Logistic(mean, spread, weights)


def best_threshold(
    chances: NDArray[np.float64], labels: NDArray[np.float64], least_specificity: float
) -> float:
    """The threshold with the best balanced accuracy among those that turn away enough zeros.

    A row passes when its chance is at least the threshold; `least_specificity` is the share of
    label 0 that must not pass.
    """
    tried = np.unique(np.concatenate((chances, [0.5, 1.0])))
    positives, negatives = chances[labels == 1], chances[labels == 0]
    sensitivity = np.array([(positives >= t).mean() for t in tried])
    specificity = np.array([(negatives < t).mean() for t in tried])
    allowed = specificity >= min(least_specificity, float(specificity.max()))
    balanced = np.where(allowed, sensitivity + specificity, -1.0)
    return float(tried[int(np.argmax(balanced))])
