"""Carbon of running and of building: by the grid's place, by contracts, and in what is made."""

from __future__ import annotations

from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Estimate
from groundup.sites.regions import of_region
from groundup.sites.time_to_power import OFF_GRID

BASES = ("location", "market")
"""GHG Protocol scope 2: what the grid emits there, or what is left after clean power contracts."""


def intensity(
    region: str,
    facts: Catalogue,
    samples: int = 0,
    route: str = "ready",
    basis: str = "location",
    clean_share: float = 0.0,
) -> Estimate:
    """Carbon of a kilowatt-hour, gCO2/kWh.

    Off the grid (`route`) it is the plant's own. On the market basis the share of energy that is
    matched by clean contracts counts as zero (GHG Protocol, scope 2 guidance, chapter 6).
    """
    if route in OFF_GRID:
        return facts.estimate(f"sites.route.{route}.carbon", samples)
    grid = of_region(region, "carbon", facts, samples)
    if basis == "location" or clean_share == 0.0:
        return grid
    left = grid * (1.0 - clean_share)
    return left.named(f"sites.{region}.market_carbon", "grid intensity x (1 - clean share)")


def operational(energy: Estimate, each: Estimate) -> Estimate:
    """Carbon of the site's energy, kgCO2."""
    return (energy * each).to("kgCO2").named("sites.carbon", "energy x grid intensity")


def of_gpu_hours(hours: Estimate, power: Estimate, pue: Estimate, each: Estimate) -> Estimate:
    """Carbon as model cards count it, tCO2: accelerator-hours x design power x PUE x intensity."""
    energy = hours * power * pue
    return (energy * each).to("tCO2").named("sites.card_carbon", "hours x design power x PUE x CI")


def embodied_hosts(count: Estimate, facts: Catalogue, samples: int = 0) -> Estimate:
    """Carbon of making the servers around the accelerators, tCO2."""
    made = count * facts.estimate("sites.embodied.host", samples)
    return made.to("tCO2").named("sites.embodied_hosts", "accelerators x rest of the server")


def embodied_building(it_power: Estimate, facts: Catalogue, samples: int = 0) -> Estimate:
    """Carbon of making building and plant, tCO2."""
    made = it_power * facts.estimate("sites.embodied.building", samples)
    return made.to("tCO2").named("sites.embodied_building", "IT power x carbon per MW")


def share_of_life(embodied: Estimate, hours: Estimate, life: Estimate) -> Estimate:
    """The job's share of embodied carbon: hours in use over the hours of its life."""
    return (embodied * hours / life).to("kgCO2").named("sites.embodied_share", "x hours / life")
