"""Floor 1 in the plan: what the wafers, the optics and the site take of the world's materials."""

from __future__ import annotations

from collections.abc import Mapping

from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Estimate, given, maximum
from groundup.facts.layer import Ask, LayerPlan
from groundup.facts.stated import stated
from groundup.materials.bill import of_optics, of_site, of_wafers, shares
from groundup.materials.catalogue import materials, property_of
from groundup.materials.concentration import concentration
from groundup.materials.config import MaterialsConfig

AMOUNTS = (
    "silicon", "neon", "helium", "nf3", "water_for_wafers", "copper", "copper_spines", "lithium",
    "gallium", "indium", "germanium",
)  # fmt: skip
"""Amounts that `demand` adds to the ask, where the floors above asked for their use."""
_INDICES = ("gallium", "copper", "neon", "silicon", "rare-earth", "helium", "germanium", "abf")


def demand(config: MaterialsConfig, ask: Ask, facts: Catalogue, samples: int = 0) -> Ask:
    """Materials of the wafers, of the optical modules and of the site.

    Adds `wafer_area` and those of `AMOUNTS` whose use was asked for: of `wafers`, `transceivers`
    and, for more than one machine, `site_power`.
    """
    found: dict[str, Estimate] = {}
    if "wafers" in ask:
        found |= of_wafers(ask["wafers"], facts, samples)
    if "transceivers" in ask and ask["transceivers"].values.max() > 0:
        found |= of_optics(ask["transceivers"], facts, samples)
    if "switches" in ask and "site_power" in ask and ask["switches"].values.max() > 0:
        found |= of_site(ask, facts, samples)
    if config.priority > 0:
        found["material_priority"] = stated(ask, "materials", config, "priority", "1")
    if config.stock_months > 0:
        found["material_stock"] = stated(ask, "materials", config, "stock_months", "month")
    return ask.with_(**found)


def limit(config: MaterialsConfig, ask: Ask, facts: Catalogue, samples: int = 0) -> LayerPlan:
    """The largest share of a year's world output that any material needs, against what is allowed.

    `ask` is what `demand` handed down. Details hold every amount, its share of world output and
    the concentration of its market, and the longest lead time among them.
    """
    details = {name: ask[name] for name in AMOUNTS if name in ask}
    for material in _INDICES:
        details[f"hhi_{material}"] = concentration(material, facts, samples)
    found = shares(ask, facts, samples)
    if not found:
        binds = f"no data: bill of materials of {ask.accelerator}"
        return LayerPlan(1, "materials", ask["accelerators"], None, binds, details=details)
    details["lead_time"] = _lead_time(details, facts, samples)
    details |= {f"share_{material.replace(' ', '_')}": share for material, share in found.items()}
    needs = maximum(*found.values()).named("materials.needs", "largest share of world output")
    where = "stack file: materials.share_of_world_supply"
    there = given(config.share_of_world_supply, "1", "materials.share_of_world_supply", where)
    binds = max(found, key=lambda material: float(found[material].values.max()))
    if "wafers" not in ask:
        binds += f" (no data: wafers of {ask.accelerator})"
    return LayerPlan(1, "materials", needs, there.to("%"), binds, details=details)


def _lead_time(amounts: Mapping[str, Estimate], facts: Catalogue, samples: int) -> Estimate:
    """Longest time from order to delivery among the materials of the bill, in normal times."""
    times = [
        property_of(name, "lead_time", facts, samples) for name in amounts if name in materials()
    ]
    return maximum(*times).to("month").named("materials.lead_time", "longest of the bill")
