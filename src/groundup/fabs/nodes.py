"""Process nodes at a date: price of a wafer, its defects, wafers a month."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from groundup.fabs.series import at_year, years_of
from groundup.fabs.yields import ramped
from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.facts.estimate import Estimate, derived, given

FAMILY = {"n4": "n5", "n12": "n16", "n6": "n7"}
"""Nodes that run on the lines of another one (TSMC counts N5 and N4 as one family)."""


def node_names(facts: Catalogue) -> list[str]:
    """Every node with at least one fact, sorted."""
    return sorted({key.split(".")[2] for key in facts.keys("fabs.node.")})


def wafer_price(
    node: str, facts: Catalogue, samples: int = 0, date: float | None = None
) -> Estimate:
    """USD/wafer at the decimal year `date`; without one, the price that is on record first.

    NoDataError where the node has no price on record.
    """
    name = node if f"fabs.node.{node}.wafer_price" in facts else FAMILY.get(node, node)
    anchor = f"fabs.node.{name}.wafer_price"
    if date is None or not years_of(f"fabs.node.{name}.price", facts):
        return facts.estimate(anchor, samples)
    label = f"fabs.{name}_wafer_price"
    return at_year(f"fabs.node.{name}.price", date, facts, samples, label, anchor)


def defect_density(
    node: str, facts: Catalogue, samples: int = 0, date: float | None = None
) -> Estimate:
    """Defects per cm2 at the decimal year `date`: Dm + (D0 - Dm) exp(-(t - t0)/tau).

    D0 was measured t0 months after volume started, Dm is the share of it that is left once the
    node is mature; more than a year before volume counts as a year. Without a date, or where the
    node's learning is not on record, D0 itself. NoDataError where there is none.
    """
    base = f"fabs.node.{FAMILY.get(node, node)}"
    if f"fabs.node.{node}.defect_density" in facts:
        base = f"fabs.node.{node}"
    measured = facts.estimate(f"{base}.defect_density", samples)
    needed = [f"{base}.{word}" for word in ("defect_age", "defect_left", "volume_start")]
    if date is None or not all(key in facts for key in needed):
        return measured
    age, left, opened = (facts.estimate(key, samples) for key in needed)
    learning = facts.estimate("fabs.learning.months", samples)
    months = np.maximum(12 * (date - opened.samples), -12.0) - age.samples
    mature = measured.samples * left.samples
    found = ramped(measured.samples, mature, months, learning.to("month").samples)
    day = given(date, "1", "fabs.order_date", "[fabs]")
    inputs = (measured, age, left, opened, learning, day)
    formula = "mature + (measured - mature) exp(-months since/learning)"
    return derived(found, measured.unit, f"fabs.{node}_defect_density", formula, inputs)


def node_capacity(
    node: str, facts: Catalogue, samples: int = 0, date: ArrayLike | None = None
) -> Estimate:
    """Wafers a month of the node or its family at the decimal year `date`, one row a date of many.

    NoDataError where there is none on record.
    """
    for name in (node, FAMILY.get(node, node)):
        series = f"fabs.node.{name}.capacity_by"
        if date is not None and years_of(series, facts):
            return at_year(series, date, facts, samples, f"fabs.{name}_capacity")
        if f"fabs.node.{name}.capacity" in facts:
            return facts.estimate(f"fabs.node.{name}.capacity", samples)
    raise NoDataError(f"no capacity of node {node} in the catalogue")


def cost_per_transistor(node: str, facts: Catalogue, samples: int = 0) -> Estimate:
    """USD per transistor of a whole wafer in 2020: price / (wafer area x density), before yield."""
    price = wafer_price(node, facts, samples)
    density = facts.estimate(f"fabs.node.{node}.density", samples)
    diameter = facts.estimate("fabs.wafer.diameter", samples)
    wafer = diameter**2 * (np.pi / 4) / given(1.0, "wafer", "one wafer", "definition")
    return (price / (wafer * density)).named(f"fabs.{node}_cost_per_transistor")
