import numpy as np
import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from groundup.apps.investment import (
    METHODS,
    book_values,
    charges,
    irr,
    monthly,
    npv,
    payback,
    payback_months,
    present_value,
)
from groundup.facts.estimate import given

rates = st.floats(0.0, 0.5)


def usd(value, unit="USD"):
    return given(value, unit, "x", "here")


def test_worked_example_of_present_value():
    # numpy-financial's manual: cash flows of five years at 8 % are worth 3065.22
    flows = [-40_000, 5_000, 8_000, 12_000, 30_000]
    assert float(npv(0.08, flows)) == pytest.approx(3065.22, abs=0.01)


@pytest.mark.parametrize(
    ("flows", "rate"),
    [
        ([-100, 39, 59, 55, 20], 0.28095),  # numpy-financial's manual, five examples
        ([-100, 0, 0, 74], -0.0955),
        ([-100, 100, 0, -7], -0.0833),
        ([-100, 100, 0, 7], 0.06206),
        ([-5, 10.5, 1, -8, 1], 0.0886),
    ],
)
def test_worked_examples_of_internal_rates(flows, rate):
    found = float(irr(flows))
    assert float(npv(found, flows)) == pytest.approx(0, abs=1e-6)
    assert found == pytest.approx(rate, abs=1e-4)


@examples(rates, st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=12))
def test_present_value_agrees_with_a_library(rate, flows):
    library = pytest.importorskip("numpy_financial")
    assert float(npv(rate, flows)) == pytest.approx(library.npv(rate, flows), rel=1e-9, abs=1e-7)


@examples(st.floats(1, 1e3), st.lists(st.floats(1, 1e3), min_size=2, max_size=12))
def test_internal_rate_agrees_with_a_library(paid, gains):
    library = pytest.importorskip("numpy_financial")
    flows = [-paid, *gains]
    found = float(irr(flows))
    other = library.irr(flows)
    if np.isfinite(other) and other < 1e3:
        assert found == pytest.approx(other, rel=1e-6, abs=1e-6)


def test_many_draws_are_one_call():
    flows = np.stack([np.full(1000, -100.0), np.linspace(50, 150, 1000), np.full(1000, 50.0)])
    found = irr(flows)
    assert np.all(np.diff(found) > 0)
    assert npv(found, flows) == pytest.approx(0, abs=1e-8)
    assert np.isnan(irr(np.array([1.0, 1.0])))


def test_payback_counts_parts_of_a_period():
    assert float(payback([-100, 40, 40, 40])) == pytest.approx(2.5)
    assert float(payback([-100, 40, 40])) == np.inf
    assert float(payback([0, 40])) == 0.0
    # Park: 10 % on -100 and three times 50 is paid back in the third period
    assert 2 < float(payback([-100, 50, 50, 50], 0.1)) < 3
    assert float(payback([-100, 50, 50, 50], 0.1)) > float(payback([-100, 50, 50, 50]))


@pytest.mark.parametrize("method", METHODS)
def test_every_method_writes_off_the_whole_purchase(method):
    books = book_values(usd(1000.0), 5, method, rate=0.08)
    assert books[0] == pytest.approx(1000)
    assert books[-1] == pytest.approx(0, abs=1e-9)
    assert charges(books).sum() == pytest.approx(1000)
    assert np.all(charges(books) >= -1e-9)


def test_double_declining_balance_goes_over_to_a_straight_line():
    # five years, 40 %: 400, 240, 144, then the even rest of 216 is faster
    written = charges(book_values(usd(1000.0), 5, "declining"))[:, 0]
    assert written == pytest.approx([400, 240, 144, 108, 108])


def test_annuity_charges_and_interest_are_even_payments():
    # a loan of 1000 over five years at 8 % is paid with 250.46 a year (any table of annuities)
    books = book_values(usd(1000.0), 5, "annuity", rate=0.08)
    paid = charges(books) + 0.08 * books[:-1]
    assert paid == pytest.approx(250.456, abs=1e-3)
    even = charges(book_values(usd(1000.0), 5, "annuity"))
    assert even == pytest.approx(200)


def test_an_unknown_method_is_named():
    with pytest.raises(ValueError, match="straight-line"):
        book_values(usd(1.0), 5, "sum of digits")


@examples(rates)
def test_twelve_months_are_a_year(rate):
    assert (1 + float(monthly(rate))) ** 12 == pytest.approx(1 + rate)


def test_even_gains():
    months = payback_months(usd(100.0, "MUSD"), usd(10.0, "MUSD/month"))
    assert months.value == pytest.approx(10)
    assert payback_months(usd(1.0), usd(-1.0, "USD/month")).value == np.inf
    worth = present_value(usd(100.0, "USD/year"), given(0.08, "1", "r"), given(5.0, "year", "n"))
    assert worth.to("USD").value == pytest.approx(399.271, abs=1e-3)
    flows = [0, 100, 100, 100, 100, 100]
    assert worth.to("USD").value == pytest.approx(float(npv(0.08, flows)))
