"""Months until a site has power, by route, and megawatts of it by month after that."""

from __future__ import annotations

import numpy as np

from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Estimate, derived, maximum

ROUTES = (
    "ready", "grid", "gas-turbine", "aeroderivative", "gas-engine", "mobile-gas", "fuel-cell",
    "nuclear-restart", "smr", "solar-storage",
)  # fmt: skip
"""`ready`: the connection stands; `grid`: queue for one; the others make power on site."""
OFF_GRID = frozenset(ROUTES) - {"ready", "grid"}
"""Routes whose power does not come from the region's grid."""
DELIVERIES = ("switchgear", "ups", "chiller", "generator", "transformer", "generator_transformer")
"""Equipment whose lead time is on record, `sites.delivery.<name>`."""
_TRANSFORMER = {
    "grid": "transformer",
    "gas-turbine": "generator_transformer",
    "smr": "generator_transformer",
}
"""Large transformer that a route cannot start without; small plants use ones that are in stock."""


def lead(route: str, facts: Catalogue, samples: int = 0) -> Estimate:
    """Months from order to the first megawatt at the racks.

    The longest of the building's equipment, of the power's own route and of its large transformer;
    with a connection that stands (`ready`) the building alone; `mobile-gas` stands for power and an
    existing hall at once (Colossus).
    """
    building = facts.estimate("sites.build_time", samples).to("month")
    if route == "ready":
        return building.named("sites.lead", "longest lead time of equipment")
    power = facts.estimate(f"sites.route.{route}.lead", samples)
    if route == "mobile-gas":
        return power.named("sites.lead", "as measured, in an existing hall")
    waits = [building, power]
    if route in _TRANSFORMER:
        name = _TRANSFORMER[route]
        waits.append(facts.estimate(f"sites.delivery.{name}", samples).to("month"))
    return maximum(*waits).named("sites.lead", "longest of building, power route, transformer")


def on_line(
    wanted: Estimate, route: str, months: int, facts: Catalogue, samples: int = 0
) -> Estimate:
    """Site power available at the end of each month, MW, rows = months; never above `wanted`.

    Nothing until the lead time has passed, then a steady build rate. `wanted` is one row.
    """
    wait = lead(route, facts, samples).to("month")
    rate = facts.estimate("sites.build_rate", samples)
    full = wanted.to("MW")
    ends = np.arange(1, months + 1, dtype=np.float64)[:, np.newaxis]
    since = np.maximum(ends - wait.samples.reshape(1, -1), 0.0)
    ready = np.minimum(since * rate.samples.reshape(1, -1), full.samples.reshape(1, -1))
    text = "(month - lead) x build rate, up to what is wanted"
    return derived(ready, "MW", "sites.on_line", text, (full, wait, rate))


def months_to_all(wanted: Estimate, route: str, facts: Catalogue, samples: int = 0) -> Estimate:
    """Months from order until all of `wanted` is on line: lead + wanted / build rate."""
    rate = facts.estimate("sites.build_rate", samples)
    time = lead(route, facts, samples) + (wanted.to("MW") / rate).to("month")
    return time.named("sites.months_to_all", "lead + power / build rate")
