"""What a site costs to build, by part and a gigawatt, and what is left of it on the books."""

from __future__ import annotations

from collections.abc import Mapping

from groundup.chips.catalogue import known
from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.facts.estimate import Estimate, given

PARTS = ("power_and_cooling", "shell", "land_works", "halls", "back_of_house", "offices")
"""Parts of a building's cost, `sites.capex_share.<part>`."""


def building_parts(capex: Estimate, facts: Catalogue, samples: int = 0) -> dict[str, Estimate]:
    """A building's cost by part, USD; the parts add to the whole."""
    shares = {name: facts.estimate(f"sites.capex_share.{name}", samples) for name in PARTS}
    return {name: (capex * share).to("USD") for name, share in shares.items()}


def straight_line(cost: Estimate, age: Estimate, life: Estimate) -> Estimate:
    """Book value at an age that is not above the life: cost x (1 - age / life)."""
    return cost * (1.0 - (age / life).to("1"))


def declining(cost: Estimate, age: Estimate, life: Estimate, factor: float = 2.0) -> Estimate:
    """Book value under declining balance: cost x (1 - factor / life)^age (2 is double declining).

    `life` must be above `factor` years.
    """
    one = given(1.0, "year", "a year", "unit")
    kept = 1.0 - factor / (life.to("year") / one)
    return cost * kept ** (age.to("year") / one)


def accelerator_price(accelerator: str, facts: Catalogue, samples: int = 0) -> Estimate | None:
    """An accelerator with its share of server and site network, USD/accelerator; None if unknown.

    From the price of a rack where that is on record, else the chip's price and the usual share of
    what stands around it.
    """
    rack = f"sites.rack_price.{accelerator}"
    if rack in facts:
        held = facts.estimate(f"sites.server.{accelerator}.accelerators", samples)
        one = given(1.0, "1/accelerator", "each", "share of one accelerator")
        each = (facts.estimate(rack, samples) / held * one).to("USD/accelerator")
        return each.named("sites.accelerator_price", "rack price / accelerators")
    chip = known(accelerator, "price", facts, samples)
    if chip is None:
        return None
    around = 1.0 + facts.estimate("sites.host_share", samples)
    return (chip * around).named("sites.accelerator_price", "price x (1 + server and network)")


def all_in(accelerator: str, it_each: Estimate, pue: Estimate, facts: Catalogue,
           samples: int = 0) -> Mapping[str, Estimate]:  # fmt: skip
    """Capital for a gigawatt of site power, GUSD/GW: machines, building, and both together."""
    paid = accelerator_price(accelerator, facts, samples)
    if paid is None:
        raise NoDataError(
            f"no price of {accelerator} is on record; add `chips.{accelerator}.price`"
        )
    machines = (paid / (it_each * pue)).to("GUSD/GW").named("sites.all_in.machines")
    building = (facts.estimate("sites.capex", samples) / pue).to("GUSD/GW")
    building = building.named("sites.all_in.building")
    both = (machines + building).named("sites.all_in", "machines + building, a gigawatt of site")
    return {"machines": machines, "building": building, "total": both}
