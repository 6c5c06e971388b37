"""Lines: wafers a month over time, stages of an order in weeks, and what new capacity takes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from groundup.fabs.config import FabsConfig
from groundup.fabs.nodes import FAMILY, node_capacity
from groundup.fabs.series import at_year
from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.facts.estimate import Array, Estimate, derived, given, maximum
from groundup.facts.layer import Ask
from groundup.facts.stated import stated

LINES = {
    "logic_wafers": "logic wafers",
    "base_wafers": "base wafers",
    "hbm_wafers": "HBM wafers",
    "package_wafers": "CoWoS packaging",
}
"""Lines that an order goes through, by the quantity that is asked of them."""
_WITHOUT_MEMORY = ["wafer", "packaging", "test"]
_SERIES = {"hbm_wafers": "fabs.hbm.capacity_by", "package_wafers": "fabs.cowos.capacity_by"}


def line_capacity(
    line: str, ask: Ask, when: ArrayLike, facts: Catalogue, samples: int = 0
) -> Estimate:
    """Wafers a month of the world's lines of one kind at `when` (decimal year, or one row a year).

    NoDataError where none is on record.
    """
    if line in _SERIES:
        return at_year(_SERIES[line], when, facts, samples, f"fabs.{line}_capacity")
    node = ask.labels.get(line.removesuffix("_wafers") + "_node", "")
    return node_capacity(node, facts, samples, when)


def output(
    line: str, config: FabsConfig, ask: Ask, when: ArrayLike, facts: Catalogue, samples: int = 0
) -> Estimate:
    """Accelerators a month of the booked share of a line: capacity x share / wafers each."""
    share = stated(ask, "fabs", config, "share_of_capacity", "1")
    capacity = line_capacity(line, ask, when, facts, samples)
    made = capacity * share * (ask["accelerators"] / ask[line])
    return made.named(f"fabs.output_{line}", "capacity x booked share x accelerators per wafer")


def outputs(
    config: FabsConfig, ask: Ask, when: ArrayLike, facts: Catalogue, samples: int = 0
) -> dict[str, Estimate]:
    """`output` of every line that the plan needs and that has a capacity on record."""
    found = {}
    for line in LINES:
        if line not in ask:
            continue
        try:
            found[line] = output(line, config, ask, when, facts, samples)
        except NoDataError:  # said by the plan: "no data: ..."
            continue
    return found


def stages(
    config: FabsConfig, ask: Ask, facts: Catalogue, samples: int = 0
) -> Mapping[str, Estimate]:
    """Weeks of an order's first module by stage: queue, wafer, hbm (beside it), packaging, test."""
    queue = stated(ask, "fabs", config, "queue_months", "month").to("week")
    found = {"queue": queue.named("fabs.queue")}
    names = ["wafer", "hbm", "packaging", "test"] if "hbm_wafers" in ask else _WITHOUT_MEMORY
    return found | {name: facts.estimate(f"fabs.cycle.{name}", samples) for name in names}


def first_module(parts: Mapping[str, Estimate]) -> Estimate:
    """Weeks to the first module: queue + the longer of wafers and memory + packaging + test."""
    made = maximum(parts["wafer"], parts["hbm"]) if "hbm" in parts else parts["wafer"]
    formula = "queue + max(wafers, memory) + packaging + test"
    weeks = parts["queue"] + made + parts["packaging"] + parts["test"]
    return weeks.named("fabs.first_module", formula)


def delivered(rates: Estimate, lead: Estimate, months: int) -> Estimate:
    """Accelerators delivered by the end of each month, rows = months.

    `rates` has shape (months, draws): what enters the lines in a month leaves them `lead` later.
    """
    late = lead.to("month").samples
    flow = np.broadcast_to(rates.samples, np.broadcast_shapes(rates.samples.shape, late.shape))
    made = np.concatenate([np.zeros_like(flow[:1]), np.cumsum(flow, axis=0)])
    at = np.clip(np.arange(1, months + 1)[:, None] - late, 0, months)
    whole = np.minimum(at.astype(int), months - 1)
    low = np.take_along_axis(made, whole, axis=0)
    high = np.take_along_axis(made, whole + 1, axis=0)
    found: Array = low + (high - low) * (at - whole)
    formula = "output of the narrowest line, a lead time later, added up"
    inputs = (rates, lead)
    return derived(found, "accelerator", "fabs.delivered", formula, inputs)


def build_months(region: str, facts: Catalogue, samples: int = 0) -> Estimate:
    """Months from the decision to a ramped fab: permits and construction, tools in, yield learned.

    NoDataError where the region's construction is not on record.
    """
    built = facts.estimate(f"fabs.construction.{region}.total", samples)
    install = facts.estimate("fabs.fab.install", samples)
    ramp = facts.estimate("fabs.fab.ramp", samples)
    return (built + install + ramp).named("fabs.build_months", "construction + tools + ramp")


def build_cost(
    node: str, wafers_per_month: Estimate, facts: Catalogue, samples: int = 0
) -> Estimate:
    """USD of a fab for so many wafers a month; NoDataError where the node's capex is not known."""
    key = f"fabs.fab.capex.{FAMILY.get(node, node)}"
    if key not in facts:
        raise NoDataError(f"no capex of a fab for node {node} in the catalogue")
    each = facts.estimate(key, samples)
    return (wafers_per_month * each).to("GUSD").named("fabs.build_cost", "wafers a month x capex")


def euv_tools(
    node: str, wafers_per_month: Estimate, facts: Catalogue, samples: int = 0
) -> Estimate:
    """EUV scanners for so many wafers a month: EUV layers x wafers / throughput of a tool."""
    key = f"fabs.node.{FAMILY.get(node, node)}.euv_layers"
    if key not in facts:
        raise NoDataError(f"no EUV layers of node {node} in the catalogue")
    layers = facts.estimate(key, samples)
    tool = facts.estimate("fabs.euv.per_tool", samples)
    one = given(1.0, "layer", "layers", "definition")
    found = (wafers_per_month * layers * one / tool).to("tool")
    return found.named("fabs.euv_tools", "layers x wafers a month / throughput")
