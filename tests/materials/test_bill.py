import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.facts.catalogue import load_catalogue
from groundup.facts.estimate import given as known
from groundup.facts.layer import Ask
from groundup.materials.bill import of_optics, of_site, of_wafers, per_unit, shares, worth

FACTS = load_catalogue()


def wafers(count=1.0):
    return of_wafers(known(count, "wafer", "wafers"), FACTS)


def test_the_worlds_wafers_take_the_worlds_gases():
    # 2024's wafer area at 300 mm each gives back the industry's use that the facts state
    count = 7.9135e6 / (math.pi * 0.15**2)
    found = wafers(count)
    assert found["wafer_area"].to("km2").value == pytest.approx(7.9135)
    assert found["helium"].to("m^3").value == pytest.approx(180e6 * 0.12)
    assert found["nf3"].to("t").value == pytest.approx(30000 * 0.6)
    taken = shares(Ask("any", found), FACTS)
    assert taken["silicon wafers"].to("1").value == pytest.approx(1)
    assert taken["helium"].to("1").value == pytest.approx(0.12)


def test_a_laser_die_weighs_what_its_volume_says():
    found = of_optics(known(1.0, "transceiver", "one"), FACTS)
    # 8 lanes, half of them GaAs: 0.0625 mm2 x 0.625 mm x 5.317 g/cm3 x 0.482 / 0.5
    gallium = 8 * 0.5 * 0.0625 * 0.625 * 5.317 * 0.482 / 0.5
    assert found["gallium"].to("mg").value == pytest.approx(gallium, rel=1e-6)
    indium = 8 * 0.5 * 0.18 * 0.35 * 4.81 * 0.788 / 0.5
    assert found["indium"].to("mg").value == pytest.approx(indium, rel=1e-6)


def test_mass_fractions_are_those_of_the_compounds():
    atomic = {"Ga": 69.723, "As": 74.921595, "In": 114.818, "P": 30.973762}
    arsenide = atomic["Ga"] / (atomic["Ga"] + atomic["As"])
    phosphide = atomic["In"] / (atomic["In"] + atomic["P"])
    assert FACTS["materials.gallium.per_arsenide"].value == pytest.approx(arsenide, rel=1e-3)
    assert FACTS["materials.indium.per_phosphide"].value == pytest.approx(phosphide, rel=1e-3)


def test_fibre_takes_the_industrys_mean():
    # 0.4 x 210 t over 500 million km is 0.168 g a kilometre
    found = of_optics(known(1.0, "transceiver", "one"), FACTS)
    assert found["germanium"].to("g").value == pytest.approx(8 * 0.030 * 0.168)


def test_lithium_of_a_cell_is_not_below_what_faraday_allows():
    # one mole of lithium carries 26.8 Ah at 3.2 V
    least = 6.94 / (96485 / 3600 * 3.2)
    fact = FACTS["materials.lithium.per_energy"]
    assert fact.low == pytest.approx(least, rel=0.01)
    assert fact.value > least


def test_batteries_of_the_floor_above_are_used_where_given():
    site = {"site_power": known(100.0, "MW", "site")}
    by_time = of_site(Ask("h100-sxm", site), FACTS)["lithium"].to("kg").value
    assert by_time == pytest.approx(100e3 * 5 / 60 * 0.6 * 0.1)
    given_energy = {**site, "battery_energy": known(50.0, "MWh", "battery")}
    by_energy = of_site(Ask("h100-sxm", given_energy), FACTS)["lithium"].to("kg").value
    assert by_energy == pytest.approx(50e3 * 0.6 * 0.1)


def test_spines_are_counted_for_racks_that_have_them():
    site = {"site_power": known(10.0, "MW", "s"), "accelerators": known(720.0, "accelerator", "n")}
    assert "copper_spines" not in of_site(Ask("h100-sxm", site), FACTS)
    found = of_site(Ask("gb200", site), FACTS)
    assert found["copper_spines"].to("kg").value == pytest.approx(10 * 27.2)
    assert found["copper_spines"].to("t").value < found["copper"].to("t").value


def test_worth_is_amount_times_price():
    ask = Ask("any", {
        **wafers(7.9135e6 / (math.pi * 0.15**2)),
        "lithium": known(1.0, "t", "lithium"),
        "copper": known(2.0, "t", "copper"),
    })  # fmt: skip
    found = worth(ask, FACTS)
    assert found["silicon"].value == pytest.approx(11.5e9)  # the world's wafers, the world's sales
    assert found["copper"].value == pytest.approx(2000 * 9.3)
    # a tonne of lithium is 5.3 t of carbonate at 14 000 USD
    assert found["lithium"].value == pytest.approx(14000 * 73.89 / (2 * 6.94), rel=1e-3)
    assert set(found) == {"silicon", "helium", "lithium", "copper"}


def test_per_unit_covers_wafer_transceiver_and_megawatt():
    found = per_unit(FACTS)
    assert found["wafer"]["silicon"].to("g").value == pytest.approx(127.6, abs=0.1)
    assert found["megawatt"]["copper"].to("t").value == pytest.approx(27)
    assert found["transceiver"]["gallium"].to("mg").value < 5


@given(st.floats(1, 1e8), st.floats(1.01, 10))
def test_twice_the_wafers_take_twice_of_everything(count, factor):
    one, more = wafers(count), wafers(count * factor)
    for name, amount in one.items():
        np.testing.assert_allclose(more[name].samples, factor * amount.samples)
