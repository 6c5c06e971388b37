from itertools import product

import numpy as np
import pytest
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

from groundup.facts.catalogue import load_catalogue
from groundup.facts.estimate import given
from groundup.sites.availability import (
    TIERS,
    availability,
    down_share,
    outage_cost,
    outage_minutes,
    table,
    too_few,
)

FACTS = load_catalogue()


def enumerated(down, needed, spares):
    """Probability of too few units, by going through every state."""
    units = needed + spares
    bad = 0.0
    for state in product((0, 1), repeat=units):
        if sum(state) < needed:
            bad += np.prod([1 - down if up else down for up in state])
    return bad


@hypothesis_given(st.floats(0, 1), st.integers(1, 4), st.integers(0, 3))
def test_too_few_units_by_enumeration(down, needed, spares):
    found = too_few(given(down, "1", "down"), needed, spares).value
    assert found == pytest.approx(enumerated(down, needed, spares), abs=1e-12)


def test_down_share_of_the_grid_by_hand():
    busy = 1.956 * 1.32 / (365.25 * 24)
    assert down_share("grid", FACTS).value == pytest.approx(busy / (1 + busy))


def test_more_spares_are_never_worse():
    found = dict(table(FACTS))
    assert found["n"].value < found["n+1"].value <= found["n+2"].value
    assert found["n+2"].value < found["2n"].value <= found["2(n+1)"].value


def test_between_the_published_tiers():
    # tier I has no spares, tier III N+1 with a second path, tier IV a doubled plant; failures alone
    # (no people, no common causes) are an upper bound, so ours are above the tiers
    tier = {name: FACTS[f"sites.tier.{name}"].value for name in TIERS}
    assert list(tier.values()) == sorted(tier.values())
    assert availability("n", FACTS).value > tier["i"]
    assert tier["iii"] < availability("n+1", FACTS).value < availability("2n", FACTS).value
    assert availability("2n", FACTS).value > tier["iv"]


def test_four_nines_are_53_minutes_and_cost_473_thousand():
    nines = given(0.9999, "1", "nines")
    assert outage_minutes(nines).value == pytest.approx(52.596)
    cost = outage_cost(nines, given(9000.0, "USD/min", "a minute"))
    assert cost.to("USD/year").value == pytest.approx(473_364)


def test_draws_stay_probabilities():
    drawn = availability("n+1", FACTS, 500).samples
    assert ((drawn > 0.99) & (drawn < 1)).all()
