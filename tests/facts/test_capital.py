"""Capital cost: pays back exactly, and without interest is a straight line."""

import pytest
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

from groundup.facts.capital import annuity, capital_cost
from groundup.facts.estimate import given
from groundup.facts.layer import Ask

RATES = st.one_of(st.just(0.0), st.floats(1e-4, 0.3))


def paid(rate, years):
    return annuity(given(rate, "1", "rate"), given(float(years), "year", "life")).to("1/year").value


@hypothesis_given(RATES, st.integers(1, 40))
def test_annuity_pays_back_exactly(rate, years):
    worth = sum(paid(rate, years) / (1 + rate) ** year for year in range(1, years + 1))
    assert worth == pytest.approx(1.0, rel=1e-6)


def test_printed_interest_tables():
    # capital recovery factors as printed in the interest tables of Park, Contemporary
    # Engineering Economics, appendix: 9 % over 5 and 20 years, 12 % over 10
    assert paid(0.09, 5) == pytest.approx(0.2571, abs=5e-5)
    assert paid(0.09, 20) == pytest.approx(0.1095, abs=5e-5)
    assert paid(0.12, 10) == pytest.approx(0.1770, abs=5e-5)


def test_without_interest_it_is_a_straight_line():
    cost = capital_cost(
        given(1000.0, "USD", "price"), given(365.25, "day", "used"), given(5.0, "year", "life"),
        Ask("any"),
    )  # fmt: skip
    assert cost.value == pytest.approx(200.0)
    assert str(cost.unit) == "USD"
