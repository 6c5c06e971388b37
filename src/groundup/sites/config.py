"""The `[sites]` table of a stack file."""

from __future__ import annotations

from dataclasses import dataclass

from groundup.facts.check import in_range, one_of
from groundup.sites.carbon import BASES
from groundup.sites.climate import CLIMATES, REJECTIONS
from groundup.sites.cooling import METHODS
from groundup.sites.power_chain import REDUNDANCY
from groundup.sites.time_to_power import ROUTES

COOLING = ("none", *METHODS, "liquid")
"""`liquid` is another word for `cold-plate`, with the published averages of liquid-cooled sites."""


@dataclass(frozen=True)
class SitesConfig:
    """Where the machines stand and what feeds them."""

    region: str = "us"
    """Grid region for carbon and power price (`us`, `us-tx`, `eu`, `ie`, `world`, ...)."""

    cooling: str = "liquid"
    """`none` (a room), `air`, `rear-door`, `cold-plate` (or `liquid`), `immersion`."""

    climate: str = ""
    """`cold`, `temperate`, `continental`, `hot-dry` or `hot-humid`; empty: published averages."""

    heat_rejection: str = "adiabatic"
    """With a climate: `dry` (no water), `adiabatic` (wet when warm) or `tower` (always wet)."""

    redundancy: str = "n+1"
    """Spare units of power supply: `n`, `n+1`, `n+2`, `3n/2`, `2n` or `2(n+1)`."""

    rack_kw: float | None = None
    """Heat of a rack in kilowatts; without it four servers, or as many as the cooling takes."""

    storage_share: float | None = None
    """Power of storage and management over that of the servers; without it a sourced share."""

    power_mw: float | None = None
    """Grid connection in megawatts that can be had; without it the site does not limit the plan."""

    power_route: str = "ready"
    """`ready`, `grid` (queue), `gas-turbine`, `gas-engine`, `mobile-gas`, `fuel-cell`, `smr` ..."""

    pue: float | None = None
    """Power of the site over that of its machines, where known; else it follows from `cooling`."""

    wue: float | None = None
    """Litres of water per kWh of the machines, where known; else it follows from `cooling`."""

    usd_per_kwh: float | None = None
    """Power price in US dollars per kilowatt-hour; without it the region's or route's price."""

    carbon_basis: str = "location"
    """`location` (what the grid emits) or `market` (less what clean contracts match)."""

    clean_share: float = 0.0
    """Share of the energy matched by clean power contracts; counts on the market basis."""

    wacc: float | None = None
    """Yearly cost of capital, 0.09 for 9 %; 0 writes off in a straight line; else a sourced one."""

    def __post_init__(self) -> None:
        one_of("sites.cooling", self.cooling, COOLING)
        one_of("sites.climate", self.climate, ("", *CLIMATES))
        one_of("sites.heat_rejection", self.heat_rejection, REJECTIONS)
        one_of("sites.redundancy", self.redundancy, REDUNDANCY)
        one_of("sites.power_route", self.power_route, ROUTES)
        one_of("sites.carbon_basis", self.carbon_basis, BASES)
        in_range("sites.clean_share", self.clean_share, 0, 1)
        for name, low in (("pue", 1.0), ("rack_kw", 0.1), ("storage_share", 0.0),
                          ("power_mw", 0.0), ("wue", 0.0), ("usd_per_kwh", 0.0),
                          ("wacc", 0.0)):  # fmt: skip
            value = getattr(self, name)
            if value is not None:
                in_range(f"sites.{name}", value, low)
