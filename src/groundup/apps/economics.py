"""Unit economics of a product: revenue and cost of a user, margin, price, what breaks even."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from groundup.facts.estimate import Estimate, derived, given, total, where


@dataclass(frozen=True)
class UserMonth:
    """One user in one month, all in USD/(user*month); parts that do not apply are zero."""

    subscription: Estimate
    """Monthly price times the share of users that pay."""
    metered: Estimate
    """Price of the user's tokens."""
    serving: Estimate
    """Accelerators and power behind the user's answers."""
    retrieval: Estimate
    """Search and other tools around the model."""
    people: Estimate
    """Support and review by people."""

    @property
    def revenue(self) -> Estimate:
        """Subscription and metered tokens."""
        return total((self.subscription, self.metered)).named("apps.revenue_per_user_month")

    @property
    def cost(self) -> Estimate:
        """What serving this user takes (cost of goods sold)."""
        return total((self.serving, self.retrieval, self.people)).named("apps.cost_per_user_month")

    @property
    def contribution(self) -> Estimate:
        """What a user leaves for everything that does not grow with users."""
        return (self.revenue - self.cost).named("apps.contribution_per_user_month")

    @property
    def margin(self) -> Estimate:
        """Gross margin, (revenue - cost) / revenue."""
        return gross_margin(self.revenue, self.cost)


def nothing(unit: str) -> Estimate:
    """Zero of a unit, for a part that does not apply."""
    return given(0.0, unit, "none", "not stated")


def gross_margin(revenue: Estimate, cost: Estimate) -> Estimate:
    """(revenue - cost) / revenue, of any two amounts or rates of one unit."""
    margin = ((revenue - cost) / revenue).to("1")
    return margin.named("apps.margin", "(revenue - cost) / revenue")


def profit_over_cost(revenue: Estimate, cost: Estimate) -> Estimate:
    """(revenue - cost) / cost, the other way to state a margin."""
    return ((revenue - cost) / cost).to("1").named("apps.profit_over_cost")


def price_for_margin(cost: Estimate, margin: Estimate) -> Estimate:
    """Price that leaves a gross margin: cost / (1 - margin), in the cost's unit."""
    return (cost / (1.0 - margin)).to(cost.unit).named(
        "apps.price_for_margin", "cost / (1 - margin)"
    )  # fmt: skip


def break_even_users(fixed: Estimate, contribution: Estimate) -> Estimate:
    """Users whose contribution carries costs that do not grow with them; inf where it is not > 0.

    `fixed` a rate of money, `contribution` money per user and time.
    """
    return _carried(fixed, contribution, "user", "apps.break_even_users", "fixed / contribution")


def break_even_tokens(training: Estimate, price: Estimate, cost: Estimate) -> Estimate:
    """Tokens that pay a training run back: C / (p - c); inf where each token loses money.

    Training is a fixed cost and an answer a variable one: `training` in money, `price` and `cost`
    in money per token, before any discounting.
    """
    left = (price - cost).named("apps.left_per_token", "price - cost of a token")
    return _carried(training, left, "Ttoken", "apps.break_even_tokens", "training / (price - cost)")


def _carried(fixed: Estimate, each: Estimate, unit: str, label: str, formula: str) -> Estimate:
    pays = each.samples > 0
    needed = (fixed / where(pays, each, given(1.0, each.unit, "one", "stands for none"))).to(unit)
    counted = np.where(pays, needed.samples, np.inf)
    return derived(counted, unit, label, formula, (fixed, each))


def lifetime_share(train_tokens: Estimate, served_tokens: Estimate) -> Estimate:
    """Share of all FLOP that training takes: 6 D / (6 D + 2 T) for any number of parameters.

    6 N D to train and 2 N T to serve T tokens (Kaplan et al. 2020, arXiv:2001.08361, section 2.1;
    Sardana et al. 2024, arXiv:2401.00448, equation 2).
    """
    share = (6.0 * train_tokens / (6.0 * train_tokens + 2.0 * served_tokens)).to("1")
    return share.named("apps.training_share_of_compute", "6 D / (6 D + 2 T)")


def equal_compute_tokens(train_tokens: Estimate) -> Estimate:
    """Served tokens whose arithmetic equals the training run's: 6 N D = 2 N T, so T = 3 D."""
    return (3.0 * train_tokens).named("apps.equal_compute_tokens", "3 x training tokens")


def tokens_within(price: Estimate, margin: Estimate, cost: Estimate) -> Estimate:
    """Tokens a month that a subscription can give away at a margin: price (1 - m) / cost.

    `price` in USD/(user*month), `cost` in USD/Mtoken; the result in Mtoken/(user*month).
    """
    tokens = (price * (1.0 - margin) / cost).to("Mtoken/(user*month)")
    return tokens.named("apps.tokens_within_price", "price x (1 - margin) / cost of a token")


def cost_at_use(fixed: Estimate, variable: Estimate, use: Estimate) -> Estimate:
    """Cost of a unit when a fleet is busy for a share of the time: fixed / use + variable.

    `fixed` is the fleet's cost of a unit at full use (rent, depreciation), `variable` power.
    """
    return (fixed / use + variable).to(fixed.unit).named(
        "apps.cost_at_use", "fixed / use + variable"
    )  # fmt: skip


def concentration(shares: tuple[Estimate, ...]) -> Estimate:
    """Herfindahl-Hirschman index of known shares, in points: sum of squares of percentages.

    A lower bound where shares are missing (US Department of Justice, Merger Guidelines 2023, 2.1).
    """
    points = total([(share * 100.0) ** 2 for share in shares])
    return points.named("apps.concentration", "sum of squared percentages")


def growth_per_year(start: Estimate, end: Estimate, years: float) -> Estimate:
    """Compound growth: (end / start)^(1 / years) - 1."""
    return ((end / start).to("1") ** (1 / years) - 1.0).named(
        "apps.growth_per_year", f"(end / start)^(1/{years:g}) - 1"
    )  # fmt: skip
