"""Rows of `train_memory`: bytes of an accelerator in training, whole or by part."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.facts.units import factor
from groundup.models.workload import work_of
from groundup.planner.validation.hardware import chip_of, memory_gb_of
from groundup.planner.validation.memory_row import case_of
from groundup.planner.validation.model import architecture_of_row
from groundup.planner.validation.row import Prediction, Row, within
from groundup.training.memory import Memory, memory
from groundup.training.work import Work

_UNITS = {"gib": "GiB", "gb": "GB", "mib": "MiB", "mb": "MB", "tib": "TiB", "bytes": "B", "b": "B"}


def predict(row: Row, facts: Catalogue) -> Prediction:
    """Bytes that the row's metric names, in the row's unit.

    `activation...` is what layers keep, `optimizer...`, `param...`, `gradient...` are states, all
    else is the peak that the framework's allocator reports, or the driver where the row says
    nvidia-smi; what ran on a card fitted into it. A row without a shape or a sequence but with
    `params_total` is answered with its states alone. NoDataError names what is missing.
    """
    if not row.seq_len and row.number("params_total"):
        return _states_alone(row, facts)
    case = case_of(row, facts)
    work = work_of(architecture_of_row(row))
    found = memory(work, case.layout, case.formats, _outside(facts))
    value, how = _asked(row, found)
    if how == "activations" and _relative(row):
        plain = replace(case.layout, recompute=np.zeros(()), sequence_parallel=np.zeros(()))
        value /= float(memory(work, plain, case.formats).activations) * _relative(row)
        sigma = facts["planner.error.memory_part"].value
        return within(value, sigma, "training memory: activations over those of tensor ranks alone")
    if how == "peak":
        full = facts["planner.error.card_filled"].value
        value = min(value, full * (card_of(row, facts) or np.inf))
    sigma = facts[f"planner.error.memory_{'peak' if how == 'peak' else 'part'}"].value
    return within(value / _unit(row, facts), sigma, f"training memory: {how}")


def _states_alone(row: Row, facts: Catalogue) -> Prediction:
    """States of `params_total` weights; of a peak also what the driver takes: a table of needs."""
    case = case_of(replace(row, seq_len="1", microbatch="1", global_batch=""), facts)
    zero = dict.fromkeys(Work.__dataclass_fields__, np.zeros(()))
    weights = np.asarray(row.number("params_total"))
    work = Work(**(zero | {"layers": np.ones(()), "matrices": weights}))
    found = memory(work, case.layout, case.formats, _outside(facts))
    value, how = _asked(row, found)
    if how == "peak":
        value = float(found.states + found.fixed)
    sigma = facts[f"planner.error.memory_{'states_alone' if how == 'peak' else 'part'}"].value
    named = "states and driver alone" if how == "peak" else how
    return within(value / _unit(row, facts), sigma, f"training memory: {named}")


def card_of(row: Row, facts: Catalogue) -> float | None:
    """Bytes of the row's accelerator; None where nothing says how much it has."""
    text = f"{row.hardware} {row.notes}"
    size = memory_gb_of(text)
    if size is not None:
        return size * 1e9
    try:
        return facts.estimate(f"chips.{chip_of(text)}.memory").to("B/accelerator").value
    except NoDataError:
        return None


def _outside(facts: Catalogue) -> float:
    return facts.estimate("training.outside.context").to("B/accelerator").value


def _asked(row: Row, found: Memory) -> tuple[float, str]:
    metric = row.metric.lower()
    parts: list[str] = []
    if "activation" in metric:
        parts = ["activations"]
    elif re.search(r"state|(param|weight|model).*optim|optim.*(param|weight)", metric):
        parts = ["weights", "gradients", "optimiser"]
    elif "optim" in metric:
        parts = ["optimiser"]
    elif "grad" in metric:
        parts = ["gradients"]
    elif re.search(r"param|weight", metric):
        parts = ["weights"]
    if parts:
        return float(sum(getattr(found, part) for part in parts)), " + ".join(parts)
    driver = re.search(r"nvidia-smi|\bsmi\b|driver", f"{row.notes} {row.metric}".lower())
    return float(found.total if driver else found.allocated), "peak"


def _relative(row: Row) -> float:
    """Size of a row's unit where it is a share, else 0: of activations without recomputation and
    sequence parallelism, as figure 7 of Korthikanti et al. 2022 (arXiv:2205.05198) draws them."""
    text = row.unit.strip().lower()
    if text.startswith("%") or "percent" in text:
        return 0.01
    return 1.0 if text in ("1", "x") or text.startswith(("fraction", "ratio", "share")) else 0.0


def _unit(row: Row, facts: Catalogue) -> float:
    """Bytes of one unit of the row; a per cent is of the card's memory."""
    text = row.unit.strip().lower().split("/")[0].strip()
    if text in ("%", "1", "fraction"):
        card = card_of(row, facts)
        if card is None:
            raise NoDataError(f"{row.where}: memory of `{row.hardware}` is not known")
        return card * (0.01 if text == "%" else 1.0)
    if text not in _UNITS:
        raise NoDataError(f"{row.where}: unit `{row.unit}` is not one of memory")
    return factor(_UNITS[text], "B")
