import numpy as np
import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from groundup.apps.economics import (
    UserMonth,
    break_even_tokens,
    break_even_users,
    concentration,
    cost_at_use,
    equal_compute_tokens,
    gross_margin,
    growth_per_year,
    lifetime_share,
    nothing,
    price_for_margin,
    profit_over_cost,
    tokens_within,
)
from groundup.facts.catalogue import load_catalogue
from groundup.facts.estimate import given

FACTS = load_catalogue()
money = st.floats(0.01, 1e6)
MONTH = "USD/(user*month)"


def usd(value, unit="USD"):
    return given(value, unit, "x", "here")


@examples(money, st.floats(0, 0.95))
def test_price_for_a_margin_gives_that_margin(cost, margin):
    price = price_for_margin(usd(cost), given(margin, "1", "m"))
    assert gross_margin(price, usd(cost)).value == pytest.approx(margin, abs=1e-9)


def test_a_service_published_with_its_prices():
    # DeepSeek's day: 226.75 servers of eight at 2 USD an hour, tokens at the prices of R1
    day = {key.rsplit(".", 1)[1]: FACTS.estimate(key) for key in FACTS.keys("apps.deepseek.")}
    price = {
        kind: FACTS.estimate(f"middleware.price.deepseek-r1.{kind}")
        for kind in ("input", "cached", "output")
    }
    cost = (day["servers"] * day["accelerators_per_server"] * day["rent"]).to("USD/day")
    fresh = day["input_tokens"] - day["cached_tokens"]
    revenue = (
        fresh * price["input"] + day["cached_tokens"] * price["cached"]
        + day["output_tokens"] * price["output"]
    ).to("USD/day")  # fmt: skip
    assert cost.value == pytest.approx(day["cost"].value)
    assert revenue.value == pytest.approx(day["revenue"].value, rel=3e-4)
    over = profit_over_cost(revenue, cost)
    assert over.value == pytest.approx(day["profit_over_cost"].value, rel=2e-3)
    assert gross_margin(revenue, cost).value == pytest.approx(0.845, abs=1e-3)


@examples(money, money, money, money, money)
def test_a_users_month_adds_up(subscription, metered, serving, retrieval, people):
    parts = (subscription, metered, serving, retrieval, people)
    user = UserMonth(*(usd(x, MONTH) for x in parts))
    assert user.contribution.value == pytest.approx(
        subscription + metered - serving - retrieval - people, rel=1e-9, abs=1e-6
    )
    assert user.margin.value == pytest.approx(
        user.contribution.value / user.revenue.value, rel=1e-6, abs=1e-9
    )


@examples(money, money)
def test_at_break_even_users_carry_the_fixed_cost(fixed, each):
    users = break_even_users(usd(fixed, "USD/month"), usd(each, MONTH))
    assert users.value * each == pytest.approx(fixed)


def test_nobody_breaks_even_at_a_loss():
    assert break_even_users(usd(1.0, "USD/month"), usd(-1.0, MONTH)).value == np.inf
    tokens = break_even_tokens(usd(1e6), usd(1.0, "USD/Mtoken"), usd(1.0, "USD/Mtoken"))
    assert tokens.value == np.inf


def test_tokens_that_pay_a_run_back():
    tokens = break_even_tokens(usd(5.576e6), usd(2.19, "USD/Mtoken"), usd(0.19, "USD/Mtoken"))
    assert tokens.to("token").value == pytest.approx(5.576e6 / 2.0e-6)


@examples(st.floats(1e9, 1e14))
def test_half_of_the_arithmetic_is_training_at_three_times_its_tokens(trained):
    d = given(trained, "token", "D")
    assert lifetime_share(d, equal_compute_tokens(d)).value == pytest.approx(0.5)
    assert lifetime_share(d, given(0.0, "token", "T")).value == 1.0


def test_tokens_that_a_subscription_can_give_away():
    tokens = tokens_within(usd(30, MONTH), given(0.6, "1", "m"), usd(0.52, "USD/Mtoken"))
    assert tokens.value == pytest.approx(30 * 0.4 / 0.52)
    left = gross_margin(usd(30), usd(tokens.value * 0.52))
    assert left.value == pytest.approx(0.6)


@examples(st.floats(0.05, 1.0), money, money)
def test_an_idle_fleet_costs_more_a_token(use, fixed, variable):
    def cost(share):
        return cost_at_use(usd(fixed), usd(variable), given(share, "1", "u")).value

    assert cost(use) >= cost(1.0) - 1e-9
    assert cost(1.0) == pytest.approx(fixed + variable)


def test_concentration_and_growth_by_their_definitions():
    equal = tuple(given(0.25, "1", f"s{i}") for i in range(4))
    assert concentration(equal).value == pytest.approx(2500)
    assert growth_per_year(usd(1.0), usd(2.0), 7.0).value == pytest.approx(2 ** (1 / 7) - 1)
    assert nothing("USD").value == 0
