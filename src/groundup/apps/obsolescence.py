"""A model's worth over its life: prices fall by the month while the training run stays paid.

A run of cost C is paid today and its model sells from month `lead` on for `life` months. The price
of its quality falls by a factor g a year from today on (rivals do not wait for the training); the
cost of a token falls by its own. Months are on the first axis, draws on the last.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from groundup.apps.investment import discounts, monthly, payback
from groundup.facts.estimate import Array, Estimate, derived, given


@dataclass(frozen=True)
class Launch:
    """What a training run costs and what its model sells."""

    training: Estimate
    """Cost of the run and of what had to come before it, USD."""
    tokens: Estimate
    """Tokens sold in a month, Mtoken/month."""
    price: Estimate
    """Price of a token of this quality today, USD/Mtoken."""
    cost: Estimate
    """Cost of serving a token today, USD/Mtoken."""
    price_fall: Estimate
    """Factor a year by which the price of this quality falls, a plain number above 0."""
    cost_fall: Estimate
    """Factor a year by which the cost of serving falls."""
    rate: Estimate
    """Rate of capital a year."""
    growth: Estimate
    """Factor a month by which tokens sold grow while the model sells."""

    @property
    def parts(self) -> tuple[Estimate, ...]:
        """All inputs, for derivations."""
        return tuple(vars(self).values())


def launch(
    training: Estimate,
    tokens: Estimate,
    price: Estimate,
    cost: Estimate,
    price_fall: Estimate,
    rate: Estimate,
    cost_fall: Estimate | None = None,
    growth: Estimate | None = None,
) -> Launch:
    """A launch whose serving cost (unless given) stays and whose sales (unless given) are even."""
    even = given(1.0, "1", "no change", "not stated")
    return Launch(
        training, tokens, price, cost, price_fall, cost_fall or even, rate, growth or even
    )


def flows(plan: Launch, lead: int, life: int, market: bool = True) -> Array:
    """Money of months 0 to lead + life, USD, shape (months, draws): training, then margins.

    With `market` a price below the cost of serving sells nothing: no one serves at a loss.
    """
    month = np.arange(lead + life + 1, dtype=np.float64)[:, np.newaxis]
    price = _falling(plan.price.to("USD/Mtoken").samples, plan.price_fall.samples, month)
    cost = _falling(plan.cost.to("USD/Mtoken").samples, plan.cost_fall.samples, month)
    left = np.maximum(price - cost, 0.0) if market else price - cost
    sold = plan.tokens.to("Mtoken/month").samples * plan.growth.samples ** (month - lead - 1)
    earned = np.where(month > lead, sold * left, 0.0)
    return np.asarray(earned - np.where(month == 0, plan.training.to("USD").samples, 0.0))


def _falling(start: Array, fall: Array, month: Array) -> Array:
    """A value that falls by a factor a year, in the middle of the month before each month's end."""
    return np.asarray(start * fall ** (-np.maximum(month - 0.5, 0.0) / 12))


def worth(plan: Launch, lead: int, life: int) -> Estimate:
    """Net present value of the run over a life of whole months, USD."""
    paid = flows(plan, lead, life)
    value = (paid * discounts(monthly(plan.rate.samples), paid)).sum(axis=0)
    return derived(value, "USD", "apps.worth_of_run",
                   "-training + sum of tokens x (price - cost)", plan.parts)  # fmt: skip


def worth_by_month(plan: Launch, lead: int, life: int) -> Array:
    """The same summed to every month, shape (months, draws): what the curve of a figure shows."""
    paid = flows(plan, lead, life)
    return np.asarray(np.cumsum(paid * discounts(monthly(plan.rate.samples), paid), axis=0))


def break_even_month(plan: Launch, lead: int, life: int) -> Estimate:
    """Months from today until the run is paid back with interest; inf where it never is."""
    when = payback(flows(plan, lead, life), monthly(plan.rate.samples))
    return derived(when, "month", "apps.break_even_month",
                   "first month whose summed, discounted flows are not negative",
                   plan.parts)  # fmt: skip


def tokens_to_repay(plan: Launch, lead: int, life: int) -> Estimate:
    """Tokens a month that pay the run back within its life; inf where no month earns anything."""
    paid = flows(plan, lead, life)
    paid[0] = 0.0
    earned = (paid * discounts(monthly(plan.rate.samples), paid)).sum(axis=0)
    sold = plan.tokens.to("Mtoken/month").samples
    each = earned / sold
    safe = np.where(each > 0, each, 1.0)
    needed = np.where(each > 0, plan.training.to("USD").samples / safe, np.inf)
    return derived(needed, "Mtoken/month", "apps.tokens_to_repay",
                   "training / discounted margin of a token a month over the life",
                   plan.parts)  # fmt: skip


