"""Sums over the layers: money, power, time, energy, water, carbon, dollars a token."""

from __future__ import annotations

from collections.abc import Mapping

from groundup.facts.estimate import Estimate, maximum, total
from groundup.facts.layer import Ask, LayerPlan
from groundup.facts.stated import stated
from groundup.stack.stack import Stack

TITLES = {
    "usd_to_build": "to build",
    "usd_training": "training run",
    "usd_serving": "serving",
    "usd_per_million_tokens": "a million answer tokens",
    "usd_per_accelerator_hour": "an accelerator-hour",
    "accelerator_hours": "accelerator-hours",
    "power": "site power",
    "months": "order to trained model",
    "training_days": "training",
    "energy": "energy of the run",
    "water": "water",
    "carbon": "carbon of the run",
    "embodied_carbon": "carbon of making the chips",
}
"""Totals in words, in the order in which they are shown."""
_BOUGHT = ("chips", "networks", "sites", "systems")
"""Floors whose purchase builds the stack."""


def price_per_hour(stack: Stack, ask: Ask, rows: Mapping[str, LayerPlan]) -> Estimate | None:
    """Dollars of one accelerator-hour: the rent the stack states, else what floors 1 to 6 cost.

    A stated rent covers power, network and building too. None where the chip has no price.
    """
    if stack.chips.usd_per_hour is not None:
        return stated(ask, "chips", stack.chips, "usd_per_hour", "USD/(accelerator*h)")
    if rows["chips"].cost is None:
        return None
    ground = [row for row in rows.values() if row.floor <= 6 and not row.included]
    costs = [row.cost for row in ground if row.cost is not None]
    each = total(costs) / ask["accelerator_hours"]
    return each.to("USD/(accelerator*h)").named(
        "totals.usd_per_accelerator_hour",
        "(capital cost of chips, servers, network, building + upkeep + power) / accelerator_hours",
    )


def watts_each(ask: Ask, rows: Mapping[str, LayerPlan]) -> Estimate | None:
    """Site power for one accelerator, W/accelerator."""
    power = rows["sites"].power
    if power is None:
        return None
    each = (power / ask["accelerators"]).to("W/accelerator")
    return each.named("totals.watts_per_accelerator", "site power / accelerators")


def totals(stack: Stack, ask: Ask, rows: Mapping[str, LayerPlan]) -> dict[str, Estimate]:
    """What the whole stack takes, by name; a name is absent where there is no data for it."""
    serving = rows["inference"].details
    sites = rows["sites"].details
    found: dict[str, Estimate | None] = {
        "usd_to_build": to_build(rows),
        "usd_training": rows["training"].cost,
        "usd_serving": rows["inference"].cost,
        "usd_per_million_tokens": serving.get(
            "usd_per_million_tokens", serving.get("usd_per_million_tokens_full")
        ),
        "usd_per_accelerator_hour": price_per_hour(stack, ask, rows),
        "accelerator_hours": ask["accelerator_hours"].to("accelerator*h"),
        "power": rows["sites"].power,
        "months": _months(ask, rows),
        "training_days": ask["busy_days"],
        "energy": _in(sites.get("energy"), "MWh"),
        "water": _in(sites.get("water"), "m^3"),
        "carbon": _in(sites.get("carbon"), "tCO2"),
        "embodied_carbon": rows["chips"].details.get("embodied_carbon"),
    }
    return {
        name: value.named(f"totals.{name}") if value.label != f"totals.{name}" else value
        for name, value in found.items()
        if value is not None
    }


def to_build(rows: Mapping[str, LayerPlan]) -> Estimate | None:
    """Purchase of chips, servers, network and building; None where no chip price is on record."""
    if "capex" not in rows["chips"].details:
        return None
    parts = [rows[name].details["capex"] for name in _BOUGHT if "capex" in rows[name].details]
    return total([part.to("USD") for part in parts])


def _months(ask: Ask, rows: Mapping[str, LayerPlan]) -> Estimate | None:
    """From order to trained model: chips and site are made side by side, then training runs."""
    waits = [rows[name].time for name in ("fabs", "sites")]
    known = [time.to("month") for time in waits if time is not None]
    if not known:
        return None
    return maximum(*known) + ask["busy_days"].to("month")


def _in(value: Estimate | None, unit: str) -> Estimate | None:
    return None if value is None else value.to(unit)
