import pytest
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

from groundup.facts.catalogue import load_catalogue
from groundup.facts.estimate import given
from groundup.sites.power_chain import (
    REDUNDANCY,
    backup,
    battery_energy,
    chain_efficiency,
    stages,
    unit_load,
    units,
    ups_efficiency,
)

FACTS = load_catalogue()
BY_HAND = {"n": 10, "n+1": 11, "n+2": 12, "3n/2": 15, "2n": 20, "2(n+1)": 22}


@pytest.mark.parametrize("redundancy", REDUNDANCY)
def test_units_of_a_twenty_megawatt_hall(redundancy):
    count = units(given(20.0, "MW", "hall"), given(2.0, "MW", "unit"), redundancy)
    assert count.value == BY_HAND[redundancy]


@hypothesis_given(st.floats(0.1, 500), st.sampled_from(REDUNDANCY))
def test_units_always_carry_the_load_and_spares_never_hurt(load, redundancy):
    each = given(2.0, "MW", "unit")
    bare = units(given(load, "MW", "load"), each, "n").value
    assert bare * 2.0 >= load * (1 - 1e-6)
    assert units(given(load, "MW", "load"), each, redundancy).value >= bare


def test_a_supply_is_best_near_half_load_and_poor_when_empty():
    found = {share: ups_efficiency(share, FACTS).value for share in (0.05, 0.5, 1.0)}
    assert found[0.5] == pytest.approx(0.97, abs=0.005)
    assert found[1.0] == pytest.approx(0.97, abs=0.005)
    assert found[0.05] < 0.92


def test_double_paths_run_at_half_load():
    assert unit_load("2n") == 0.5
    assert unit_load("n") == 1
    assert unit_load("n+1") == pytest.approx(0.8)


def test_chain_is_the_product_of_its_stages():
    made = 1.0
    for stage in stages(FACTS, redundancy="2n"):
        made *= stage.efficiency.value
    assert chain_efficiency(FACTS, redundancy="2n").value == pytest.approx(made)
    assert 0.93 < made < 0.98


def test_battery_holds_the_load_for_its_minutes_at_the_end_of_its_life():
    energy = battery_energy(given(100.0, "MW", "load"), FACTS).to("MWh").value
    assert energy * 0.8 * 0.95 == pytest.approx(100 * 5 / 60)


def test_backup_of_a_site_scales_with_it():
    small, large = (
        backup(given(mw, "MW", "IT"), given(1.1 * mw, "MW", "site"), "n+1", FACTS)
        for mw in (10.0, 100.0)
    )
    assert small["generators"].value == 5  # 11 MW over 3 MW units, and one
    assert large["diesel"].value == pytest.approx(10 * small["diesel"].value)
    assert large["diesel"].to("L").value == pytest.approx(110e3 * 24 * 0.25)
