"""Floor 2 in the plan: wafers, memory wafers and packages, and how many of them can be booked."""

from __future__ import annotations

from collections.abc import Mapping

from groundup.fabs.config import FabsConfig
from groundup.fabs.dies import gross_dies, negative_binomial_yield
from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Estimate, derived, given, minimum, total
from groundup.facts.layer import Ask, LayerPlan

_PARTS = ("logic", "base")
_LINES = {
    "logic_wafers": "logic wafers",
    "hbm_wafers": "HBM wafers",
    "package_wafers": "CoWoS packaging",
}


def demand(config: FabsConfig, ask: Ask, facts: Catalogue, samples: int = 0) -> Ask:
    """Wafers that the dies, memory stacks and packages of the plan take.

    Hands down `logic_wafers`, `base_wafers`, `hbm_wafers`, `package_wafers` where they can be
    computed, and their sum `wafers`.
    """
    found: dict[str, Estimate] = {}
    for part in _PARTS:
        if f"{part}_dies" in ask and f"{part}_node" in ask.labels:
            found |= _part_wafers(part, ask, facts, samples)
    if "hbm_stacks" in ask:
        found["hbm_wafers"] = _memory_wafers(ask, facts, samples)
    key = f"fabs.package.{ask.accelerator}.per_wafer"
    if key in facts:
        packages = ask["accelerators"] / facts.estimate(key, samples)
        found["package_wafers"] = packages.named("fabs.package_wafers")
    wafers = [value for name, value in found.items() if name.endswith("_wafers")]
    if wafers:
        found["wafers"] = total(wafers).named("fabs.wafers")
    return ask.with_(**found)


def _part_wafers(part: str, ask: Ask, facts: Catalogue, samples: int) -> dict[str, Estimate]:
    """Wafers of one kind of die, its gross dies per wafer and its yield."""
    node, area = ask.labels[f"{part}_node"], ask[f"{part}_die_area"]
    gross = _gross(area, facts, samples, f"fabs.{part}_gross_dies")
    defects = (
        area
        * given(1.0, "die", "one die", "definition")
        * facts.estimate(f"fabs.node.{node}.defect_density", samples)
    )
    defects = defects.to("1").named(f"fabs.{part}_defects", "die area x defect density")
    clustering = facts.estimate("fabs.yield.clustering", samples)
    good = derived(
        negative_binomial_yield(defects.samples, clustering.samples),
        "1",
        f"fabs.{part}_yield",
        "(1 + defects/clustering)^-clustering",
        (defects, clustering),
        "negative binomial yield, Stapper 1984; parts sold with units switched off are not in it",
    )
    wafers = ask[f"{part}_dies"] / (gross * good)
    return {
        f"{part}_gross_dies": gross,
        f"{part}_yield": good,
        f"{part}_wafers": wafers.named(f"fabs.{part}_wafers", "dies / (gross dies x yield)"),
    }


def _gross(area: Estimate, facts: Catalogue, samples: int, label: str) -> Estimate:
    diameter = facts.estimate("fabs.wafer.diameter", samples)
    dies = gross_dies(area.to("mm2/die").samples, diameter.to("mm").samples)
    formula = "pi r^2/A - pi d/sqrt(2 A)"
    return derived(dies, "die/wafer", label, formula, (area, diameter), "de Vries 2005")


def _memory_wafers(ask: Ask, facts: Catalogue, samples: int) -> Estimate:
    area = facts.estimate("fabs.hbm.die_area", samples)
    gross = _gross(area, facts, samples, "fabs.hbm_gross_dies")
    good = facts.estimate("fabs.hbm.stack_yield", samples)
    dies = (ask["hbm_stacks"] * ask["hbm_stack_dies"]).named("fabs.hbm_dies")
    formula = "stacks x dies per stack / (gross dies x stack yield)"
    return (dies / (gross * good)).named("fabs.hbm_wafers", formula)


def limit(config: FabsConfig, ask: Ask, facts: Catalogue, samples: int = 0) -> LayerPlan:
    """Accelerators that the booked share of the world's lines makes within the order's months."""
    count = ask["accelerators"]
    shares = _booked(config, ask, facts, samples)
    details = {name: ask[name] for name in _shown(ask)}
    cost, whole = _cost(ask, facts, samples)
    if whole is not None:
        details["manufacturing_cost"] = whole
    if not shares:
        binds = f"no data: die area and process of {ask.accelerator}"
        return LayerPlan(2, "fabs", count, None, binds, cost, details=details, included=True)
    there = minimum(*shares.values()).named("fabs.limit", "smallest of the booked lines")
    line = min(shares, key=lambda name: float(shares[name].values.min()))
    details |= {f"limit_{name}": share for name, share in shares.items()}
    missing = [_LINES[name] for name in _LINES if name not in shares]
    binds = _LINES[line] + (f" (no data: {', '.join(missing)})" if missing else "")
    time = _time(config, count, there, facts, samples)
    return LayerPlan(2, "fabs", count, there, binds, cost, time, None, details, included=True)


def _booked(config: FabsConfig, ask: Ask, facts: Catalogue, samples: int) -> Mapping[str, Estimate]:
    """Accelerators by line: capacity x booked share x months x accelerators per wafer."""
    share = given(config.share_of_capacity, "1", "fabs.share_of_capacity", "stack file: fabs")
    months = given(config.order_months, "month", "fabs.order_months", "stack file: fabs")
    node = ask.labels.get("logic_node", "")
    lines = {
        "logic_wafers": f"fabs.node.{node}.capacity",
        "hbm_wafers": "fabs.hbm.capacity",
        "package_wafers": "fabs.cowos.capacity",
    }
    found = {}
    for name, key in lines.items():
        if name in ask and key in facts:
            wafers = facts.estimate(key, samples) * share * months
            per_wafer = ask["accelerators"] / ask[name]
            found[name] = (wafers * per_wafer).named(
                f"fabs.limit_{name}", "capacity x booked share x months x accelerators per wafer"
            )
    return found


def _time(
    config: FabsConfig, count: Estimate, there: Estimate, facts: Catalogue, samples: int
) -> Estimate:
    """Weeks from order to the last module: through the fab, packaging, and making them all."""
    months = given(config.order_months, "month", "fabs.order_months", "stack file: fabs")
    made = (months * count / there).named("fabs.production_time", "months x needs / limit")
    wafer = facts.estimate("fabs.cycle.wafer", samples)
    packaging = facts.estimate("fabs.cycle.packaging", samples)
    return (wafer + packaging + made).named("fabs.lead_time", "wafer + packaging + production")


def _cost(ask: Ask, facts: Catalogue, samples: int) -> tuple[Estimate | None, Estimate | None]:
    """The job's share of the modules' manufacturing cost, and that cost whole; None without data.

    It is part of the accelerators' price.
    """
    key = f"fabs.package.{ask.accelerator}.cost"
    if key not in facts:
        return None, None
    each = facts.estimate(key, samples)
    whole = (ask["accelerators"] * each).to("USD").named("fabs.manufacturing_cost")
    share = ask["accelerator_hours"] * each / facts.estimate("chips.lifetime", samples)
    formula = "accelerator-hours x module cost / lifetime"
    return share.to("USD").named("fabs.write_off", formula), whole


def _shown(ask: Ask) -> list[str]:
    ends = ("_gross_dies", "_yield", "_wafers")
    return [name for name in ask.quantities if name.endswith(ends) or name == "wafers"]
