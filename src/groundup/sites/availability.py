"""Share of time with power at the rack, from failures and repairs, beside the published tiers."""

from __future__ import annotations

from math import comb

from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Estimate, given
from groundup.sites.power_chain import REDUNDANCY

TIERS = ("i", "ii", "iii", "iv")
"""Uptime Institute tiers; the published availabilities are `sites.tier.<tier>`."""
_NEEDED = 4
"""Units of a block that carry its load: a block of four 2 MW supplies feeds an 8 MW hall."""


def down_share(part: str, facts: Catalogue, samples: int = 0) -> Estimate:
    """Share of time that one part is down: rate x repair / (1 + rate x repair)."""
    busy = facts.estimate(f"sites.failure.{part}_rate", samples)
    busy = busy * facts.estimate(f"sites.failure.{part}_repair", samples)
    plain = busy.to("1")
    return (plain / (1.0 + plain)).named(f"sites.down.{part}", "rate x repair / (1 + it)")


def too_few(down: Estimate, needed: int, spares: int) -> Estimate:
    """Probability that fewer than `needed` of `needed + spares` independent units are up."""
    units = needed + spares
    lost = down * 0.0
    for failed in range(spares + 1, units + 1):
        lost = lost + down**failed * (1.0 - down) ** (units - failed) * float(comb(units, failed))
    return lost


def availability(redundancy: str, facts: Catalogue, samples: int = 0) -> Estimate:
    """Share of time with power at the rack of a block with grid, generators, UPS and distribution.

    Grid and generators stand in for each other; a double path (2n) doubles transformer, UPS and
    distribution. Independent failures only: people, software and common causes, which make most of
    real outages, are not in it, so it is an upper bound.
    """
    paths = 2 if redundancy.startswith("2") else 1
    spares = {"n": 0, "n+1": 1, "n+2": 2, "3n/2": _NEEDED // 2, "2n": 0, "2(n+1)": 1}[redundancy]
    start = facts.estimate("sites.failure.generator_start", samples)
    none = redundancy == "n"
    generators = too_few(start, _NEEDED, 0 if none else max(1, spares))
    supply = down_share("grid", facts, samples) * generators
    path = 1.0 - (1.0 - down_share("transformer", facts, samples)) * (
        1.0 - down_share("distribution", facts, samples)
    ) * (1.0 - too_few(down_share("ups", facts, samples), _NEEDED, spares))
    up = (1.0 - supply) * (1.0 - path**paths)
    return up.named(f"sites.availability.{redundancy}", "grid or generators, then every path")


def outage_minutes(up: Estimate) -> Estimate:
    """Time a year without power at an availability, min."""
    year = given(1.0, "year", "a year", "365.25 days")
    return ((1.0 - up) * year).to("min").named("sites.outage_minutes", "(1 - availability) x year")


def outage_cost(up: Estimate, each: Estimate) -> Estimate:
    """Cost of the outages of a year, USD/year: (1 - availability) x cost of a minute."""
    return (
        ((1.0 - up) * each).to("USD/year").named("sites.outage_cost", "(1 - availability) x cost")
    )


def table(facts: Catalogue, samples: int = 0) -> tuple[tuple[str, Estimate], ...]:
    """Availability by redundancy, from the least to the most."""
    return tuple((name, availability(name, facts, samples)) for name in REDUNDANCY)
