"""Water a site uses, water its electricity used before, and how short of it the region is."""

from __future__ import annotations

from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.facts.estimate import Estimate, given
from groundup.sites.regions import mix

STRESS = ("low", "low to medium", "medium to high", "high", "extremely high")
"""Classes of withdrawn over available water, WRI Aqueduct: <10, 10-20, 20-40, 40-80, >80 %."""


def source_water(region: str, facts: Catalogue, samples: int = 0) -> Estimate:
    """Water consumed in making a region's electricity, L/kWh: mix x water by source.

    Evaporation from reservoirs of hydropower is not charged. NoDataError without a mix on record.
    """
    used: Estimate = given(0.0, "L/kWh", "nothing", "start of a sum")
    for source, share in mix(region, facts, samples).items():
        used = used + share * facts.estimate(f"sites.source_water.{source}", samples)
    return used.named(f"sites.{region}.source_water", "sum of share x water by source")


def direct(it_energy: Estimate, wue: Estimate) -> Estimate:
    """Water used on site, L: energy of the machines x WUE."""
    return (it_energy * wue).to("L").named("sites.water", "IT energy x WUE")


def upstream(energy: Estimate, region: str, facts: Catalogue, samples: int = 0) -> Estimate | None:
    """Water used to generate the site's electricity, L; None without a mix of the region."""
    try:
        each = source_water(region, facts, samples)
    except NoDataError:
        return None
    return (energy * each).to("L").named("sites.source_water", "energy x L/kWh of its sources")


def stress(region: str, facts: Catalogue) -> str | None:
    """Class of water stress of the region, in words; None where it is not on record."""
    key = f"sites.{region}.water_stress"
    return STRESS[round(facts[key].value)] if key in facts else None


def cooled_by(water_a_day: Estimate, wue: Estimate) -> Estimate:
    """Machines that a daily supply of water can cool, MW: water / WUE."""
    return (water_a_day / wue).to("MW").named("sites.cooled_by", "water a day / WUE")
