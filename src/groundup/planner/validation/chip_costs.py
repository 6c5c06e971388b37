"""Rows of kind `chip_cost`: modules and their parts, wafers, dies, memory, prices."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from datetime import date

from groundup.chips import plan as chips
from groundup.chips.catalogue import chip, figure, sold
from groundup.chips.config import ChipsConfig
from groundup.fabs.bill import module_cost
from groundup.fabs.config import FabsConfig
from groundup.fabs.memory import memory_price
from groundup.fabs.nodes import defect_density, wafer_price
from groundup.fabs.packages import packages_per_wafer
from groundup.fabs.series import decimal_year
from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.facts.estimate import Estimate, given, total
from groundup.facts.layer import Ask
from groundup.planner.validation.estimates import DRAWS, said, sigma_of
from groundup.planner.validation.hardware import chip_of
from groundup.planner.validation.row import Prediction, Row
from groundup.planner.validation.row_units import unit_of

PARTS = {
    "cogs": ("total",),
    "die_cost": ("die", "base"),
    "hbm_cost": ("hbm",),
    "packaging_cost": ("interposer", "bonding", "substrate"),
    "assembly_cost": ("test",),
    "test_cost": ("test",),
}
"""Metric to the parts of a module's bill."""
_YEAR = re.compile(r"(?<!\d)(20[12]\d)(?:-(\d\d))?(?!\d)")
_NODE = re.compile(r"\bN(\d+)\b|\b(\d+)\s*nm\b", re.IGNORECASE)
_WHOLE = re.compile(r"\bDGX\b|\bHGX\b|\bserver\b|\brack\b|NVL\d+", re.IGNORECASE)


def predict(row: Row, facts: Catalogue) -> Prediction:
    """A cost of floor 2 at the date that the row states; NoDataError for what it does not make."""
    sigma = sigma_of("module_cost", facts)
    if row.metric in PARTS:
        return said(_parts(row, facts), row.unit, "dies, memory, package, test, losses", sigma)
    named = {
        "wafer_cost": _wafer, "wafer_price": _wafer, "defect_density": _defects,
        "die_area": _area, "packages_per_wafer": _packages, "price_per_gb": _memory,
        "price": _price,
    }  # fmt: skip
    if row.metric not in named:
        raise NoDataError(f"no model of the metric {row.metric!r} of chips")
    found, how = named[row.metric](row, facts)
    return said(found, unit_of(row.unit), how, 0.0 if row.metric == "die_area" else sigma)


def dated(row: Row, facts: Catalogue, name: str = "") -> float:
    """Decimal year of a row: as its name says, else the middle of the chip's volume, else 2026."""
    found = _YEAR.search(row.name) or _YEAR.search(row.unit)
    if found:
        month = int(found.group(2)) if found.group(2) else 7
        return int(found.group(1)) + (min(month, 12) - 0.5) / 12
    year = chip(name).year if name else None
    return year + facts["planner.chip_cost.ramp"].value if year else decimal_year(date(2026, 1, 1))


def _parts(row: Row, facts: Catalogue) -> Estimate:
    if _WHOLE.search(row.name):
        raise NoDataError(f"{row.name!r} is a server or rack; floor 2 costs modules")
    name = chip_of(row.hardware or row.name)
    bill = bill_of(name, dated(row, facts, name), facts)
    found = total(bill[part] for part in PARTS[row.metric])
    one = given(1.0, "accelerator", "one module")
    if name == "gb200" and row.metric == "cogs":
        # sold as one board of two GPUs and a processor
        found = found * 2.0 + _grace(dated(row, facts, name), facts)
    return found * one


@functools.lru_cache(maxsize=256)
def bill_of(name: str, year: float, facts: Catalogue) -> Mapping[str, Estimate]:
    """Bill of one module at a decimal year, USD/accelerator by part, with `DRAWS` draws."""
    quantities = {
        "accelerators": given(1.0, "accelerator", "one module"),
        "accelerator_hours": given(1.0, "accelerator*h", "hours"),
        "capital_rate": given(0.0, "1", "interest a year"),
    }
    asked = chips.demand(ChipsConfig(accelerator=name), Ask(name, quantities), facts, DRAWS)
    return module_cost(asked, facts, DRAWS, FabsConfig(order_date=year))


def _grace(year: float, facts: Catalogue) -> Estimate:
    """The processor of a GB200 without its memory."""
    one = given(1.0, "1/accelerator", "one")
    quantities = {
        "accelerators": given(1.0, "accelerator", "one"),
        "logic_dies": given(1.0, "die", "one die"),
        "logic_die_area": facts.estimate("fabs.grace.die_area", DRAWS),
        "substrate_area": facts.estimate("fabs.grace.substrate_area", DRAWS) * one,
    }
    asked = Ask("grace", quantities, {"logic_node": "n5", "package": "organic"})
    return module_cost(asked, facts, DRAWS, FabsConfig(order_date=year))["total"]


def _node(row: Row) -> str:
    found = _NODE.search(row.name)
    if found is None:
        raise NoDataError(f"{row.name!r} names no process node, such as N5 or 28 nm")
    return f"n{found.group(1) or found.group(2)}"


def _wafer(row: Row, facts: Catalogue) -> tuple[Estimate, str]:
    year = dated(row, facts) if _YEAR.search(row.name) else None
    one = given(1.0, "wafer", "one wafer")
    return wafer_price(_node(row), facts, DRAWS, year) * one, "price of a wafer on record"


def _defects(row: Row, facts: Catalogue) -> tuple[Estimate, str]:
    year = dated(row, facts) if _YEAR.search(row.name) else None
    return defect_density(_node(row), facts, DRAWS, year), "learning curve of the node"


def _area(row: Row, facts: Catalogue) -> tuple[Estimate, str]:
    text, one = row.name.lower(), given(1.0, "die", "one die")
    named = [known.name for known in sold() if known.die and known.die in text]
    name = named[0] if named else chip_of(row.hardware or row.name)
    return figure(name, "logic.die_area", facts, DRAWS) * one, "area on record"


def _packages(row: Row, facts: Catalogue) -> tuple[Estimate, str]:
    name = chip_of(row.hardware or row.name)
    quantities = {"accelerators": given(1.0, "accelerator", "one module"),
                  "accelerator_hours": given(1.0, "accelerator*h", "hours"),
                  "capital_rate": given(0.0, "1", "interest a year")}  # fmt: skip
    asked = chips.demand(ChipsConfig(accelerator=name), Ask(name, quantities), facts, DRAWS)
    found = packages_per_wafer(asked, facts, DRAWS)
    return given(1.0, "1", "count") * found.samples[..., 0].item(), "interposers on a wafer"


def _memory(row: Row, facts: Catalogue) -> tuple[Estimate, str]:
    found = re.search(r"hbm\d?e?", row.name.lower())
    if found is None:
        raise NoDataError(f"{row.name!r} names no generation of HBM")
    return memory_price(found.group(), facts, DRAWS, dated(row, facts)), "price of memory by year"


def _price(row: Row, facts: Catalogue) -> tuple[Estimate, str]:
    return figure(chip_of(row.hardware or row.name), "price", facts, DRAWS), "price on record"
