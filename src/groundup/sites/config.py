"""The `[sites]` table of a stack file."""

from __future__ import annotations

from dataclasses import dataclass

from groundup.facts.check import in_range, one_of


@dataclass(frozen=True)
class SitesConfig:
    """Where the machines stand and what feeds them."""

    region: str = "us"
    """Grid region for carbon intensity and power price (`us`, `eu`, `world`, ...)."""

    cooling: str = "liquid"
    """`none` (a machine in a room), `air` or `liquid`; sets PUE and water use."""

    power_mw: float | None = None
    """Grid connection in megawatts that can be had; without it the site does not limit the plan."""

    pue: float | None = None
    """Power of the site over that of its machines, where known; else it follows from `cooling`."""

    wue: float | None = None
    """Litres of water per kWh of the machines, where known; else it follows from `cooling`."""

    usd_per_kwh: float | None = None
    """Power price in US dollars per kilowatt-hour; without it the region's sourced price."""

    def __post_init__(self) -> None:
        one_of("sites.cooling", self.cooling, ("none", "air", "liquid"))
        if self.power_mw is not None:
            in_range("sites.power_mw", self.power_mw, 0)
        if self.pue is not None:
            in_range("sites.pue", self.pue, 1)
        if self.wue is not None:
            in_range("sites.wue", self.wue, 0)
        if self.usd_per_kwh is not None:
            in_range("sites.usd_per_kwh", self.usd_per_kwh, 0)
