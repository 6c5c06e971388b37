"""Estimates of the floors as predictions: their interval, widened by the error of the model."""

from __future__ import annotations

import math

from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Estimate
from groundup.planner.validation.row import NORMAL_90, Prediction

DRAWS = 400
"""Monte Carlo draws behind the interval of a prediction; its ends are known to a few per cent."""


def said(estimate: Estimate, unit: str, how: str, sigma: float = 0.0) -> Prediction:
    """An estimate of `DRAWS` draws in `unit`, with a model error of `sigma` (of ln) on top.

    The two spreads are independent, so their squares add on the log scale. UnitError where `unit`
    is of another dimension.
    """
    found = estimate.to(unit)
    value, low, high = found.value, found.low, found.high
    if value <= 0 or low <= 0:
        return Prediction(value, low, high, how, unit)
    margin = NORMAL_90 * sigma
    down = math.hypot(math.log(value / low), margin)
    up = math.hypot(math.log(high / value), margin)
    return Prediction(value, value * math.exp(-down), value * math.exp(up), how, unit)


def sigma_of(what: str, facts: Catalogue) -> float:
    """The error of a model as the standard deviation of ln(measured / predicted)."""
    return facts[f"planner.error.{what}"].value
