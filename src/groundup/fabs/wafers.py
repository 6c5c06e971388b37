"""Logic dies of a plan: how many a wafer holds, how many are good, how many can be sold."""

from __future__ import annotations

import math

from groundup.fabs.config import FabsConfig
from groundup.fabs.dies import gross_dies, packed_logic
from groundup.fabs.nodes import defect_density
from groundup.fabs.yields import clustered_harvest_yield, die_yield, harvest_yield
from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import ConfigError
from groundup.facts.estimate import Estimate, ceil, derived, given
from groundup.facts.layer import Ask


def wafer_scale(ask: Ask) -> bool:
    """Whether one wafer is one die, defects routed around."""
    return ask.labels.get("package") == "wafer-scale"


def reticle_fields(area: Estimate, facts: Catalogue, high_na: bool = False) -> Estimate:
    """Dies into which logic of `area` must be cut at least: area / field of the scanner, up.

    A high-NA scanner exposes half a field (ASML EXE:5000, 26 x 16.5 mm).
    """
    key = "fabs.reticle.high-na-area" if high_na else "fabs.reticle.area"
    return ceil(area.to("mm2") / facts.estimate(key)).named("fabs.reticle_fields", "area / field")


def check_reticle(part: str, ask: Ask, facts: Catalogue) -> None:
    """Refuse a die that is larger than a scanner can expose, unless it is a whole wafer."""
    field = facts["fabs.reticle.area"].value
    largest = float(ask[f"{part}_die_area"].to("mm2/die").values.max())
    if largest > field and not wafer_scale(ask):
        raise ConfigError(
            f"{part} die of {ask.accelerator} = {largest:g} mm2: allowed is at most a reticle "
            f"field, {field:g} mm2; cut it into at least {math.ceil(largest / field)} dies"
        )


def gross(
    area: Estimate, facts: Catalogue, samples: int, label: str = "fabs.gross_dies"
) -> Estimate:
    """Whole dies of a wafer by the formula, die/wafer; `area` in mm2/die."""
    diameter = facts.estimate("fabs.wafer.diameter", samples)
    dies = gross_dies(area.to("mm2/die").samples, diameter.to("mm").samples)
    formula = "pi r^2/A - pi d/sqrt(2 A)"
    return derived(dies, "die/wafer", label, formula, (area, diameter), "de Vries 2005")


def grid_dies(area: Estimate, facts: Catalogue) -> Estimate:
    """Whole dies of a wafer on the best grid position, die/wafer: nominal area, edge and scribe.

    Beside `gross`, which the plan counts with: the formula leaves room for what a grid does not
    know, such as test structures and laser marks.
    """
    edge, scribe = (facts.estimate(f"fabs.wafer.{word}") for word in ("edge", "scribe"))
    found = packed_logic(area.to("mm2/die").samples[..., :1], edge.value, scribe.value)
    formula = "dies within the edge exclusion on the best grid position"
    return derived(found, "die/wafer", "fabs.logic_grid_dies", formula, (area, edge, scribe))


def defects_per_die(
    area: Estimate, node: str, facts: Catalogue, samples: int, date: float | None = None
) -> Estimate:
    """Mean defects of a die: area x defect density of the node at the date."""
    one = given(1.0, "die", "one die", "definition")
    density = defect_density(node, facts, samples, date)
    return (area * one * density).to("1").named("fabs.defects", "die area x defect density")


def perfect_yield(
    defects: Estimate, config: FabsConfig, facts: Catalogue, samples: int
) -> Estimate:
    """Share of dies without a defect, by the model of the config."""
    clustering = facts.estimate("fabs.yield.clustering", samples)
    layers = facts.estimate("fabs.yield.critical_layers", samples)
    found = die_yield(config.yield_model, defects.samples, clustering.samples, layers.samples)
    formula = f"{config.yield_model} yield of the defects per die"
    return derived(found, "1", "fabs.yield", formula, (defects, clustering))


def sellable_yield(
    ask: Ask, part: str, defects: Estimate, config: FabsConfig, facts: Catalogue, samples: int
) -> Estimate:
    """Share of dies that are sold: perfect ones, and those with no more bad units than spares.

    Units built and sold of the accelerator's compute dies are the facts
    `fabs.harvest.<accelerator>`; without them only perfect dies are sold. Base dies are not
    harvested.
    """
    base = f"fabs.harvest.{ask.accelerator}"
    perfect = perfect_yield(defects, config, facts, samples)
    if part != "logic" or f"{base}.units" not in facts:
        return perfect
    units, sold = (int(facts[f"{base}.{word}"].value) for word in ("units", "sold"))
    share = facts.estimate(f"{base}.area_share", samples)
    clustering = facts.estimate("fabs.yield.clustering", samples)
    bad = units - sold
    if config.yield_model == "negative-binomial":
        found = clustered_harvest_yield(
            defects.samples, share.samples, units, bad, clustering.samples
        )
    else:
        found = harvest_yield(perfect.samples, share.samples, units, bad)
    formula = f"P(rest good and at most {bad} of {units} units bad)"
    return derived(found, "1", "fabs.sellable_yield", formula, (defects, share, clustering))


def logic_wafers(
    part: str, ask: Ask, config: FabsConfig, facts: Catalogue, samples: int
) -> dict[str, Estimate]:
    """`<part>_gross_dies`, `_yield` (perfect), `_sellable_yield` and `_wafers` of one kind of die.

    A wafer-scale die is one a wafer with every defect routed around.
    """
    check_reticle(part, ask, facts)
    node, area = ask.labels[f"{part}_node"], ask[f"{part}_die_area"]
    if wafer_scale(ask):
        there = given(1.0, "die/wafer", f"fabs.{part}_gross_dies", "one die a wafer")
        good = sold = given(1.0, "1", f"fabs.{part}_yield", "spare cores replace bad ones")
    else:
        there = gross(area, facts, samples, f"fabs.{part}_gross_dies")
        defects = defects_per_die(area, node, facts, samples, config.order_date)
        good = perfect_yield(defects, config, facts, samples).named(f"fabs.{part}_yield")
        sold = sellable_yield(ask, part, defects, config, facts, samples)
        sold = sold.named(f"fabs.{part}_sellable_yield")
    wafers = ask[f"{part}_dies"] / (there * sold)
    return {
        f"{part}_gross_dies": there,
        f"{part}_yield": good,
        f"{part}_sellable_yield": sold,
        f"{part}_wafers": wafers.named(f"fabs.{part}_wafers", "dies / (gross dies x yield)"),
    }
