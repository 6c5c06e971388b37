from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

from groundup.facts.catalogue import load_catalogue
from groundup.facts.estimate import given
from groundup.sites.time_to_power import (
    DELIVERIES,
    OFF_GRID,
    ROUTES,
    lead,
    months_to_all,
    on_line,
)

FACTS = load_catalogue()


def test_routes_from_the_fastest_to_the_slowest():
    months = {route: lead(route, FACTS).to("month").value for route in ROUTES}
    assert months["mobile-gas"] < months["ready"] < months["gas-engine"] < months["aeroderivative"]
    assert months["aeroderivative"] < months["grid"] < months["gas-turbine"] < months["smr"]
    assert months["fuel-cell"] == months["ready"]  # the building's own equipment takes longer


def test_colossus_took_122_days():
    assert lead("mobile-gas", FACTS).to("day").value == pytest.approx(122, rel=0.01)


def test_every_route_has_a_lead_and_plants_have_carbon_and_price():
    for route in OFF_GRID:
        for what in ("lead", "price", "carbon"):
            assert f"sites.route.{route}.{what}" in FACTS


@hypothesis_given(st.sampled_from(ROUTES), st.floats(1, 2000), st.integers(1, 120))
def test_power_comes_late_never_falls_and_never_passes_what_is_wanted(route, wanted, months):
    made = on_line(given(wanted, "MW", "wanted"), route, months, FACTS).samples[:, 0]
    assert made.shape == (months,)
    assert (np.diff(made) >= 0).all()
    assert (made <= wanted * (1 + 1e-12)).all()
    first = lead(route, FACTS).to("month").value
    assert (made[: int(first)] == 0).all()


def test_all_is_on_line_when_the_formula_says():
    wanted = given(500.0, "MW", "wanted")
    last = months_to_all(wanted, "ready", FACTS).value
    made = on_line(wanted, "ready", 60, FACTS).samples[:, 0]
    assert made[int(np.ceil(last)) - 1] == pytest.approx(500)
    assert made[int(np.floor(last)) - 1] < 500


def test_draws_are_kept_as_columns():
    made = on_line(given(100.0, "MW", "wanted"), "grid", 90, FACTS, samples=200)
    assert made.samples.shape == (90, 201)
    assert made.rows == 90


def test_a_large_transformer_can_be_what_a_route_waits_for():
    fast = FACTS.with_facts([replace(FACTS["sites.route.grid.lead"], value=12, low=12, high=12)])
    weeks = FACTS["sites.delivery.transformer"].value
    assert lead("grid", fast).to("week").value == pytest.approx(weeks)
    assert lead("gas-engine", fast).to("month").value == 15  # small plants do not need one
    for name in DELIVERIES:
        assert FACTS[f"sites.delivery.{name}"].value > 20
