"""The `[sites]` table of a stack file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SitesConfig:
    """Where the machines stand and what feeds them."""

    region: str = "us"
    """Grid region for carbon intensity and power price (`us`, `eu`, `world`, ...)."""

    cooling: str = "liquid"
    """`none` (a machine in a room), `air` or `liquid`; sets PUE and water use."""

    power_mw: float | None = None
    """Grid connection in megawatts that can be had; without it the site does not limit the plan."""

    usd_per_kwh: float | None = None
    """Power price in US dollars per kilowatt-hour; without it the region's sourced price is used."""
