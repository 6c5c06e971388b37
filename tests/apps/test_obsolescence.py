import numpy as np
import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from groundup.apps.obsolescence import (
    best_wait,
    break_even_month,
    competition_price,
    flows,
    latest_start,
    launch,
    price_after,
    refresh_months,
    tokens_to_repay,
    waited,
    worth,
    worth_by_month,
    yearly_fall,
)
from groundup.facts.catalogue import load_catalogue
from groundup.facts.estimate import given

FACTS = load_catalogue()


def plan(training=1e6, tokens=1e5, price=10.0, cost=1.0, fall=10.0, rate=0.09):
    return launch(
        given(training, "USD", "training"), given(tokens, "Mtoken/month", "tokens"),
        given(price, "USD/Mtoken", "price"), given(cost, "USD/Mtoken", "cost"),
        given(fall, "1", "fall"), given(rate, "1", "rate"),
    )  # fmt: skip


def by_hand(training, tokens, price, cost, fall, rate, lead, life):
    """Month after month, as one would in a ledger."""
    value = -training
    for month in range(lead + 1, lead + life + 1):
        left = max(price * fall ** (-(month - 0.5) / 12) - cost, 0)
        value += tokens * left / (1 + rate) ** (month / 12)
    return value


@settings(max_examples=50)
@examples(
    st.floats(1e5, 1e7), st.floats(1, 100), st.floats(0, 5), st.floats(1, 50), st.floats(0, 0.3),
    st.integers(0, 6), st.integers(1, 24),
)  # fmt: skip
def test_worth_agrees_with_a_ledger(training, price, cost, fall, rate, lead, life):
    found = worth(plan(training, 1e5, price, cost, fall, rate), lead, life)
    ledger = by_hand(training, 1e5, price, cost, fall, rate, lead, life)
    assert found.value == pytest.approx(ledger, rel=1e-9, abs=1e-3)
    assert found.inputs


def test_the_curve_ends_at_the_worth_and_begins_with_the_bill():
    curve = worth_by_month(plan(), 2, 12)
    assert curve[0, 0] == -1e6
    assert curve[-1, 0] == pytest.approx(worth(plan(), 2, 12).value)


def test_break_even_lies_where_the_curve_crosses_zero():
    when = break_even_month(plan(), 2, 12).value
    curve = worth_by_month(plan(), 2, 12)[:, 0]
    assert curve[int(np.floor(when))] < 0 <= curve[int(np.ceil(when))]
    assert break_even_month(plan(training=1e9), 2, 12).value == np.inf


def test_repaying_tokens_are_worth_exactly_nothing():
    needed = tokens_to_repay(plan(), 1, 9).value
    assert worth(plan(tokens=needed), 1, 9).value == pytest.approx(0, abs=1e-3)
    assert tokens_to_repay(plan(price=0.5), 1, 9).value == np.inf


def test_no_one_serves_below_cost():
    held = flows(plan(price=2.0), 0, 24)
    assert held[1:].min() == 0.0
    assert flows(plan(price=2.0), 0, 24, market=False).min() < 0


@settings(max_examples=25)
@examples(st.floats(1.5, 50), st.floats(1.5, 50))
def test_faster_decay_is_worth_less(slow, fast):
    slow, fast = sorted((slow, fast))
    slowly, quickly = (worth(plan(fall=f), 2, 12).value for f in (slow, fast))
    assert quickly <= slowly + 1e-6


def test_latest_start_is_the_last_month_that_pays():
    last = int(latest_start(plan(), 1, 18).value)
    assert waited(plan(), 1, 18, last).value >= 0
    assert all(waited(plan(), 1, 18, wait).value < 0 for wait in range(last + 1, 18))
    assert latest_start(plan(training=1e9), 1, 18).value == -1


def test_without_cheaper_training_waiting_only_loses():
    same = given(1.0, "1", "no fall")
    wait, gain = best_wait(plan(), 1, 18, same)
    assert wait.value == 0
    assert gain.value == 0
    assert worth(plan(), 1, 17).value == pytest.approx(waited(plan(), 1, 18, 0).value)


def test_dear_training_that_gets_cheaper_is_worth_waiting_for():
    dear = plan(training=2e7, fall=1.5)
    wait, gain = best_wait(dear, 1, 36, given(10.0, "1", "fall"))
    assert 0 < wait.value < 36
    assert gain.value > 0
    at_once = max(waited(dear, 1, 36, 0).value, 0)
    later = waited(dear, 1, 36, int(wait.value), given(10.0, "1", "fall")).value
    assert later - at_once == pytest.approx(gain.value)


def test_cheap_runs_are_refreshed_more_often():
    often, rarely = (refresh_months(plan(training=c), 48).value for c in (1e4, 1e6))
    assert often < rarely


def test_falls_of_prices_as_published():
    part = {key: FACTS.estimate(f"apps.fallen.{key}") for key in ("from", "to")}
    assert (part["from"] / part["to"]).value == pytest.approx(280, rel=0.03)  # AI Index: 280 times
    gpt3 = [FACTS[f"apps.fallen.gpt3_{key}"] for key in ("from", "to")]
    years = (gpt3[1].as_of - gpt3[0].as_of).days / 365.25
    start, end = (FACTS.estimate(fact.key) for fact in gpt3)
    fall = yearly_fall(start, end, years)
    assert fall.value == pytest.approx(FACTS["apps.price_fall"].value, rel=0.05)  # a16z: 10 a year
    assert price_after(start, fall, given(years, "year", "t")).value == pytest.approx(0.06)


def test_the_last_seller_needed_sets_the_price():
    costs, room = np.array([3.0, 1.0, 2.0]), np.array([10.0, 10.0, 10.0])
    assert [competition_price(costs, room, d) for d in (5, 15, 25)] == [1.0, 2.0, 3.0]
    assert np.isnan(competition_price(costs, room, 31))


def test_draws_give_intervals():
    made = launch(
        given(1e6, "USD", "t"), given(1e5, "Mtoken/month", "n"), given(10.0, "USD/Mtoken", "p"),
        given(1.0, "USD/Mtoken", "c"), FACTS.estimate("apps.price_fall", 500),
        FACTS.estimate("sites.wacc", 500),
    )  # fmt: skip
    value = worth(made, 2, 12)
    assert value.low < value.value < value.high
