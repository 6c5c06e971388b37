import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import ConfigError, NoDataError
from groundup.materials.catalogue import materials, steps, suppliers
from groundup.materials.market import Shock, lost_output, served

FACTS = load_catalogue()
MONTHS = 30
MARKETS = [
    (name, step, who)
    for name in materials()
    for step in steps(name, FACTS)
    for who in suppliers(name, step, FACTS)
]
markets = st.sampled_from(MARKETS)


def changed(**values):
    """The facts with some of gallium's numbers set, without doubt."""
    new = []
    for name, value in values.items():
        fact = FACTS[f"materials.gallium.{name.replace('__', '.')}"]
        new.append(dataclasses.replace(fact, value=value, low=value, high=value))
    return FACTS.with_facts(new)


def shock(lost=1.0, start=0, months=12, supplier="china", step="refining", name="gallium"):
    return Shock(name, step, supplier, lost, start, months)


def test_no_shock_serves_everyone():
    for name in materials():
        np.testing.assert_array_equal(served(name, [], FACTS, 12, 50).samples, np.ones((12, 51)))


def test_balance_by_hand():
    # 98 % lost, nothing idle, no substitute, two months of stock: 0.98 is drawn each month
    facts = changed(stock=2.0, spare=0.0, substitution=0.0)
    left = served("gallium", [shock(months=6)], facts, 8).values
    expected = [1, 1, 0.02 + (2 - 2 * 0.98), 0.02, 0.02, 0.02, 1, 1]
    np.testing.assert_allclose(left, expected)


def test_ramps_by_hand():
    # no stock; idle capacity 0.24 over 12 months, substitutes 0.18 over 18 months
    facts = changed(
        stock=0.0, spare=0.24, spare_time=12.0, substitution=0.18, substitution_time=18.0
    )
    left = served("gallium", [shock(start=2, months=20)], facts, 26).values
    for month in range(2, 22):
        since = month - 2
        made = 0.02 + 0.24 * min(1, since / 12) + 0.18 * min(1, since / 18)
        assert left[month] == pytest.approx(made)
    np.testing.assert_allclose(left[[0, 1, 22, 25]], 1)


def test_stocks_delay_the_loss():
    first = {}
    for stock in (0.0, 2.0, 5.0):
        left = served("gallium", [shock()], changed(stock=stock), MONTHS).values
        first[stock] = int(np.argmax(left < 0.999))
    assert first[0.0] == 0
    assert first[0.0] < first[2.0] < first[5.0]


def test_what_is_made_stocked_and_used_balances():
    # nothing is created: total delivered <= total made + stock at the beginning
    facts = changed(substitution=0.0)
    event = [shock(months=18)]
    delivered = served("gallium", event, facts, MONTHS, 200).samples
    made = 1 - lost_output("gallium", event, facts, MONTHS, 200)
    spare = facts.estimate("materials.gallium.spare", 200).samples
    stock = facts.estimate("materials.gallium.stock", 200).samples
    assert (delivered.sum(axis=0) <= (made + spare).sum(axis=0) + stock + 1e-9).all()


def test_half_of_the_neon_makers_closed_in_2022_and_chips_went_on():
    # from March 2022 two firms with half of the market stood still; no maker of chips reported
    # lost output, as stocks, other makers and recycling took over
    event = [Shock("neon", "production", "ukraine", 1.0, 0, 24)]
    left = served("neon", event, FACTS, 24, 2000)
    assert left.values.min() > 0.95
    # with the pessimistic third of the draws a shortage was possible: that was the fear
    assert (left.samples.min(axis=0) < 0.95).mean() > 0.05


@given(markets, st.floats(0, 1), st.floats(0, 1), st.integers(0, 10), st.integers(0, 24))
def test_a_larger_shock_never_serves_more(market, one, other, start, months):
    name, step, who = market
    small, large = (
        served(name, [Shock(name, step, who, lost, start, months)], FACTS, MONTHS, 5).samples
        for lost in sorted((one, other))
    )
    assert (large <= small + 1e-12).all()


@given(markets, st.floats(0.01, 1), st.integers(0, 10), st.integers(1, 20), st.integers(0, 9))
def test_a_longer_shock_never_serves_more(market, lost, start, months, more):
    name, step, who = market
    short, long = (
        served(name, [Shock(name, step, who, lost, start, m)], FACTS, MONTHS, 5).samples
        for m in (months, months + more)
    )
    assert (long <= short + 1e-12).all()


@given(markets, st.floats(0, 1), st.integers(0, 10), st.integers(0, 12))
def test_shares_stay_between_nothing_and_all_and_recover(market, lost, start, months):
    name, step, who = market
    left = served(name, [Shock(name, step, who, lost, start, months)], FACTS, MONTHS, 5).samples
    assert left.min() >= 0
    assert left.max() <= 1
    np.testing.assert_allclose(left[start + months :], 1)
    np.testing.assert_allclose(left[:start], 1)


def test_losses_of_suppliers_add_and_of_steps_do_not():
    two = [shock(supplier="russia", name="cobalt", step="mining", lost=1.0),
           shock(supplier="congo", name="cobalt", step="mining", lost=0.5)]  # fmt: skip
    assert lost_output("cobalt", two, FACTS, 1)[0, 0] == pytest.approx(8700 / 290000 + 0.38)
    again = [shock(lost=0.8), shock(lost=0.8)]  # one supplier cannot lose more than it has
    assert lost_output("gallium", again, FACTS, 1)[0, 0] == pytest.approx(0.98)
    steps_two = [shock(supplier="congo", name="cobalt", step="mining", lost=0.5),
                 shock(supplier="china", name="cobalt", step="refining", lost=1.0)]  # fmt: skip
    assert lost_output("cobalt", steps_two, FACTS, 1)[0, 0] == pytest.approx(0.78)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"step": "melting"}, "allowed is one of: mining, refining, production, share"),
        ({"lost": 1.2}, "lost = 1.2; allowed is 0 to 1"),
        ({"start": -1}, "start = -1"),
        ({"months": -3}, "months = -3"),
    ],
)
def test_impossible_shocks_are_refused(fields, says):
    with pytest.raises(ConfigError, match=says):
        shock(**fields)


def test_unknown_names_suggest_the_nearest():
    with pytest.raises(NoDataError, match="did you mean 'china'"):
        served("gallium", [shock(supplier="chna")], FACTS, 3)
    with pytest.raises(NoDataError, match="steps on record: refining"):
        served("gallium", [shock(step="mining")], FACTS, 3)
    with pytest.raises(NoDataError, match="no material `unobtainium`"):
        served("unobtainium", [], FACTS, 3)


def test_a_point_is_the_first_draw():
    event = [shock(lost=0.7, start=1, months=9)]
    point = served("gallium", event, FACTS, 20).samples
    draws = served("gallium", event, FACTS, 20, 300).samples
    np.testing.assert_allclose(point[:, 0], draws[:, 0])
