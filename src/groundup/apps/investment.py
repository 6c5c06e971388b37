"""Money over time: net present value, internal rate, payback, what is left on the books.

Flows have periods on the first axis and draws (or anything else) after it; period 0 is today and is
not discounted. The formulas are those of any text of engineering economics (Park, Contemporary
Engineering Economics, chapters 5 to 9).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from groundup.facts.capital import annuity
from groundup.facts.estimate import Array, Estimate, derived, given
from groundup.sites.economics import straight_line

METHODS = ("straight-line", "declining", "annuity")
"""Ways to write a purchase off."""
_RATES = (-7.0, 9.0)
"""Smallest and largest ln(1 + rate) that is searched: losing 99.9 %, gaining 8,000 times."""
_CELLS = 80
"""Cells that the search begins with."""
_ROUNDS = 60
"""Halvings of a cell; beyond the last digit of a double."""


def monthly(rate: Array | float) -> Array:
    """Rate of a month from a rate of a year, both compound: (1 + r)^(1/12) - 1."""
    return np.asarray(np.expm1(np.log1p(rate) / 12))


def npv(rate: Array | float, flows: ArrayLike) -> Array:
    """Present value of flows at a rate per period: sum of flow_t / (1 + rate)^t over axis 0."""
    paid = np.asarray(flows, dtype=np.float64)
    return np.asarray((paid * discounts(rate, paid)).sum(axis=0))


def discounts(rate: Array | float, flows: Array) -> Array:
    """(1 + rate)^-t for every period of the flows, ready to multiply them."""
    period = np.arange(flows.shape[0], dtype=np.float64)
    shaped = period.reshape((-1,) + (1,) * (flows.ndim - 1))
    return np.asarray((1 + np.asarray(rate)) ** -shaped)


def irr(flows: ArrayLike) -> Array:
    """Rate per period at which the flows are worth nothing; nan where there is none.

    Flows that change sign more than once may have several: the one nearest to no growth is given,
    as long as a cell of the search (a factor of about 1.2 in 1 + rate) does not hold two of them.
    """
    paid = np.asarray(flows, dtype=np.float64)
    grid = np.linspace(*_RATES, _CELLS + 1)
    column = (1,) * (paid.ndim - 1)
    signs = np.stack([np.sign(npv(np.expm1(x).reshape(column), paid)) for x in grid])
    crossed = (signs[:-1] * signs[1:] <= 0) & (signs[:-1] != 0)
    far = np.minimum(np.abs(grid[:-1]), np.abs(grid[1:])).reshape((-1, *column))
    cell = np.argmin(np.where(crossed, far, np.inf), axis=0)
    lower, upper = grid[cell], grid[cell + 1]
    at_low = np.take_along_axis(signs, cell[np.newaxis], 0)[0]
    for _ in range(_ROUNDS):
        middle = (lower + upper) / 2
        same = np.sign(npv(np.expm1(middle), paid)) == at_low
        lower, upper = np.where(same, middle, lower), np.where(same, upper, middle)
    return np.asarray(np.where(crossed.any(axis=0), np.expm1((lower + upper) / 2), np.nan))


def payback(flows: ArrayLike, rate: Array | float = 0.0) -> Array:
    """Periods until the (discounted) flows have added to zero, inf where they never do.

    Inside a period money is taken to come evenly.
    """
    paid = np.asarray(flows, dtype=np.float64)
    summed = np.cumsum(paid * discounts(rate, paid), axis=0)
    paid_back = summed >= 0
    first = np.argmax(paid_back, axis=0)
    after = np.take_along_axis(summed, first[np.newaxis], 0)[0]
    before = np.take_along_axis(summed, np.maximum(first - 1, 0)[np.newaxis], 0)[0]
    gained = np.where(first > 0, after - before, 1.0)
    part = np.where(first > 0, -before / np.where(gained > 0, gained, 1.0), 0.0)
    when = np.maximum(first - 1, 0) + part
    return np.asarray(np.where(paid_back.any(axis=0), when, np.inf))


def book_values(
    cost: Estimate, life_years: int, method: str, rate: float = 0.0, factor: float = 2.0
) -> Array:
    """What a purchase is worth on the books at the end of years 0 to life, axis 0, in its unit.

    `declining` goes over to a straight line in the year in which that writes off more; `annuity`
    leaves what the remaining even payments at `rate` are worth. ValueError for other methods.
    """
    ages = np.arange(life_years + 1, dtype=np.float64)
    age, life = given(ages, "year", "age"), given(float(life_years), "year", "life")
    if method == "straight-line":
        return straight_line(cost, age, life).samples
    if method == "annuity":
        paid = annuity(given(rate, "1", "rate"), life).samples
        left = _worth_of_ones(rate, life_years - ages)[:, np.newaxis]
        return np.asarray(cost.samples * paid * left)
    if method != "declining":
        raise ValueError(f"method = {method!r}: allowed are {', '.join(METHODS)}")
    books = [cost.samples]
    for year in range(life_years):  # the larger of the declining share and an even rest
        books.append(books[-1] * (1 - max(min(factor / life_years, 1.0), 1 / (life_years - year))))
    return np.stack(books)


def _worth_of_ones(rate: float, years: Array) -> Array:
    """What a payment of 1 a year for `years` is worth: (1 - (1 + r)^-n) / r, n without interest."""
    if abs(rate) < 1e-9:
        return years
    return np.asarray(-np.expm1(-years * np.log1p(rate)) / rate)


def charges(books: Array) -> Array:
    """Depreciation of every year from book values: what each year takes off."""
    return np.asarray(books[:-1] - books[1:])


def payback_months(invested: Estimate, monthly_gain: Estimate) -> Estimate:
    """Months until an even gain has paid a sum back, undiscounted; inf where there is no gain."""
    months = (invested / monthly_gain).to("month")
    counted = np.where(monthly_gain.samples > 0, months.samples, np.inf)
    return derived(
        counted, "month", "apps.payback", "invested / gain a month", (invested, monthly_gain)
    )  # fmt: skip


def present_value(gain: Estimate, rate: Estimate, life: Estimate) -> Estimate:
    """What an even gain over a life is worth today: gain / annuity(rate, life)."""
    worth = gain / annuity(rate, life)
    return worth.named("apps.present_value", "gain x (1 - (1 + r)^-years) / r")
