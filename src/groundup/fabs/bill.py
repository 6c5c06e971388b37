"""What one module costs to make, by part, from dies to what is scrapped."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from groundup.fabs.config import FabsConfig
from groundup.fabs.dies import gross_dies
from groundup.fabs.memory import memory_price
from groundup.fabs.nodes import wafer_price
from groundup.fabs.packages import (
    ON_WAFER,
    interposer_area,
    interposer_yield,
    kind_of,
    package_yield,
    packages_per_wafer,
    placements,
)
from groundup.fabs.wafers import defects_per_die, gross, logic_wafers
from groundup.fabs.yields import negative_binomial_yield, tested_quality
from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.facts.estimate import Array, Estimate, derived, given, total
from groundup.facts.layer import Ask

PARTS = ("die", "base", "hbm", "interposer", "substrate", "bonding", "test", "waste")
"""Parts of a module's cost, in the order in which they are shown."""
_DOLLARS = "USD/accelerator"
_DEFAULT = FabsConfig()


def die_cost(area: Estimate, node: str, facts: Catalogue, samples: int = 0) -> Estimate:
    """USD per perfect die at the start of a node's volume: wafer price / (gross dies x yield).

    `area` in mm2/die or an equal unit; NoDataError where the node has no price or defect density.
    """
    price = wafer_price(node, facts, samples)
    defects = defects_per_die(area, node, facts, samples)
    clustering = facts.estimate("fabs.yield.clustering", samples)
    good = negative_binomial_yield(defects.samples, clustering.samples)
    share = derived(good, "1", "fabs.yield", "(1 + defects/clustering)^-clustering", (defects,))
    dies = (gross(area, facts, samples) * share).named("fabs.good_dies", "gross dies x yield")
    return (price / dies).named("fabs.die_cost", "wafer price / good dies")


def module_cost(
    ask: Ask, facts: Catalogue, samples: int = 0, config: FabsConfig = _DEFAULT
) -> Mapping[str, Estimate]:
    """USD/accelerator by part (`PARTS`) and `total`, at the prices of the config's order date.

    `ask` holds `accelerators`, `logic_dies`, `logic_die_area` and, where the module has them,
    `base_*`, `hbm_stacks`, `hbm_capacity`, `interposer_area`, `substrate_area`; labels
    `logic_node`, `base_node`, `hbm`, `package`. A part that the module does not have costs
    nothing. NoDataError where a price, an area or a yield is not on record.

    Parts are the good ones in one sold module; `waste` is what the packages that fail take with
    them: everything placed x (1/Y - 1), the substrate at its own step (Chiplet Actuary, DAC 2022,
    chip last).
    """
    kind = kind_of(ask)
    if kind == "wafer-scale":
        raise NoDataError("no sourced cost of a wafer-scale package")
    _complete(ask)
    parts = {name: nothing(name) for name in PARTS}
    for name, part in (("die", "logic"), ("base", "base")):
        if f"{part}_dies" in ask:
            parts[name] = _dies(part, ask, config, facts, samples)
    if "hbm_capacity" in ask:
        price = memory_price(ask.labels.get("hbm", ""), facts, samples, config.order_date)
        each = ask["hbm_capacity"] / ask["accelerators"]
        parts["hbm"] = (each * price).to(_DOLLARS).named("fabs.cost_hbm", "capacity x price")
    parts |= _carrier(kind, ask, facts, samples)
    parts["test"] = _test(ask, facts, samples)
    parts["waste"] = _waste(kind, parts, ask, config, facts, samples)
    whole = total(parts.values()).named("fabs.module_cost", "sum of the parts")
    return {**parts, "total": whole}


def _complete(ask: Ask) -> None:
    """Refuse a module of which a part is known to be there, but not how much of it."""
    needed = {"logic_dies": "logic_dies", "base_node": "base_dies", "hbm": "hbm_capacity"}
    for label, name in needed.items():
        if name not in ask and (label == name or label in ask.labels):
            raise NoDataError(f"no {name.replace('_', ' ')} of {ask.accelerator} on record")


def nothing(name: str) -> Estimate:
    """The cost of a part that the module does not have."""
    return given(0.0, _DOLLARS, f"fabs.cost_{name}", "the module has none")


