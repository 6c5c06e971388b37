from statistics import NormalDist

import pytest
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

from groundup.facts.catalogue import load_catalogue
from groundup.facts.estimate import given
from groundup.sites.climate import CLIMATES, REJECTIONS, free_cooling, pue, share_below, wue
from groundup.sites.cooling import METHODS

FACTS = load_catalogue()


@hypothesis_given(st.floats(260, 310), st.floats(270, 302), st.floats(1, 12))
def test_share_of_the_year_is_the_normal_distribution_within_a_hundredth(limit, mean, spread):
    found = share_below(given(limit, "K", "a"), given(mean, "K", "b"), given(spread, "K", "c"))
    assert found.value == pytest.approx(NormalDist(mean, spread).cdf(limit), abs=0.01)


@pytest.mark.parametrize("way", METHODS)
@pytest.mark.parametrize("place", CLIMATES)
@pytest.mark.parametrize("plant", REJECTIONS)
def test_pue_and_water_stay_in_what_physics_allows(way, place, plant):
    made = pue(way, place, plant, FACTS, 300)
    assert 1.03 < made.low <= made.value <= made.high < 1.6
    assert 0 <= wue(way, place, plant, FACTS).to("L/kWh").value < 2.2
    assert 0 <= free_cooling(way, place, plant, FACTS).value <= 1


def test_warmer_supply_needs_less_chilling():
    for place in CLIMATES:
        air, warm = (free_cooling(loop, place, "dry", FACTS).value for loop in ("air", "immersion"))
        assert warm > air
    assert (
        pue("cold-plate", "hot-humid", "tower", FACTS).value
        < pue("air", "hot-humid", "tower", FACTS).value
    )


def test_colder_places_need_less():
    for way in METHODS:
        cold, hot = (pue(way, place, "dry", FACTS).value for place in ("cold", "hot-humid"))
        assert cold < hot


def test_a_cooling_tower_uses_what_lbnl_found():
    # LBNL-1005775 (2016): 1.8 L/kWh; latent heat alone is 3.6 / 2.43 = 1.48 and blow-down a third
    found = wue("air", "continental", "tower", FACTS).to("L/kWh").value
    assert found == pytest.approx(3.6 / 2.43 * 4 / 3, rel=1e-3)
    assert found == pytest.approx(1.8, rel=0.15)


def test_evaporation_only_when_warm_uses_what_operators_report():
    # LBNL 2024: 0.36 on average; Microsoft 0.27 to 0.30; Meta 0.18 (2023)
    found = [wue("air", place, "adiabatic", FACTS).value for place in ("temperate", "continental")]
    assert 0.05 < found[0] < found[1] < 0.6


def test_dry_coolers_and_rooms_use_no_water_and_a_room_has_no_overhead():
    assert wue("cold-plate", "hot-dry", "dry", FACTS).value == 0
    assert wue("none", "hot-dry", "tower", FACTS).value == 0
    assert pue("none", "hot-dry", "tower", FACTS).value == 1


def test_published_pue_is_met_within_six_per_cent():
    # NREL ESIF 1.036 (cold plates, towers, Colorado); Google's fleet 1.09 (air, mostly towers)
    assert pue("cold-plate", "cold", "tower", FACTS).value == pytest.approx(1.036, rel=0.06)
    fleet = [pue("air", place, "tower", FACTS).value for place in ("temperate", "continental")]
    assert sum(fleet) / 2 == pytest.approx(1.09, rel=0.06)
