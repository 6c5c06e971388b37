"""The planned rates of a release's receipts: money, carbon and water of energy, and the machine."""

from __future__ import annotations

from typing import Any

from groundup.facts.catalogue import Catalogue, load_catalogue
from groundup.facts.fact import Fact
from groundup.planner.plan import Plan
from groundup.stack.stack import Stack

DAYS_SERVED = 365.0
"""Days over which the energy of building a release is spread: it is planned to serve one year."""

Rate = dict[str, float | str]


def receipt_rates(stack: Stack, plan: Plan) -> dict[str, Rate]:
    """Rates by name, each with value, low, high, unit, source and date; unknown ones are absent."""
    facts = load_catalogue()
    region, cooling = stack.sites.region, stack.sites.cooling
    found = {
        "usd_per_kwh": _power_price(stack, facts),
        "g_co2_per_kwh": _of_fact(facts, f"sites.{region}.carbon", "g/kWh"),
        "l_water_per_kwh": _of_fact(facts, f"sites.wue.{cooling}", "L/kWh"),
        "hardware_usd_per_hour": _machine_hour(plan),
        "lifetime_answers": _lifetime_answers(stack),
    }
    return {name: rate for name, rate in found.items() if rate is not None}


def _power_price(stack: Stack, facts: Catalogue) -> Rate | None:
    if stack.sites.usd_per_kwh is None:
        return _of_fact(facts, f"sites.{stack.sites.region}.electricity_price", "USD/kWh")
    return _stated(stack.sites.usd_per_kwh, "USD/kWh", f"{stack.path}: sites.usd_per_kwh")


def _lifetime_answers(stack: Stack) -> Rate:
    users, each = stack.apps.users, stack.apps.questions_per_user_day
    where = f"{stack.path}: {users:g} users x {each:g} questions a day x {DAYS_SERVED:g} days"
    return _stated(max(1.0, users * each * DAYS_SERVED), "answers", where)


def _machine_hour(plan: Plan) -> Rate | None:
    """Write-off of the machine alone; its electricity is a row of its own in a receipt."""
    cost, hours = plan.layer("chips").cost, plan.totals.get("accelerator_hours")
    if cost is None or hours is None:
        return None
    numbers: dict[str, Any] = (cost / hours).to("USD/(accelerator*h)").as_json()
    return {
        "value": numbers["value"],
        "low": numbers["low"],
        "high": numbers["high"],
        "unit": "USD/h",
        "source": f"plan of {plan.stack}: chips.cost / accelerator_hours (write-off, no power)",
        "as_of": "",
    }


def _of_fact(facts: Catalogue, key: str, unit: str) -> Rate | None:
    if key not in facts:
        return None
    fact: Fact = facts[key]
    return {
        "value": fact.value,
        "low": fact.low,
        "high": fact.high,
        "unit": unit,
        "source": fact.source,
        "as_of": str(fact.as_of),
    }


def _stated(value: float, unit: str, where: str) -> Rate:
    return {"value": value, "low": value, "high": value, "unit": unit, "source": where, "as_of": ""}
