"""Power and water that a site takes beside its machines, by cooling, climate and heat rejection.

A yearly mean over normally distributed outside temperatures: hours in which the outside is cool
enough for the wanted supply need no chiller, and an evaporating plant loses the heat's latent
share of water. Four small terms make PUE; nothing in it is fitted to a published PUE.
"""

from __future__ import annotations

from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Estimate, exp, given
from groundup.sites.cooling import method
from groundup.sites.power_chain import chain_efficiency

CLIMATES = ("cold", "temperate", "continental", "hot-dry", "hot-humid")
"""Lulea, Dublin, Virginia, Phoenix and Singapore stand for them."""
REJECTIONS = ("dry", "adiabatic", "tower")
"""Dry coolers; evaporative coolers that are wet only when it is warm; cooling towers."""
_LOGISTIC = 1.702
"""Logistic curve closest to the normal distribution (Haley 1952), wrong by 0.01 at most."""


def share_below(limit: Estimate, mean: Estimate, spread: Estimate) -> Estimate:
    """Share of a year that the temperature is below `limit`; K, K and K in, a plain number out."""
    score = (limit - mean) / spread
    return 1.0 / (1.0 + exp(score * -_LOGISTIC))


def free_cooling(
    loop: str, climate: str, rejection: str, facts: Catalogue, samples: int = 0
) -> Estimate:
    """Share of the year without chillers for a loop that must be as cold as `loop` cooling asks."""
    bulb = "dry_bulb" if rejection == "dry" else "wet_bulb"
    share = _share(loop, climate, rejection, bulb, facts, samples)
    return share.named(f"sites.free_cooling.{loop}.{climate}.{rejection}")


def pue(
    cooling: str,
    climate: str,
    rejection: str,
    facts: Catalogue,
    samples: int = 0,
    redundancy: str = "n+1",
) -> Estimate:
    """Yearly PUE: 1 + losses of the power chain + moving heat + rejecting it + chillers + the rest.

    `none` (a machine in a room) is 1.
    """
    if cooling == "none":
        return facts.estimate("sites.pue.none", samples)
    way = method(cooling)
    warm = facts.estimate(f"sites.liquid_share.{way}", samples)
    loops = ((way, warm), ("air" if way != "rear-door" else way, 1.0 - warm))
    chilled = _mean([(share, _chilled(loop, climate, rejection, facts, samples))
                     for loop, share in loops])  # fmt: skip
    chiller = chilled / facts.estimate("sites.chiller.cop", samples)
    losses = 1.0 / chain_efficiency(facts, samples, redundancy) - 1.0
    made = 1.0 + losses + facts.estimate(f"sites.moving.{way}", samples) + chiller
    made = made + facts.estimate(f"sites.rejection.{rejection}", samples)
    made = made + facts.estimate("sites.other.load", samples)
    formula = "1 + chain losses + fans and pumps + heat rejection + chillers + lighting"
    return made.named(f"sites.pue.{way}.{climate}.{rejection}", formula)


def wue(cooling: str, climate: str, rejection: str, facts: Catalogue, samples: int = 0) -> Estimate:
    """Water used on site, L/kWh of the machines: latent heat, blow-down, and hours that are wet."""
    if cooling == "none" or rejection == "dry":
        return facts.estimate("sites.wue.none", samples)
    way = method(cooling)
    cycles = facts.estimate("sites.water.concentration", samples)
    latent = facts.estimate("sites.water.evaporation", samples)
    each = 1.0 / (latent * facts.estimate("sites.water.density", samples))
    used = (each * (cycles / (cycles - 1.0))).to("L/kWh")
    wet: Estimate | float = 1.0
    if rejection == "adiabatic":
        warm = facts.estimate(f"sites.liquid_share.{way}", samples)
        loops = ((way, warm), ("air" if way != "rear-door" else way, 1.0 - warm))
        wet = _mean([(share, 1.0 - _share(loop, climate, rejection, "dry_bulb", facts, samples))
                     for loop, share in loops])  # fmt: skip
    formula = "1 / latent heat x cycles / (cycles - 1) x share of wet hours"
    return (used * wet).named(f"sites.wue.{way}.{climate}.{rejection}", formula)


def _share(
    loop: str, climate: str, rejection: str, bulb: str, facts: Catalogue, samples: int
) -> Estimate:
    supply = facts.estimate(f"sites.supply.{loop}", samples)
    limit = supply - facts.estimate(f"sites.approach.{rejection}", samples)
    mean = facts.estimate(f"sites.climate.{climate}.{bulb}", samples)
    return share_below(
        limit, mean, facts.estimate(f"sites.climate.{climate}.{bulb}_spread", samples)
    )


def _chilled(loop: str, climate: str, rejection: str, facts: Catalogue, samples: int) -> Estimate:
    return 1.0 - free_cooling(loop, climate, rejection, facts, samples)


def _mean(weighted: list[tuple[Estimate, Estimate]]) -> Estimate:
    mean: Estimate = given(0.0, "1", "nothing", "start of a sum")
    for weight, value in weighted:
        mean = mean + weight * value
    return mean
