"""How long public text lasts: the stock of it, what training sets take, when the two meet."""

from __future__ import annotations

import numpy as np

from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Array, Estimate, derived, given, log
from groundup.facts.fact import Fact

PARTS = ("common_crawl", "indexed_web", "whole_web", "images", "video")
"""Parts of the internet with a published number of tokens, `data.raw.<part>`."""
_DAYS = 365.25


def largest_runs(facts: Catalogue) -> tuple[Fact, ...]:
    """Published training sets that were the largest of their time, by date."""
    found = [facts[key] for key in facts.keys("data.largest.")]
    return tuple(sorted(found, key=lambda fact: fact.as_of))


def year_of(fact: Fact) -> float:
    """The date of a fact as a year with its fraction."""
    return fact.as_of.year + (fact.as_of.timetuple().tm_yday - 1) / _DAYS


def fitted_growth(facts: Catalogue) -> float:
    """Factor a year by which the largest published training sets grew: a line through their logs.

    Least squares of ln tokens on the date; a check of the published growth, not an input.
    """
    runs = largest_runs(facts)
    years = np.array([year_of(run) for run in runs])
    return float(np.exp(np.polyfit(years, np.log([run.value for run in runs]), 1)[0]))


def effective_stock(facts: Catalogue, samples: int = 0) -> Estimate:
    """Tokens of the indexed web worth training on, repeats counted: raw x usable x repeating.

    Villalobos et al. 2024, arXiv:2211.04325v2, section 2.3; their Figure 3 gives 320T.
    """
    parts = [facts.estimate(f"data.{key}", samples)
             for key in ("raw.indexed_web", "usable_share", "repeating_gain")]  # fmt: skip
    stock = parts[0] * parts[1] * parts[2]
    return stock.to("Ttoken").named("data.effective_stock", "indexed web x usable x repeating")


def exhausted(
    stock: Estimate, growth: Estimate, use: Estimate, use_growth: Estimate, since: float
) -> Estimate:
    """Year in which the largest training set takes the whole stock.

    since + ln(stock / use) / (ln use_growth - ln growth): both grow by factors a year from the
    year `since`, when the stock was `stock` and the largest set `use`. inf where use does not
    outgrow the stock; not before `since`.
    """
    ratio = log(stock / use)
    pace = log(use_growth) - log(growth)
    safe = np.where(pace.samples > 0, pace.samples, 1.0)
    years = np.where(pace.samples > 0, np.maximum(ratio.samples, 0.0) / safe, np.inf)
    return derived(since + years, "year", "data.exhausted",
                   "since + ln(stock / use) / (ln growth of use - ln growth of stock)",
                   (stock, growth, use, use_growth), "arXiv:2211.04325v2, section 2")  # fmt: skip


def exhaustion(
    facts: Catalogue, samples: int = 0, overtrained: float = 1.0, latest: bool = False
) -> Estimate:
    """The year from facts: Villalobos' stock and growth, from the largest set of their time.

    `overtrained`: how many times more tokens a parameter than the trend's models are given; with
    the same compute (6 N D) the tokens grow by its root. `latest` begins with the largest set
    published since instead of that of their paper.
    """
    stock = facts.estimate("data.stock", samples)
    base = largest_runs(facts)[-1] if latest else facts["data.largest.llama-3"]
    use = facts.estimate(base.key, samples) * overtrained**0.5
    return exhausted(
        stock, facts.estimate("data.stock_growth", samples), use,
        facts.estimate("data.use_growth", samples), year_of(base),
    )  # fmt: skip


def used_in(year: Array, facts: Catalogue, samples: int = 0) -> Array:
    """Tokens of the largest training set by year, shape (years, draws), from Llama 3 on, Ttoken."""
    base = facts["data.largest.llama-3"]
    growth = facts.estimate("data.use_growth", samples).samples
    return np.asarray(base.value * growth ** (np.asarray(year)[:, np.newaxis] - year_of(base)))


def stock_in(year: Array, facts: Catalogue, samples: int = 0) -> Array:
    """Effective stock by year, shape (years, draws), Ttoken."""
    stock = facts.estimate("data.stock", samples).to("Ttoken")
    growth = facts.estimate("data.stock_growth", samples).samples
    since = year_of(facts["data.stock"])
    return np.asarray(stock.samples * growth ** (np.asarray(year)[:, np.newaxis] - since))


def worth_of_repeats(unique: Estimate, epochs: Estimate, facts: Catalogue) -> Estimate:
    """Fresh tokens that some tokens seen for several epochs are worth.

    U + U R* (1 - exp(-(epochs - 1) / R*)), Muennighoff et al. 2023, arXiv:2305.16264, equation 5.
    """
    constant = facts.estimate("models.repeat.tokens")
    again = np.maximum(epochs.samples - 1.0, 0.0)
    gain = 1.0 + constant.samples * -np.expm1(-again / constant.samples)
    factor = derived(gain, "1", "worth of epochs", "1 + R* (1 - exp(-(epochs - 1) / R*))",
                     (epochs, constant), "arXiv:2305.16264, equation 5")  # fmt: skip
    return (unique * factor).named("data.worth_of_repeats", "unique x worth of epochs")


def years_left(exhausted_in: Estimate, now: float) -> Estimate:
    """Years from now until the stock is taken; 0 where it is."""
    left = np.maximum(exhausted_in.samples - now, 0.0)
    today = given(now, "year", "now", "date of the plan")
    return derived(left, "year", "data.years_left", "max(exhausted - now, 0)",
                   (exhausted_in, today))  # fmt: skip
