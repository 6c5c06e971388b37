"""From the grid to the rack: losses of every stage, spare units, batteries and generators."""

from __future__ import annotations

from dataclasses import dataclass

from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Estimate, ceil, derived

REDUNDANCY = ("n", "n+1", "n+2", "3n/2", "2n", "2(n+1)")
"""How many units stand where n carry the load."""
_BLOCKS = {"n": (1.0, 0), "n+1": (1.0, 1), "n+2": (1.0, 2), "3n/2": (1.5, 0), "2n": (2.0, 0),
           "2(n+1)": (2.0, 2)}  # fmt: skip
_PLANT = 4
"""Units that carry the load of one block of plant, for how full a spare makes the others."""


@dataclass(frozen=True)
class Stage:
    """One stage of the power chain."""

    name: str
    """`transformer`, `ups`, `distribution` or `power supply`."""
    efficiency: Estimate
    """Power out over power in."""


def units(load: Estimate, each: Estimate, redundancy: str) -> Estimate:
    """Units installed for a load: n = load / each rounded up, with the spares of `redundancy`."""
    needed = ceil(load.to("kW") / each.to("kW"))
    factor, extra = _BLOCKS[redundancy]
    made = ceil(needed * factor) + float(extra)
    text = f"load over unit, {redundancy}"
    return derived(made.samples, "1", "sites.units", text, (load, each))


def unit_load(redundancy: str, needed: int = _PLANT) -> float:
    """How full each unit runs when `needed` would carry the load alone and spares share it."""
    factor, extra = _BLOCKS[redundancy]
    return needed / (needed * factor + extra)


def ups_efficiency(load: float, facts: Catalogue, samples: int = 0) -> Estimate:
    """Efficiency of an uninterruptible supply at a share of its rated power.

    out / (out + idle + linear x load + square x load^2), all over rated power (Schneider Electric
    white paper 108).
    """
    loss = facts.estimate("sites.chain.ups_idle", samples)
    loss = loss + facts.estimate("sites.chain.ups_linear", samples) * load
    loss = loss + facts.estimate("sites.chain.ups_square", samples) * load**2
    return (load / (load + loss)).named("sites.chain.ups", "load / (load + losses)")


def stages(facts: Catalogue, samples: int = 0, redundancy: str = "n+1") -> tuple[Stage, ...]:
    """Stages outside of the server, from the grid to the rack."""
    return (
        Stage("transformer", facts.estimate("sites.chain.transformer", samples)),
        Stage("ups", ups_efficiency(unit_load(redundancy), facts, samples)),
        Stage("distribution", facts.estimate("sites.chain.distribution", samples)),
    )


def chain_efficiency(facts: Catalogue, samples: int = 0, redundancy: str = "n+1") -> Estimate:
    """Power at the rack over power taken from the grid for it."""
    transformer, ups, rest = stages(facts, samples, redundancy)
    made = transformer.efficiency * ups.efficiency * rest.efficiency
    return made.named("sites.chain.efficiency", "transformer x UPS x distribution")


def battery_energy(load: Estimate, facts: Catalogue, samples: int = 0) -> Estimate:
    """Battery for a load until generators run, MWh new: P x t / efficiency / end of life."""
    energy = load * facts.estimate("sites.ups.bridge", samples)
    energy = energy / facts.estimate("sites.ups.battery_efficiency", samples)
    energy = energy / facts.estimate("sites.ups.battery_end_of_life", samples)
    return energy.to("MWh").named("sites.battery", "load x minutes / efficiency / end of life")


def fuel(load: Estimate, facts: Catalogue, samples: int = 0) -> Estimate:
    """Diesel kept on site, m^3: load x hours x litres a kilowatt-hour."""
    kept = load * facts.estimate("sites.generator.hours", samples)
    kept = kept * facts.estimate("sites.generator.fuel", samples)
    return kept.to("m^3").named("sites.fuel", "load x hours x L/kWh")


def backup(
    it_power: Estimate, site_power: Estimate, redundancy: str, facts: Catalogue, samples: int = 0
) -> dict[str, Estimate]:
    """What stands behind the grid: UPS units and battery for the machines, generators for all."""
    ups = facts.estimate("sites.ups.unit_power", samples)
    generator = facts.estimate("sites.generator.unit_power", samples)
    return {
        "ups_units": units(it_power, ups, redundancy).named("sites.ups_units"),
        "battery": battery_energy(it_power, facts, samples),
        "generators": units(site_power, generator, redundancy).named("sites.generators"),
        "diesel": fuel(site_power, facts, samples),
    }
