"""Rows of kind `io`: copies between host and accelerator, and the size of checkpoints."""

from __future__ import annotations

import re

from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.planner.validation.estimates import sigma_of
from groundup.planner.validation.row import Prediction, Row, within


def predict(row: Row, facts: Catalogue) -> Prediction:
    """Rate of a host copy, or bytes of a checkpoint; NoDataError for other metrics."""
    if re.search(r"h2d|d2h|host|pcie", row.metric, re.IGNORECASE):
        return _host_copy(row, facts)
    if "checkpoint_size" in row.metric:
        return _checkpoint(row, facts)
    raise NoDataError(f"no model of the metric {row.metric!r} of io")


def _host_copy(row: Row, facts: Catalogue) -> Prediction:
    named = re.search(r"pcie\s*(?:gen\s*)?([3-6])", f"{row.name} {row.hardware}", re.IGNORECASE)
    if named is None:
        raise NoDataError("the row does not say which PCI Express joins host and accelerator")
    one_way = facts[f"networks.pcie{named.group(1)}.rate"].value / 2
    rate = one_way * facts["planner.copy.share"].value
    return within(rate, sigma_of("copy", facts), "PCIe rate x share of bulk copies", "GB/s")


def _checkpoint(row: Row, facts: Catalogue) -> Prediction:
    parameters = row.number("params_total")
    if not parameters:
        raise NoDataError("column `params_total` is empty: a checkpoint needs its parameters")
    each = facts["training.checkpoint_bytes"]
    size = parameters * each.value
    sigma = sigma_of("checkpoint", facts)
    return within(size, sigma, f"{each.value:g} bytes a parameter", "byte")