def _dies(part: str, ask: Ask, config: FabsConfig, facts: Catalogue, samples: int) -> Estimate:
    """Good dies of one kind: dies x wafer price / (gross dies x sellable yield).

    What the plan has already found of the dies is used as it is.
    """
    node = ask.labels.get(f"{part}_node", "")
    if not node:
        raise NoDataError(f"no process node of the {part} dies of {ask.accelerator} on record")
    names = (f"{part}_gross_dies", f"{part}_sellable_yield")
    found: Mapping[str, Estimate] = ask.quantities
    if not all(name in ask for name in names):
        found = logic_wafers(part, ask, config, facts, samples)
    there, sold = (found[name] for name in names)
    price = wafer_price(node, facts, samples, config.order_date)
    label = "fabs.cost_die" if part == "logic" else "fabs.cost_base"
    each = ask[f"{part}_dies"] / ask["accelerators"]
    cost = (each * price / (there * sold)).to(_DOLLARS)
    return cost.named(label, "dies x wafer price / (gross dies x yield)")


def _carrier(kind: str, ask: Ask, facts: Catalogue, samples: int) -> dict[str, Estimate]:
    """Interposer, bonding and substrate of a package kind."""
    if kind in ON_WAFER:
        parts = _on_wafer(kind, ask, facts, samples)
        area = _substrate_area(ask, facts, samples)
    elif kind == "organic":
        each = facts.estimate("fabs.packaging.organic.placement", samples)
        placed = placements(ask) * given(1.0, "die", "one die", "definition")
        parts = {"bonding": (placed * each).to(_DOLLARS).named("fabs.cost_bonding")}
        area = ask["substrate_area"]
    else:
        raise NoDataError(f"no sourced price of {kind} packages")
    price = facts.estimate("fabs.packaging.substrate_price", samples)
    cost = (area * price).to(_DOLLARS).named("fabs.cost_substrate", "area x price")
    return {**parts, "substrate": cost}


def _on_wafer(kind: str, ask: Ask, facts: Catalogue, samples: int) -> dict[str, Estimate]:
    """A good interposer, and the rest of the service on its wafer: placing, bonding, moulding."""
    base = f"fabs.packaging.{kind}"
    per_wafer = packages_per_wafer(ask, facts, samples)
    bare = facts.estimate(f"{base}.interposer_price", samples)
    service = facts.estimate(f"{base}.service_price", samples)
    area = interposer_area(ask, facts, samples)
    good = interposer_yield(kind, area, facts, samples)
    interposer = (bare / (per_wafer * good)).to(_DOLLARS)
    formula = "interposer wafer / (packages per wafer x yield)"
    bonding = ((service - bare) / (per_wafer * good)).to(_DOLLARS)
    rest = "(packaging service - interposer wafer) / good packages per wafer"
    return {
        "interposer": interposer.named("fabs.cost_interposer", formula),
        "bonding": bonding.named("fabs.cost_bonding", rest),
    }


def _substrate_area(ask: Ask, facts: Catalogue, samples: int) -> Estimate:
    """mm2/accelerator: as handed down, else the interposer's area x the usual ratio."""
    if "substrate_area" in ask:
        return ask["substrate_area"]
    ratio = facts.estimate("fabs.packaging.substrate_ratio", samples)
    area = interposer_area(ask, facts, samples) * ratio
    return area.named("fabs.substrate_area", "interposer area x ratio")


def _test(ask: Ask, facts: Catalogue, samples: int) -> Estimate:
    """Wafer sort of every die, final test, and the module's board and assembly."""
    dies = total(ask[f"{part}_dies"] for part in ("logic", "base") if f"{part}_dies" in ask)
    sort = (dies / ask["accelerators"] * facts.estimate("fabs.test.sort", samples)).to(_DOLLARS)
    final = facts.estimate("fabs.test.final", samples)
    module = facts.estimate("fabs.test.module", samples)
    formula = "wafer sort + final test + board and assembly of the module"
    return (sort + final + module).named("fabs.cost_test", formula)


