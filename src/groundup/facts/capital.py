"""Capital as a cost over time: what pays a purchase back with interest within its life."""

from __future__ import annotations

import numpy as np

from groundup.facts.estimate import Estimate, derived, given
from groundup.facts.layer import Ask

_INTEREST_FREE = 1e-9
"""Rates below this are straight-line write-off: the formula's limit, where it is 0/0."""


def annuity(rate: Estimate, life: Estimate) -> Estimate:
    """Yearly payment over the sum spent, 1/year: r / (1 - (1 + r)^-n); 1/n where r is 0.

    `rate` a plain number a year, `life` a time. The capital recovery factor of engineering
    economics (any text, e.g. Park, Contemporary Engineering Economics, ch. 3).
    """
    r, n = rate.to("1").samples, life.to("year").samples
    safe = np.maximum(r, _INTEREST_FREE)
    paid = np.where(r > _INTEREST_FREE, safe / -np.expm1(-n * np.log1p(safe)), 1 / n)
    formula = "rate / (1 - (1 + rate)^-years), 1/years without interest"
    return derived(paid, "1/year", "annuity", formula, (rate, life))


def capital_cost(capex: Estimate, used: Estimate, life: Estimate, ask: Ask) -> Estimate:
    """What `used` (a time) of a purchase costs: capex x annuity x time; depreciation + interest.

    The rate is the ask's `capital_rate`; without one the purchase is written off in a straight
    line.
    """
    free = given(0.0, "1", "capital_rate", "none was asked for: straight line")
    rate = ask.quantities.get("capital_rate", free)
    return (capex * annuity(rate, life) * used).to(capex.unit)
