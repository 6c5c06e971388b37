import numpy as np
import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.facts.estimate import given
from groundup.sites.economics import (
    accelerator_price,
    all_in,
    building_parts,
    declining,
    straight_line,
)

FACTS = load_catalogue()


def test_book_values():
    cost, life = given(100.0, "USD", "cost"), given(5.0, "year", "life")
    ages = [given(float(age), "year", "age") for age in range(6)]
    straight = [straight_line(cost, age, life).value for age in ages]
    np.testing.assert_allclose(straight, [100, 80, 60, 40, 20, 0], atol=1e-9)
    double = [declining(cost, age, life).value for age in ages]
    np.testing.assert_allclose(double, [100 * 0.6**age for age in range(6)])


def test_parts_of_a_building_add_up():
    capex = given(1e9, "USD", "building")
    found = building_parts(capex, FACTS)
    assert sum(part.value for part in found.values()) == pytest.approx(1e9)
    assert max(found, key=lambda name: found[name].value) == "power_and_cooling"


def test_a_gigawatt_costs_what_analysts_say():
    # Epoch 29 and 38, Bernstein 35 GUSD; GB200 racks of 120 kW with network and PUE
    found = all_in("gb200", given(1667 * 1.08, "W/accelerator", "each", "test"),
                   given(1.12, "1", "pue", "test"), FACTS)  # fmt: skip
    assert 29 <= found["total"].value <= 38
    assert found["total"].value == pytest.approx(FACTS["sites.all_in"].value, rel=0.10)
    assert found["machines"].value > 1.5 * found["building"].value


def test_rack_prices_go_before_chip_prices_and_none_is_no_data():
    assert accelerator_price("gb200", FACTS).value == pytest.approx(3.4e6 / 72)
    assert accelerator_price("h100-sxm", FACTS).value == pytest.approx(31904 * 1.35)
    assert accelerator_price("nothing", FACTS) is None
