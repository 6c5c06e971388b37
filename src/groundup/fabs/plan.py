"""Floor 2 in the plan: wafers, memory wafers and packages, and how many of them can be booked."""

from __future__ import annotations

import contextlib

import numpy as np

from groundup.fabs.bill import finished_yield, module_cost
from groundup.fabs.capacity import (
    LINES,
    build_cost,
    build_months,
    delivered,
    euv_tools,
    first_module,
    outputs,
    stages,
)
from groundup.fabs.config import FabsConfig
from groundup.fabs.memory import memory_wafers
from groundup.fabs.packages import ON_WAFER, packages_per_wafer
from groundup.fabs.wafers import grid_dies, logic_wafers, wafer_scale
from groundup.facts.capital import capital_cost
from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.facts.estimate import Estimate, derived, minimum, total
from groundup.facts.layer import Ask, LayerPlan
from groundup.facts.stated import stated

_PARTS = ("logic", "base")


def demand(config: FabsConfig, ask: Ask, facts: Catalogue, samples: int = 0) -> Ask:
    """Wafers that the dies, memory stacks and packages of the plan take, losses included.

    Hands down `logic_wafers`, `base_wafers`, `hbm_wafers`, `package_wafers` where they can be
    computed, and their sum `wafers`; beside them gross dies, yields and `package_yield`.
    """
    found: dict[str, Estimate] = {}
    for part in _PARTS:
        if f"{part}_dies" in ask and f"{part}_node" in ask.labels:
            try:
                found |= logic_wafers(part, ask, config, facts, samples)
            except NoDataError:  # a node without a defect density: no wafers, and the plan says so
                continue
    if "hbm_stacks" in ask and "hbm_stack_dies" in ask:
        found |= memory_wafers(ask["hbm_stacks"], ask["hbm_stack_dies"], facts, samples)
    found |= _packages(config, ask, facts, samples)
    if "package_yield" in found:
        found |= _with_losses(found)
    wafers = [value for name, value in found.items() if name.endswith("_wafers")]
    if wafers:
        found["wafers"] = total(wafers).named("fabs.wafers")
    return ask.with_(**found)


def _packages(config: FabsConfig, ask: Ask, facts: Catalogue, samples: int) -> dict[str, Estimate]:
    """`packages_per_wafer`, `package_wafers` and `package_yield`, as far as they are known."""
    found: dict[str, Estimate] = {}
    with contextlib.suppress(NoDataError):  # no kind of package, no dies or no defect density
        found["package_yield"] = finished_yield(ask, facts, samples, config)
    on_wafer = ask.labels.get("package", "cowos-s") in ON_WAFER
    try:
        each = packages_per_wafer(ask, facts, samples) if on_wafer else None
    except NoDataError:
        each = None
    if each is not None:
        found["packages_per_wafer"] = each
        needed = ask["accelerators"] / each
        found["package_wafers"] = needed.named("fabs.package_wafers", "modules / per wafer")
    return found


def _with_losses(found: dict[str, Estimate]) -> dict[str, Estimate]:
    """All wafers divided by the yield of the package that they end in."""
    good = found["package_yield"]
    return {
        name: (value / good).named(f"fabs.{name}", f"{value.formula} / package yield")
        for name, value in found.items()
        if name.endswith("_wafers")
    }


def limit(config: FabsConfig, ask: Ask, facts: Catalogue, samples: int = 0) -> LayerPlan:
    """Accelerators that the booked share of the world's lines makes within the order's months."""
    count = ask["accelerators"]
    shares = _booked(config, ask, facts, samples)
    details = {name: ask[name] for name in _shown(ask)}
    if "logic_yield" in ask and not wafer_scale(ask):
        details["logic_grid_dies"] = grid_dies(ask["logic_die_area"], facts)
    details |= _bill(config, ask, facts, samples)
    cost = _capital(ask, details, facts, samples)
    if not shares:
        binds = f"no data: die area and process of {ask.accelerator}"
        return LayerPlan(2, "fabs", count, None, binds, cost, details=details, included=True)
    there = minimum(*shares.values()).named("fabs.limit", "smallest of the booked lines")
    line = min(shares, key=lambda name: float(shares[name].values.min()))
    details |= {f"limit_{name}": share for name, share in shares.items()}
    details |= _new_fab(config, ask, facts, samples)
    missing = [LINES[name] for name in _wanted(ask) if name not in shares]
    binds = LINES[line] + (f" (no data: {', '.join(missing)})" if missing else "")
    first = first_module(stages(config, ask, facts, samples))
    details["first_module"] = first
    months = stated(ask, "fabs", config, "order_months", "month")
    made = (months * count / there).named("fabs.production_time", "months x needs / limit")
    time = (first + made).named("fabs.lead_time", "first module + production")
    return LayerPlan(2, "fabs", count, there, binds, cost, time, None, details, included=True)


