"""Rows of kind `network`: switches and cables of clusters, by the design that the row names."""

from __future__ import annotations

import re

from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.networks.planes import planes_of
from groundup.networks.topology import Fabric, fat_tree, rail_optimised, rails
from groundup.planner.validation.row import Prediction, Row, between

_PORTS = re.compile(r"(\d+)\s*-?\s*p(?:orts?)?\b", re.IGNORECASE)
_PARTS = {
    "leaf": "leaf", "spine": "spine", "core": "core", "endpoint_cables": "endpoint_cables",
    "node_leaf_cables": "endpoint_cables", "leaf_cables": "leaf_cables",
    "leaf_spine_cables": "leaf_cables", "core_cables": "core_cables",
    "spine_core_cables": "core_cables", "cables": "cables", "cable_count": "cables",
    "switches": "switches", "switch_count": "switches", "switch_count_leaf+spine+core": "switches",
    "leaf_switches": "leaf", "spine_switches": "spine", "core_switches": "core",
}  # fmt: skip
_DESIGNS = (
    (r"rail[- _]only", rails),
    (r"dual[- _]plane|b300.*spectrum-4|spectrum-4.*b300", planes_of),
    (r"superpod|rail[- _]optimi[sz]ed", rail_optimised),
    (r"fat[- _]?tree|clos", fat_tree),
)


def predict(row: Row, facts: Catalogue) -> Prediction:
    """Count of switches or cables for `n_chips` endpoints.

    A design that the row names is counted exactly. Where it names none the count is that of a
    non-blocking fat tree and the interval reaches down to rails that are not joined, the smallest
    design in use (arXiv:2307.12169). NoDataError for other metrics, or without accelerators.
    """
    part = _PARTS.get(row.metric.strip().lower())
    if part is None:
        raise NoDataError(f"no model of the metric {row.metric!r} of networks")
    endpoints = row.number("n_chips")
    if not endpoints:
        raise NoDataError("column `n_chips` is empty: a network needs its endpoints")
    text = " ".join((row.name, row.hardware, row.source, row.notes)).lower()
    ports = ports_of(row, facts)
    for pattern, build in _DESIGNS:
        if re.search(pattern, text):
            count = _count(build(endpoints, ports), part)
            return between(count, count, count, f"{build.__name__} of {ports} ports")
    count = _count(fat_tree(endpoints, ports), part)
    least = _count(rails(endpoints, ports), part)
    return between(count, least, count, f"fat tree of {ports} ports, unless rails are not joined")


def ports_of(row: Row, facts: Catalogue) -> int:
    """Ports of a switch: as stated (`64p`), by the switch's name, else those of the usual one."""
    text = " ".join((row.hardware, row.name))
    found = _PORTS.search(text)
    if found:
        return int(found.group(1))
    if re.search(r"xdr|quantum-?x800|q3400", text, re.IGNORECASE):
        return int(facts["networks.quantum-x800.ports"].value)
    return int(facts["networks.reference.ports"].value)


def _count(built: Fabric, part: str) -> float:
    return float(getattr(built, part))
