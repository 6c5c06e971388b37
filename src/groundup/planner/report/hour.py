"""What an accelerator-hour of the plan costs, part by part, beside what others rent it for."""

from __future__ import annotations

from groundup.facts.figures import Bar, Bars
from groundup.planner.plan import Plan

_PARTS = (
    ("accelerators", "chips", "cost"),
    ("servers", "systems", "cost"),
    ("network", "networks", "cost"),
    ("building", "sites", "building_capital"),
    ("upkeep", "sites", "upkeep"),
    ("electricity", "sites", "power_cost"),
)
"""Name, floor, and which of its figures."""


def cost_parts(plan: Plan) -> tuple[tuple[str, float], ...]:
    """What the job's hours cost by part, USD; a rent is all accelerators."""
    parts = []
    for name, floor, figure in _PARTS:
        row = plan.layer(floor)
        cost = row.cost if figure == "cost" else row.details.get(figure)
        if cost is not None and not row.included:
            parts.append((name, cost.to("USD").value))
    return tuple(parts)


def hour_bars(plan: Plan) -> Bars | None:
    """The plan's price of an accelerator-hour by part; None where the chip has no price."""
    whole = plan.totals.get("usd_per_accelerator_hour")
    if whole is None:
        return None
    hours = plan.ask["accelerator_hours"].to("accelerator*h").value
    parts = tuple((name, cost / hours) for name, cost in cost_parts(plan))
    bars = [Bar("this plan", parts, whole.low, whole.high)]
    bars += [
        Bar(f"rent, {rent.as_of:%Y-%m}", (("rent", rent.value),), rent.low, rent.high)
        for key in (f"sites.rent.{plan.accelerator}", f"chips.{plan.accelerator}.rent")
        if key in plan.facts
        for rent in (plan.facts[key], *plan.facts[key].conflicts)
    ]
    note = "Purchases as an annuity over their lives; an idle hour costs all but the electricity."
    return Bars("What an accelerator-hour costs", "USD/(accelerator*h)", tuple(bars), note)