def _wanted(ask: Ask) -> list[str]:
    """Lines that the accelerator goes through, by what is said of it."""
    kind = ask.labels.get("package", "cowos-s" if "hbm" in ask.labels else "organic")
    there = {
        "logic_wafers": True,
        "base_wafers": "base_node" in ask.labels,
        "hbm_wafers": "hbm" in ask.labels or "hbm_stacks" in ask,
        "package_wafers": kind in ON_WAFER,
    }
    return [line for line in LINES if there[line]]


def _booked(config: FabsConfig, ask: Ask, facts: Catalogue, samples: int) -> dict[str, Estimate]:
    """Accelerators by line: output in the middle of the order's months x months."""
    months = stated(ask, "fabs", config, "order_months", "month")
    middle = config.order_date + config.order_months / 24
    formula = "capacity x booked share x months x accelerators per wafer"
    return {
        name: (rate * months).named(f"fabs.limit_{name}", formula)
        for name, rate in outputs(config, ask, middle, facts, samples).items()
    }


def _bill(config: FabsConfig, ask: Ask, facts: Catalogue, samples: int) -> dict[str, Estimate]:
    """Cost of one module by part where it can be computed, and of all modules.

    What analysts published of a module counts only where its parts are not on record.
    """
    found: dict[str, Estimate] = {}
    try:
        parts = module_cost(ask, facts, samples, config)
    except NoDataError:
        parts = {}
    found |= {f"cost_{name}": part for name, part in parts.items() if name != "total"}
    if parts:
        found["module_cost"] = parts["total"]
    key = f"fabs.package.{ask.accelerator}.cost"
    each = found.get("module_cost")
    if each is None and key in facts:
        each = facts.estimate(key, samples)
    if each is not None:
        whole = (ask["accelerators"] * each).to("USD")
        found["manufacturing_cost"] = whole.named("fabs.manufacturing_cost")
    return found


def _capital(
    ask: Ask, details: dict[str, Estimate], facts: Catalogue, samples: int
) -> Estimate | None:
    """The job's share of the modules' manufacturing cost; part of the accelerators' price."""
    if "manufacturing_cost" not in details:
        return None
    used = ask["accelerator_hours"] / ask["accelerators"]
    life = facts.estimate("chips.lifetime", samples)
    cost = capital_cost(details["manufacturing_cost"], used, life, ask)
    return cost.named("fabs.capital", "manufacturing cost x annuity x time in use")


def _new_fab(config: FabsConfig, ask: Ask, facts: Catalogue, samples: int) -> dict[str, Estimate]:
    """What a fab for this order alone would take: months, dollars, EUV tools, where known."""
    found = {"new_fab_months": build_months(config.region, facts, samples)}
    if "logic_wafers" not in ask:
        return found
    months = stated(ask, "fabs", config, "order_months", "month")
    rate = (ask["logic_wafers"] / months).named("fabs.wafers_per_month")
    node = ask.labels["logic_node"]
    for name, build in (("new_fab_capex", build_cost), ("new_fab_euv_tools", euv_tools)):
        try:
            found[name] = build(node, rate, facts, samples)
        except NoDataError:
            continue
    return found


def pace(config: FabsConfig, ask: Ask, facts: Catalogue, months: int, samples: int = 0) -> Estimate:
    """Accelerators delivered in all by the end of each month since the order, rows = months.

    Every month's wafers and stacks come out a lead time later; the narrowest line of a month sets
    its output, with the capacity that the lines have by then. NoDataError where no line of the
    accelerator has a capacity on record. Not cut at the number that was ordered.
    """
    begins = config.order_date + (config.queue_months + np.arange(months)) / 12
    rates = outputs(config, ask, begins, facts, samples)
    if not rates:
        raise NoDataError(f"no capacity of any line of {ask.accelerator} on record")
    lead = first_module(stages(config, ask, facts, samples))
    narrow = minimum(*rates.values())
    if narrow.samples.ndim == 1:  # every capacity is a constant: the same each month
        same = np.tile(narrow.samples, (months, 1))
        narrow = derived(same, narrow.unit, "fabs.output", "every month alike", (narrow,))
    return delivered(narrow, lead, months)


def _shown(ask: Ask) -> list[str]:
    ends = ("_gross_dies", "_yield", "_wafers", "_per_wafer")
    return [name for name in ask.quantities if name.endswith(ends) or name == "wafers"]
