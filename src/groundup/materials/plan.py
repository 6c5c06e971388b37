"""Floor 1 in the plan: what the wafers and the site take of the world's output of materials."""

from __future__ import annotations

import math

from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Estimate, given, maximum, total
from groundup.facts.layer import Ask, LayerPlan
from groundup.materials.config import MaterialsConfig

_NOT_ASKED = {
    "gallium": "reaches accelerators through optics and power electronics, not through CMOS "
    "wafers; no amount per part is published, so none is asked for",
    "rare-earth": "in magnets of fans, drives and fab tools; no amount per part is published, so "
    "none is asked for",
}


def demand(config: MaterialsConfig, ask: Ask, facts: Catalogue, samples: int = 0) -> Ask:
    """Silicon, neon and water of the wafers, copper of the site.

    Adds `silicon`, `neon`, `water_for_wafers`, `copper` where the floors above asked for their use.
    """
    found: dict[str, Estimate] = {}
    if "wafers" in ask:
        found |= _of_wafers(ask["wafers"], facts, samples)
    if "switches" in ask and "site_power" in ask and ask["switches"].values.max() > 0:
        copper = ask["site_power"] * facts.estimate("materials.copper.per_power", samples)
        found["copper"] = copper.to("t").named("materials.copper", "site power x copper per MW")
    return ask.with_(**found)


def _of_wafers(wafers: Estimate, facts: Catalogue, samples: int) -> dict[str, Estimate]:
    area = _wafer_area(facts, samples)
    thickness = facts.estimate("fabs.wafer.thickness", samples)
    density = facts.estimate("materials.silicon.density", samples)
    silicon = (wafers * area * thickness * density).to("kg")
    neon = wafers * area * facts.estimate("materials.neon.world", samples)
    neon = neon / facts.estimate("materials.silicon.world_area_2021", samples)
    water = wafers * facts.estimate("materials.water.per_wafer", samples)
    return {
        "wafer_area": (wafers * area).to("m2").named("materials.wafer_area"),
        "silicon": silicon.named("materials.silicon", "wafers x area x thickness x density"),
        "neon": neon.to("kg").named(
            "materials.neon", "wafer area x the industry's neon per wafer area"
        ),
        "water_for_wafers": water.to("m^3").named("materials.water", "wafers x water per wafer"),
    }


def _wafer_area(facts: Catalogue, samples: int) -> Estimate:
    one = given(1.0, "1/wafer", "one wafer", "area of one wafer")
    return facts.estimate("fabs.wafer.diameter", samples) ** 2 * (math.pi / 4) * one


def shares(ask: Ask, facts: Catalogue, samples: int = 0) -> dict[str, Estimate]:
    """Share of one year's world output that the plan takes, by material."""
    year = given(1.0, "year", "one year", "shares are of one year's output")
    used = {
        "silicon wafers": ("wafer_area", "materials.silicon.world_area"),
        "neon": ("neon", "materials.neon.world"),
        "copper": ("copper", "materials.copper.world"),
    }
    return {
        material: (ask[name] / (facts.estimate(key, samples) * year))
        .to("%")
        .named(f"materials.share.{material}", "amount / one year's world output")
        for material, (name, key) in used.items()
        if name in ask
    }


def concentration(material: str, facts: Catalogue, samples: int = 0) -> Estimate:
    """Herfindahl-Hirschman index of the known suppliers, 0 to 10 000; a lower bound.

    Sum of squared shares in percent (US DOJ, Merger Guidelines 2023: above 1 800 is concentrated);
    unknown suppliers add nothing, so the true index is higher.
    """
    keys = facts.keys(f"materials.{material}.share.")
    squares = [(facts.estimate(key, samples) * 100.0) ** 2 for key in keys]
    formula = "sum of (share in percent)^2 of the known suppliers"
    note = _NOT_ASKED.get(material, "")
    return total(squares).named(f"materials.hhi.{material}", formula, note)


def limit(config: MaterialsConfig, ask: Ask, facts: Catalogue, samples: int = 0) -> LayerPlan:
    """The largest share of a year's world output that any material needs, against what is allowed.

    `ask` is what `demand` handed down.
    """
    names = ("silicon", "neon", "copper", "water_for_wafers")
    details = {name: ask[name] for name in names if name in ask}
    for material in ("gallium", "copper", "neon", "silicon", "rare-earth"):
        details[f"hhi_{material}"] = concentration(material, facts, samples)
    found = shares(ask, facts, samples)
    if not found:
        binds = f"no data: bill of materials of {ask.accelerator}"
        return LayerPlan(1, "materials", ask["accelerators"], None, binds, details=details)
    details |= {f"share_{material.replace(' ', '_')}": share for material, share in found.items()}
    needs = maximum(*found.values()).named("materials.needs", "largest share of world output")
    where = "stack file: materials.share_of_world_supply"
    there = given(config.share_of_world_supply, "1", "materials.share_of_world_supply", where)
    binds = max(found, key=lambda material: float(found[material].values.max()))
    if "wafers" not in ask:
        binds += f" (no data: wafers of {ask.accelerator})"
    return LayerPlan(1, "materials", needs, there.to("%"), binds, details=details)
