"""Rows of kind `network`: switches and cables of clusters, by the design that the row names."""

from __future__ import annotations

import re
from itertools import pairwise

from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.networks.planes import planes_of
from groundup.networks.topology import Fabric, fat_tree, rail_optimised, rails
from groundup.planner.validation.row import Prediction, Row, between

_PORTS = re.compile(r"(\d+)\s*-?\s*p(?:orts?)?\b", re.IGNORECASE)
_CABLES = {
    ("leaf", "spine"): "leaf_cables", ("spine", "core"): "core_cables",
    ("node", "leaf"): "endpoint_cables",
}  # fmt: skip
_NODES = re.compile(r"node|endpoint|server|gpu|nic|compute|ufm")
_DESIGNS = (
    (r"rail[- _]only", rails),
    (r"dual[- _]plane|^(?!.*(?:xdr|x800|144)).*b300", planes_of),
    (r"superpod|rail[- _]optimi[sz]ed", rail_optimised),
    (r"fat[- _]?tree|clos", fat_tree),
)


def predict(row: Row, facts: Catalogue) -> Prediction:
    """Count of switches or cables for `n_chips` endpoints.

    A design that the row names is counted exactly. Where it names none the count is that of a
    non-blocking fat tree and the interval reaches down to rails that are not joined, the smallest
    design in use (arXiv:2307.12169). NoDataError for other metrics, or without accelerators.
    """
    parts = parts_of(row.metric)
    endpoints = row.number("n_chips")
    if not endpoints:
        raise NoDataError("column `n_chips` is empty: a network needs its endpoints")
    text = " ".join((row.name, row.hardware, row.source, row.notes)).lower()
    ports = ports_of(row, facts)
    for pattern, build in _DESIGNS:
        if re.search(pattern, text):
            count = _count(build(endpoints, ports), parts)
            return between(count, count, count, f"{build.__name__} of {ports} ports")
    count = _count(fat_tree(endpoints, ports), parts)
    least = _count(rails(endpoints, ports), parts)
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


def parts_of(metric: str) -> tuple[str, ...]:
    """What a metric counts: `switch_count_leaf+spine` leaves and spines, `node_leaf_cables` cables.

    A metric that names no tier counts all of them. NoDataError for anything but switches and
    cables.
    """
    words = metric.strip().lower()
    tiers = [tier for tier in ("leaf", "spine", "core") if tier in words]
    if "cable" in words or "link" in words:
        found = ["node", *tiers] if _NODES.search(words) else tiers
        if len(found) < 2:
            return ("cables",)
        return tuple(_CABLES[pair] for pair in pairwise(found) if pair in _CABLES)
    if "switch" in words or tiers:
        return tuple(tiers) or ("switches",)
    raise NoDataError(f"no model of the metric {metric!r} of networks")


def _count(built: Fabric, parts: tuple[str, ...]) -> float:
    return float(sum(float(getattr(built, part)) for part in parts))
