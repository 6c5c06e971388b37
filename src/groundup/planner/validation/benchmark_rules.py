"""What the rules of MLPerf Training say of a row and the row does not: length of a run, its model.

Time to train is steps to a target quality times seconds a step; the steps are the benchmark's own
and are published as reference convergence points.
"""

from __future__ import annotations

import dataclasses
import re

import numpy as np

from groundup.facts.catalogue import Catalogue
from groundup.planner.validation.row import Row

KINDS = ("train_time", "finetune_time")
"""Kinds of rows that are runs to a target."""
_BENCHMARKS = (
    # (what a row's name or source holds, benchmark, model as it is published, usual batch)
    (r"llama[ _-]?3[._]?1?[ _-]?405b", "llama31_405b", "Llama-3.1-405B", 1152),
    (r"llama[ _-]?3[._]?1?[ _-]?8b", "llama31_8b", "Llama-3.1-8B", 32),
    (r"llama[ _-]?2[ _-]?70b[ _-]?lora", "llama2_70b_lora", "Llama-2-70B LoRA", 8),
    (r"gpt[ _-]?3", "gpt3_175b", "GPT-3 175B", 1536),
)
_MLPERF = re.compile(r"mlperf|mlcommons", re.IGNORECASE)
_TOLD = re.compile(r"samples[ _]to[ _]", re.IGNORECASE)


def completed(row: Row, facts: Catalogue) -> Row:
    """The row with the tokens to the benchmark's target, its sequence, batch and model.

    Only empty cells are filled; rows of other kinds, or not of MLPerf, come back as they are.
    """
    if row.kind not in KINDS or not _MLPERF.search(f"{row.name} {row.source}"):
        return row
    text = f"{row.name} {row.source}".lower()
    for pattern, name, model, usual in _BENCHMARKS:
        if re.search(pattern, text):
            return _filled(row, pattern, name, model, usual, facts)
    return row


def _filled(row: Row, pattern: str, name: str, model: str, usual: int, facts: Catalogue) -> Row:
    sequence = row.number("seq_len") or facts[f"planner.mlperf.{name}.sequence"].value
    batch = row.number("global_batch") or float(usual)
    tokens = row.tokens
    if not row.number("tokens") and not _TOLD.search(row.notes):
        tokens = f"{sequences_to_target(name, batch, facts) * sequence:.6g}"
    return dataclasses.replace(
        row,
        name=re.sub(pattern, model, row.name, flags=re.IGNORECASE),
        tokens=tokens,
        seq_len=row.seq_len or f"{sequence:g}",
        global_batch=row.global_batch or f"{batch:g}",
    )


def sequences_to_target(name: str, batch: float, facts: Catalogue) -> float:
    """Sequences that the benchmark takes at a global batch: larger batches take more of them.

    Log-linear between the reference batches, constant beyond them.
    """
    prefix = f"planner.mlperf.{name}.batch_"
    known = sorted((int(key.removeprefix(prefix)), facts[key].value) for key in facts.keys(prefix))
    sizes, counts = np.log([size for size, _ in known]), np.log([count for _, count in known])
    return float(np.exp(np.interp(np.log(batch), sizes, counts)))
