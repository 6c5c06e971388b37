import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import NoDataError
from groundup.facts.estimate import given
from groundup.sites.regions import mix
from groundup.sites.water import STRESS, cooled_by, direct, source_water, stress, upstream

FACTS = load_catalogue()


def test_source_water_is_the_mix_times_the_sources():
    by_hand = sum(
        FACTS[f"sites.us.mix.{source}"].value * FACTS[f"sites.source_water.{source}"].value
        for source in mix("us", FACTS)
    )
    assert source_water("us", FACTS).value == pytest.approx(by_hand)


def test_olmo_3_water_of_generation():
    # arXiv:2605.01158: 12.3 GWh and 15 887 kL in Texas, 1.29 L/kWh; ours knows the mix only
    used = upstream(given(12.3, "GWh", "programme"), "us-tx", FACTS)
    assert used.to("m^3").value == pytest.approx(15_887, rel=0.30)


def test_clean_grids_use_little_and_nuclear_ones_much():
    assert source_water("no", FACTS).value < 0.1
    assert source_water("fr", FACTS).value > source_water("us", FACTS).value


def test_water_on_site_and_its_reverse():
    energy = given(24.0, "GWh", "a day of a gigawatt")
    used = direct(energy, given(1.8, "L/kWh", "WUE"))
    assert used.to("L").value == pytest.approx(43.2e6)
    back = cooled_by(given(43.2e6, "L/day", "supply"), given(1.8, "L/kWh", "WUE"))
    assert back.to("MW").value == pytest.approx(1000)


def test_us_data_centres_of_2023():
    # LBNL-2001637: 176 TWh and 17 billion gallons (64 GL) on site, so 0.36 L a kWh of the site
    used = given(176.0, "TWh", "2023") * FACTS.estimate("sites.wue.air")
    assert used.to("L").value / 1e9 == pytest.approx(17 * 3.785, rel=0.05)


def test_stress_in_words_where_it_is_known():
    assert stress("ae", FACTS) == "extremely high"
    assert stress("us", FACTS) in STRESS
    assert stress("sg", FACTS) is None


def test_regions_without_a_mix_say_so():
    with pytest.raises(NoDataError, match=r"no generation mix.*us"):
        source_water("world", FACTS)
    assert upstream(given(1.0, "GWh", "x"), "world", FACTS) is None
