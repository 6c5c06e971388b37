"""Packages: interposers of a wafer and their yield, bonding, the yield of the whole."""

from __future__ import annotations

import numpy as np

from groundup.fabs.dies import packed
from groundup.fabs.yields import negative_binomial_yield
from groundup.facts.catalogue import Catalogue
from groundup.facts.check import suggest
from groundup.facts.errors import ConfigError, NoDataError
from groundup.facts.estimate import Estimate, derived, given
from groundup.facts.layer import Ask

KINDS = ("cowos-s", "cowos-l", "cowos-r", "emib", "organic", "wafer-scale")
ON_WAFER = ("cowos-s", "cowos-l", "cowos-r")
"""Kinds that are made on a 300 mm wafer of interposers."""


def kind_of(ask: Ask) -> str:
    """The package kind that the chips floor handed down; NoDataError without one."""
    kind = ask.labels.get("package", "")
    if not kind:
        raise NoDataError(f"no package kind of {ask.accelerator} on record")
    if kind not in KINDS:
        raise ConfigError(
            f"package = {kind!r}: {suggest(kind, KINDS)}allowed is one of: {', '.join(KINDS)}"
        )
    return kind


def interposers_per_wafer(area: Estimate, facts: Catalogue, samples: int = 0) -> Estimate:
    """Interposers of one wafer, counted on the grid with edge exclusion and scribe lines.

    `area` in mm2/accelerator; the result in accelerator/wafer. The formula for gross dies is not
    used here: for 2831 mm2 it gives 12, the grid and the makers 16.
    """
    edge = facts.estimate("fabs.wafer.edge", 0).to("mm")
    scribe = facts.estimate("fabs.packaging.scribe", 0).to("mm")
    diameter = facts.estimate("fabs.wafer.diameter", 0).to("mm")
    squared = area.to("mm2/accelerator").samples
    count = packed(squared, diameter.value, edge.value, scribe.value)
    formula = "whole squares of the area on the best grid position"
    inputs = (area, diameter, edge, scribe)
    return derived(count, "accelerator/wafer", "fabs.packages_per_wafer", formula, inputs)


def packages_per_wafer(ask: Ask, facts: Catalogue, samples: int = 0) -> Estimate:
    """Packages of one wafer: the published count, else the grid count of the interposer's area.

    NoDataError where neither is on record.
    """
    key = f"fabs.package.{ask.accelerator}.per_wafer"
    if key in facts:
        return facts.estimate(key, samples)
    if "interposer_area" in ask:
        return interposers_per_wafer(ask["interposer_area"], facts, samples)
    raise NoDataError(f"no interposer area and no packages per wafer of {ask.accelerator}")


def interposer_area(ask: Ask, facts: Catalogue, samples: int = 0) -> Estimate:
    """mm2/accelerator: as handed down, else four fifths of the wafer over the packages on it."""
    if "interposer_area" in ask:
        return ask["interposer_area"].to("mm2/accelerator")
    per_wafer = packages_per_wafer(ask, facts, samples)
    diameter = facts.estimate("fabs.wafer.diameter", samples)
    used = given(0.8, "1/wafer", "share of the wafer covered", "grid counts of 1700 to 2900 mm2")
    area = diameter**2 * (np.pi / 4) * used / per_wafer
    return area.to("mm2/accelerator").named("fabs.interposer_area", "0.8 x wafer / packages")


def interposer_yield(kind: str, area: Estimate, facts: Catalogue, samples: int = 0) -> Estimate:
    """Good share of interposers of a kind made on wafers; 1 where there is no interposer."""
    if kind not in ON_WAFER:
        return given(1.0, "1", "fabs.interposer_yield", f"{kind} has no interposer wafer")
    density = facts.estimate(f"fabs.packaging.{kind}.defect_density", samples)
    clustering = facts.estimate("fabs.packaging.clustering", samples)
    one = given(1.0, "accelerator", "one package", "definition")
    defects = (area * one * density).to("1").named("fabs.interposer_defects")
    found = negative_binomial_yield(defects.samples, clustering.samples)
    formula = "(1 + defects/clustering)^-clustering"
    return derived(found, "1", "fabs.interposer_yield", formula, (defects, clustering))


def placements(ask: Ask) -> Estimate:
    """Dies and stacks that are placed in one package, 1/accelerator.

    Compute dies that sit on base dies are bonded and tested before, so that only the base dies
    count.
    """
    count = ask["accelerators"]
    dies = "base_dies" if "base_dies" in ask else "logic_dies"
    names = [name for name in (dies, "hbm_stacks") if name in ask]
    if dies not in ask:
        raise NoDataError(f"no dies of {ask.accelerator} on record")
    each = [ask[name].samples / count.samples for name in names]
    placed = np.sum(np.broadcast_arrays(*each), axis=0)
    inputs = tuple(ask[name] for name in names)
    formula = "(dies on the interposer + stacks)/accelerators"
    return derived(placed, "1/accelerator", "fabs.placements", formula, inputs)


def package_yield(
    kind: str, placed: Estimate, quality: Estimate, facts: Catalogue, samples: int = 0
) -> Estimate:
    """Good share of packages: bond^placements x quality of the dies x attachment to the substrate.

    `quality` is the share of packages whose dies are all good although each passed its test.
    Y2 x Y3 of Chiplet Actuary (DAC 2022, chip last): what is lost here takes good dies with it.
    """
    key = f"fabs.packaging.{kind}.bond_yield"
    bond = facts.estimate(key, samples)
    attach = facts.estimate("fabs.packaging.attach_yield", samples)
    found = bond.samples**placed.samples * quality.samples * attach.samples
    formula = "bond yield^placements x known-good quality x attachment"
    inputs = (bond, placed, quality, attach)
    return derived(found, "1", "fabs.package_yield", formula, inputs, "Chiplet Actuary, DAC 2022")
