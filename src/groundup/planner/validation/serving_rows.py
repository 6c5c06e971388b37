"""What a row of a serving measurement says: replica, batch, lengths of prompts and answers."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from groundup.chips import catalogue as chips
from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.inference.fit import Points
from groundup.inference.formats import format_name
from groundup.inference.laws import OVERLAPPED
from groundup.inference.replica import Engine, engine_of
from groundup.inference.steady import Traffic, traffic_of
from groundup.planner.validation.hardware import chip_of
from groundup.planner.validation.model import architecture_of_row
from groundup.planner.validation.row import Row, number_in

_LENGTHS = re.compile(r"^(\d+(?:\.\d+)?)\s*[+/x]\s*(\d+(?:\.\d+)?)$")
_ANSWER = re.compile(r"^out\s*(\d+(?:\.\d+)?)$")
_APART = re.compile(r"^p(\d+(?:\.\d+)?)/d(\d+(?:\.\d+)?)$")
_AT_ONCE = re.compile(r"[_\s]c(\d+)(?=[_\s]|$)")
_VLLM = re.compile(r"vllm\s*v?0\.(\d+)")
_VLLM_OVERLAPS = 14
"""Minor version of vLLM from which it schedules a step ahead by default."""
_TASKS = {
    "gpqa": ("gpqa",), "code": ("fim", "sourcegraph"), "image": ("image-chat", "image"),
    "video": ("video",), "chat": ("lm-arena-chat", "chat"),
}  # fmt: skip
"""Key of the mean prompt in the catalogue, and the words of a row that mean it."""


FITTED_TASKS = ("chat", "gpqa")
"""Tasks whose error is in `planner.error.serving` already, the doubt about their prompts too."""


@dataclass(frozen=True)
class Case:
    """One measured service."""

    engine: Engine
    """Replica that decodes."""
    chip: str
    """Its accelerator in the catalogue."""
    batch: float
    """Sequences at work on a decoding replica (or in all, where it serves alone)."""
    traffic: Traffic
    """Lengths."""
    prefill: Engine | None = None
    """Replica that reads prompts, where that is another one."""
    at_once: float = 0.0
    """Requests in flight at the whole service."""
    prefill_batch: float = 1.0
    """Prompts that a prefill replica reads at once."""


def case_of(row: Row, facts: Catalogue, samples: int = 0) -> Case:
    """The service of a row; NoDataError names the column that is missing or not understood."""
    chip = chip_of(row.hardware)
    traffic = _traffic(row, facts)
    if _APART.match(row.tp.strip()):
        return _apart(row, chip, traffic, facts, samples)
    batch = row.number("global_batch")
    if not batch:
        raise NoDataError("no number of sequences at work: column `global_batch`")
    ranks = int(row.number("n_chips") or row.number("tp") or 0)
    if not ranks:
        raise NoDataError("no number of accelerators: columns `n_chips` and `tp`")
    engine = _engine(row, chip, ranks, facts, samples)
    return Case(engine, chip, batch, traffic, at_once=batch)


def _engine(row: Row, chip: str, ranks: int, facts: Catalogue, samples: int) -> Engine:
    data = max(1, int(row.number("dp") or 1))
    data = data if ranks % data == 0 else 1
    return engine_of(
        architecture_of_row(row), chip, facts, tensor=ranks // data, data=data,
        expert=max(1, int(row.number("ep") or 1)), samples=samples,
        weight_format=format_name(row.precision or "bf16"), framework=framework_of(row),
    )  # fmt: skip


def framework_of(row: Row) -> str:
    """`overlapped` where the row names an engine that prepares the next step meanwhile.

    TensorRT-LLM and SGLang do by default, vLLM from 0.14; empty where the row names none of them.
    """
    words = f"{row.name} {row.source}".lower()
    if "trtllm" in words or "sglang" in words or "tensorrt-llm" in words:
        return OVERLAPPED
    found = _VLLM.search(words)
    return OVERLAPPED if found and int(found.group(1)) >= _VLLM_OVERLAPS else ""


def _apart(row: Row, chip: str, traffic: Traffic, facts: Catalogue, samples: int) -> Case:
    """Prefill and decode on replicas of their own.

    A decoding batch of one rank times the ranks gives the requests in flight: where tensor ranks
    are not stated beyond one, the ranks are copies of attention that share the experts.
    """
    widths, batches = _pair(row.tp), _pair(row.global_batch)
    if widths is None or batches is None:
        raise NoDataError(f"columns `tp` and `global_batch`: {row.tp!r}, {row.global_batch!r}")
    found = _AT_ONCE.search(row.source) or _AT_ONCE.search(row.name)
    at_once = float(found.group(1)) if found else batches[1]
    architecture = architecture_of_row(row)
    copies = max(1, round(at_once / batches[1])) if widths[1] == 1 else 1
    kind = format_name(row.precision or "bf16")
    decode = engine_of(
        architecture, chip, facts, tensor=int(widths[1]), data=copies,
        expert=int(widths[1]) * copies, weight_format=kind, samples=samples,
        framework=framework_of(row),
    )  # fmt: skip
    read = engine_of(
        architecture, chip, facts, tensor=_prefill_width(int(widths[0]), copies),
        weight_format=kind, samples=samples, framework=framework_of(row),
    )  # fmt: skip
    batch = min(at_once, batches[1] * copies)
    return Case(decode, chip, batch, traffic, read, at_once, batches[0])


def _prefill_width(width: int, copies: int) -> int:
    """Ranks of a prefill replica: copies of attention of a group that holds the experts, at most a
    server."""
    return width if width > 1 else max(1, min(copies, 8))


def _pair(text: str) -> tuple[float, float] | None:
    found = _APART.match(text.strip())
    return (float(found.group(1)), float(found.group(2))) if found else None


def _traffic(row: Row, facts: Catalogue) -> Traffic:
    text = row.seq_len.strip().lower()
    if found := _LENGTHS.match(text):
        return traffic_of(facts, float(found.group(1)), float(found.group(2)), fixed=True)
    found = _ANSWER.match(text)
    output = float(found.group(1)) if found else number_in(text)
    if not output:
        raise NoDataError(f"no lengths of prompt and answer: column `seq_len` says {row.seq_len!r}")
    prompt = facts[f"inference.length.prompt.{task_of(row)}"].value
    return traffic_of(facts, prompt, output)


def task_of(row: Row) -> str:
    """Task that the row names, as the catalogue of prompt lengths calls it; `other` for none.

    Model names hold such words too, so the notes decide before the name's last words.
    """
    for words in (row.notes.lower(), row.name.lower()):
        for key, names in _TASKS.items():
            if any(name in words for name in names):
                return key
    return "other"


def prompt_bounds(row: Row, facts: Catalogue) -> tuple[float, float] | None:
    """Bounds of the mean prompt where it is not stated, nor of a task that the laws know."""
    if _LENGTHS.match(row.seq_len.strip().lower()) or task_of(row) in FITTED_TASKS:
        return None
    fact = facts[f"inference.length.prompt.{task_of(row)}"]
    return fact.low, fact.high


def points_of(rows: Sequence[Row], facts: Catalogue) -> list[Points]:
    """Points for the fit: rows of one service with both metrics, grouped by replica."""
    groups: dict[tuple[str, ...], dict[tuple[str, str], dict[str, Row]]] = defaultdict(dict)
    for row in rows:
        replica = (_family(row), row.hardware, row.n_chips, row.dp, row.tp, row.ep, row.precision)
        point = (row.name, row.global_batch + row.seq_len)
        groups[replica].setdefault(point, {})[row.metric] = row
    made = []
    for key, found in groups.items():
        pairs = [
            pair for pair in found.values() if {"median_itl", "output_tokens_per_s"} <= set(pair)
        ]
        if pairs:
            made.append(_points(key[0], pairs, facts))
    return made


def _family(row: Row) -> str:
    """Model without the words of its format: both are left out together."""
    model = next((word for word in row.name.split() if "/" in word), row.name)
    return re.sub(r"-(fp8|fp4|awq|int8|int4)$", "", model.lower())


def _points(model: str, pairs: list[dict[str, Row]], facts: Catalogue) -> Points:
    cases = [case_of(pair["median_itl"], facts) for pair in pairs]

    def column(value: object) -> np.ndarray:
        return np.array([float(value(case)) for case in cases])  # type: ignore[operator]

    traffic = Traffic(*(
        column(lambda case, name=name: getattr(case.traffic, name))
        for name in ("prompt", "output", "cached", "prompt_spread", "output_spread")
    ))  # fmt: skip
    return Points(
        model, chips.chip(cases[0].chip).die, cases[0].engine, column(lambda case: case.batch),
        traffic,
        np.array([float(pair["median_itl"].value) / 1e3 for pair in pairs]),
        np.array([float(pair["output_tokens_per_s"].value) for pair in pairs]),
    )  # fmt: skip