def latest_start(plan: Launch, lead: int, window: int) -> Estimate:
    """Last month in which the run can begin and still pay within a window that ends then; -1: none.

    The price of this quality goes on falling while one waits, sales stop `window` months from now.
    """
    values = np.stack([waited(plan, lead, window, wait).samples for wait in range(window)])
    good = values >= 0
    last = window - 1 - np.argmax(good[::-1], axis=0)
    month = np.where(good.any(axis=0), last, -1).astype(np.float64)
    return derived(month, "month", "apps.latest_start", "last month with a worth not below zero",
                   plan.parts)  # fmt: skip


def waited(
    plan: Launch, lead: int, window: int, wait: int, training_fall: Estimate | None = None
) -> Estimate:
    """Worth today of a run that begins `wait` months later and sells until month `window`, USD.

    `training_fall`: factor a year by which the cost of training to this quality falls (better
    algorithms and chips); without it waiting only loses. A run that would sell nothing is worth
    minus its cost.
    """
    fall = training_fall.samples if training_fall is not None else np.ones(1)
    shift = -wait / 12.0
    later = Launch(
        derived(plan.training.samples * fall**shift, plan.training.unit, "training, later",
                "training / fall^(wait / 12)", (plan.training,)),
        plan.tokens,
        derived(plan.price.samples * plan.price_fall.samples**shift, plan.price.unit,
                "price, later", "price / fall^(wait / 12)", (plan.price, plan.price_fall)),
        derived(plan.cost.samples * plan.cost_fall.samples**shift, plan.cost.unit,
                "cost, later", "cost / fall^(wait / 12)", (plan.cost, plan.cost_fall)),
        plan.price_fall, plan.cost_fall, plan.rate, plan.growth,
    )  # fmt: skip
    then = worth(later, lead, max(window - lead - wait, 0))
    today = (1 + plan.rate.samples) ** shift
    return derived(then.samples * today, "USD", "apps.worth_when_waiting",
                   "worth of the later run, discounted to today", (then, plan.rate))  # fmt: skip


def best_wait(
    plan: Launch, lead: int, window: int, training_fall: Estimate
) -> tuple[Estimate, Estimate]:
    """Months to wait that are worth most, and what waiting adds over starting now (USD).

    Not to train at all is worth nothing and always open; it counts as waiting for the window.
    """
    waits = range(window + 1)
    values = np.stack([waited(plan, lead, window, w, training_fall).samples for w in waits])
    values[-1] = 0.0
    month = np.argmax(values, axis=0).astype(np.float64)
    gained = values.max(axis=0) - np.maximum(values[0], 0.0)
    inputs = (*plan.parts, training_fall)
    return (
        derived(month, "month", "apps.best_wait", "month of the largest worth", inputs),
        derived(gained, "USD", "apps.value_of_waiting", "largest worth - worth of now", inputs),
    )


def refresh_months(plan: Launch, most: int) -> Estimate:
    """Months between new models that earn most a month when each one starts at today's price.

    Each generation costs the same run again, and its price falls from its launch on as in
    `flows`; average earnings (sum of margins - C) / m over m = 1 to `most`, without discounting.
    """
    paid = flows(plan, 0, most)
    earned = np.cumsum(paid, axis=0)[1:] / np.arange(1, most + 1)[:, np.newaxis]
    month = np.argmax(earned, axis=0) + 1.0
    return derived(month, "month", "apps.refresh_cadence",
                   "months of the largest mean earnings a month", plan.parts)  # fmt: skip


def price_after(price: Estimate, fall: Estimate, time: Estimate) -> Estimate:
    """A price after a time: price x fall^-(years)."""
    years = time.to("year").samples
    left = derived(fall.samples**-years, "1", "left of the price", "fall^-years", (fall, time))
    return (price * left).named("apps.price_after", "price / fall^years")


def yearly_fall(start: Estimate, end: Estimate, years: float) -> Estimate:
    """Factor a year between two published prices: (start / end)^(1 / years)."""
    return ((start / end).to("1") ** (1 / years)).named(
        "apps.yearly_fall", f"(start / end)^(1/{years:.3g})"
    )


def competition_price(costs: Array, capacities: Array, demand: float) -> float:
    """Price at which sellers of one quality sell what is asked: the cost of the last one needed.

    `costs` of a token and `capacities` of the sellers (one axis); nan where they cannot serve the
    demand. Bertrand competition with capacities, the merit order of electricity markets.
    """
    order = np.argsort(costs)
    served = np.cumsum(np.asarray(capacities)[order])
    last = int(np.searchsorted(served, demand))
    return float(np.asarray(costs)[order][last]) if last < served.size else float("nan")
