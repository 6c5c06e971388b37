import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import NoDataError
from groundup.sites.climate import CLIMATES
from groundup.sites.regions import mix, of_region, regions, restrictions, with_number

FACTS = load_catalogue()


def test_every_region_of_the_catalogue_is_described_and_has_carbon():
    assert set(with_number("carbon", FACTS)) == set(regions())
    assert len(regions()) >= 20
    for place in regions().values():
        assert place.climate in ("", *CLIMATES)
        assert place.export in ("", "home", "free", "licence")


@pytest.mark.parametrize("name", sorted({k.split(".")[1] for k in FACTS.keys("sites.")
                                         if ".mix." in k}))  # fmt: skip
def test_shares_of_generation_do_not_pass_the_whole(name):
    whole = sum(share.value for share in mix(name, FACTS).values())
    assert 0.7 < whole < 1.005


def test_mix_agrees_with_the_carbon_of_its_grid():
    # IPCC AR5 medians of coal, gas, oil; 20 % of life-cycle practice apart
    grams = {"coal": 820, "gas": 490, "oil": 650, "biofuel": 230, "nuclear": 12, "hydro": 24,
             "wind": 11, "solar": 45}  # fmt: skip
    for name in ("us", "de", "gb", "cn", "in", "fr", "jp"):
        made = sum(share.value * grams[kind] for kind, share in mix(name, FACTS).items())
        assert made == pytest.approx(FACTS[f"sites.{name}.carbon"].value, rel=0.20)


def test_what_forbids_is_said():
    assert any("Dublin" in text for text in restrictions("ie", "h100-sxm"))
    assert any("licence" in text for text in restrictions("cn", "h100-sxm"))
    assert not any("h100" in text for text in restrictions("fr", "h100-sxm"))
    assert restrictions("atlantis", "h100-sxm") == ()
    assert not any("needs" in text for text in restrictions("cn", "tpu-v5p"))


def test_missing_numbers_name_the_regions_that_have_them():
    with pytest.raises(NoDataError, match=r"'fr' has no electricity_price.*us-tx"):
        of_region("fr", "electricity_price", FACTS)