def finished_yield(
    ask: Ask, facts: Catalogue, samples: int = 0, config: FabsConfig = _DEFAULT
) -> Estimate:
    """Good share of packages: bonding, attachment and dies that passed their test but are bad."""
    if "package_yield" in ask:
        return ask["package_yield"]
    return package_yield(kind_of(ask), placements(ask), _quality(ask, config, facts, samples),
                         facts, samples)  # fmt: skip


def _quality(ask: Ask, config: FabsConfig, facts: Catalogue, samples: int) -> Estimate:
    """Share of packages whose tested compute dies are all good: (Y^(1 - coverage))^dies."""
    coverage = facts.estimate("fabs.yield.coverage", samples)
    area, node = ask["logic_die_area"], ask.labels["logic_node"]
    defects = defects_per_die(area, node, facts, samples, config.order_date)
    clustering = facts.estimate("fabs.yield.clustering", samples)
    good = negative_binomial_yield(defects.samples, clustering.samples)
    each = (ask["logic_dies"] / ask["accelerators"]).samples
    found = tested_quality(good, coverage.samples) ** each
    formula = "(yield^(1 - coverage))^dies"
    return derived(found, "1", "fabs.quality", formula, (defects, coverage), "Williams, Brown 1981")


def _waste(
    kind: str,
    parts: Mapping[str, Estimate],
    ask: Ask,
    config: FabsConfig,
    facts: Catalogue,
    samples: int,
) -> Estimate:
    """What failing packages, and before them failing stacks of dies, cost a good one."""
    good = finished_yield(ask, facts, samples, config)
    attach = facts.estimate("fabs.packaging.attach_yield", samples)
    stacked = _stacking_loss(parts, ask, facts, samples)
    placed = total(parts[name] for name in ("die", "base", "hbm", "interposer", "bonding"))
    lost = (placed + stacked) * (1 / good - 1) + parts["substrate"] * (1 / attach - 1)
    return (lost + stacked).named("fabs.cost_waste", "placed parts x (1/package yield - 1)")


def _stacking_loss(
    parts: Mapping[str, Estimate], ask: Ask, facts: Catalogue, samples: int
) -> Estimate:
    """Compute and base dies lost when the ones are bonded on the others; none without base dies."""
    if "base_dies" not in ask:
        return nothing("stacking")
    each = ask["logic_dies"].samples / ask["base_dies"].samples
    bond = facts.estimate("fabs.packaging.stacking_yield", samples)
    whole = bond.samples**each
    formula = "stacking yield^(compute dies per base die)"
    inputs = (bond, ask["logic_dies"], ask["base_dies"])
    good = derived(whole, "1", "fabs.stacks_good", formula, inputs)
    loss = (parts["die"] + parts["base"]) * (1 / good - 1)
    return loss.named("fabs.cost_stacking", "dies x (1/stacking yield - 1)")


def split_cost(
    area_mm2: ArrayLike,
    pieces: int,
    node: str,
    facts: Catalogue,
    kind: str = "cowos-s",
    overhead: float = 0.1,
    config: FabsConfig = _DEFAULT,
) -> Array:
    """USD of the silicon of `area_mm2` made as `pieces` chiplets in one package, losses included.

    One piece is the monolithic die in the same package. Every chiplet of several is larger by
    `overhead` for its die-to-die links (10 %, the upper end that Chiplet Actuary uses); the
    package holds nothing else. Nominal values; shapes as `area_mm2`.
    """
    areas = np.asarray(area_mm2, float)
    each = areas / pieces * (1 + overhead if pieces > 1 else 1.0)
    density = defects_per_die(given(each, "mm2/die", "area"), node, facts, 0, config.order_date)
    clustering = facts["fabs.yield.clustering"].value
    good = negative_binomial_yield(density.samples[..., 0], clustering)
    price = wafer_price(node, facts, 0, config.order_date).value
    base = f"fabs.packaging.{kind}"
    bond = facts[f"{base}.bond_yield"].value ** pieces * facts["fabs.packaging.attach_yield"].value
    carrier = facts[f"{base}.service_price"].value / gross_dies(each * pieces * 1.1)
    silicon = pieces * price / (gross_dies(each) * good)
    return np.asarray((silicon + carrier) / bond)
