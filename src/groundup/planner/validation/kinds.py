"""Which module answers which kind of row."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.planner.validation.row import Prediction, Row

MODELS = {
    "collective": "collectives",
    "kernel": "kernels",
    "network": "networks",
    "power": "power",
    "facility": "facilities",
    "pue": "facilities",
    "carbon": "carbon",
    "chip_cost": "chip_costs",
    "supply_shock": "supply",
    "io": "transfers",
    "train_memory": "memory",
    "train_throughput": "training",
    "train_step_time": "training",
    "train_time": "training",
    "finetune_time": "training",
    "train_run": "runs",
    "train_run_epoch": "runs",
    "cost": "runs",
    "energy": "runs",
    "reliability": "runs",
    "inference_throughput": "serving",
    "inference_latency": "serving",
    "inference_energy": "serving",
    "inference_service": "serving",
}
"""Kind of row to the module of this package whose `predict` answers it."""
NOT_OF_THE_STACK = {
    "simulator_accuracy": "the accuracy that another tool states of itself is not a quantity of "
    "the stack"
}
"""Kinds that are counted and named, but that no model of a stack can answer."""


def model_of(kind: str) -> Callable[[Row, Catalogue], Prediction]:
    """The function that predicts rows of a kind; NoDataError where there is no model of it."""
    if kind in NOT_OF_THE_STACK:
        raise NoDataError(NOT_OF_THE_STACK[kind])
    if kind not in MODELS:
        raise NoDataError(f"no model of the kind {kind!r}")
    module = importlib.import_module(f"groundup.planner.validation.{MODELS[kind]}")
    found: Callable[[Row, Catalogue], Prediction] = module.predict
    return found
