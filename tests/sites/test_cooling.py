import numpy as np
import pytest
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import ConfigError
from groundup.facts.estimate import given
from groundup.sites.cooling import (
    METHODS,
    airflow,
    coolest,
    method,
    rack_heat,
    rack_limit,
    racks,
    servers_per_rack,
    waterflow,
)

FACTS = load_catalogue()


def test_superpods_put_four_air_cooled_servers_in_a_rack():
    # NVIDIA DGX SuperPOD: four DGX H100 in 40.8 kW; four DGX B300 in about 56 kW do not quite fit
    assert servers_per_rack("h100-sxm", "air", FACTS) == 4
    assert rack_heat("h100-sxm", "air", FACTS).value == pytest.approx(40.8)
    assert servers_per_rack("b300", "rear-door", FACTS) == 4


def test_a_rack_too_hot_for_its_cooling_names_what_can():
    with pytest.raises(ConfigError, match=r"gb200.*120\.0 kW.*56 kW.*cold-plate, immersion"):
        servers_per_rack("gb200", "air", FACTS)
    assert servers_per_rack("gb200", "liquid", FACTS) == 1


def test_racks_of_a_superpod():
    # 32 DGX H100 of a scalable unit stand in eight racks
    assert racks("h100-sxm", given(256.0, "accelerator", "n"), "air", FACTS).value == 8
    assert racks("gb200", given(73.0, "accelerator", "n"), "liquid", FACTS).value == 2
    many = racks("h100-sxm", given([1.0, 32.0, 33.0], "accelerator", "n"), "air", FACTS)
    assert list(many.values) == [1, 1, 2]


def test_a_stated_rack_must_hold_a_server_and_stay_below_the_limit():
    assert servers_per_rack("h100-sxm", "air", FACTS, 20.4) == 2
    for wrong in (5.0, 100.0):
        with pytest.raises(ConfigError, match=r"sites\.rack_kw.*10\.2 kW.*56 kW"):
            servers_per_rack("h100-sxm", "air", FACTS, wrong)


def test_airflow_of_120_kw_is_what_handbooks_say():
    # Q = 1.08 x CFM x dT in Btu/h, ft3/min and F: 120 kW at 20 F are about 19 000 ft3/min
    rise = FACTS["sites.air.rise"].value
    cubic_feet = airflow(given(120.0, "kW", "rack"), FACTS).to("m^3/s").value / 0.3048**3 * 60
    expected = 120e3 * 3.412142 / (1.08 * rise * 1.8)
    assert cubic_feet == pytest.approx(expected, rel=0.02)


def test_water_carries_thousands_of_times_more_than_air():
    heat = given(100.0, "kW", "rack")
    air = airflow(heat, FACTS).to("m^3/s").value
    water = waterflow(heat, FACTS).to("m^3/s").value
    assert 1000 < air / water < 10_000
    assert water * 1000 * 4186 * FACTS["sites.water.rise"].value == pytest.approx(100e3)


@hypothesis_given(st.floats(1, 220))
def test_the_simplest_cooling_takes_the_heat_and_simpler_ones_do_not(heat):
    chosen = coolest(heat, FACTS)
    assert rack_limit(chosen, FACTS).value >= heat
    for simpler in METHODS[: METHODS.index(chosen)]:
        assert rack_limit(simpler, FACTS).value < heat


def test_liquid_is_cold_plate_and_nothing_cools_a_megawatt():
    assert method("liquid") == "cold-plate"
    assert method("air") == "air"
    assert coolest(1000, FACTS) == "none"
    assert np.isfinite(rack_limit("immersion", FACTS, 50).samples).all()
