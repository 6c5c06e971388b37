"""What a row of a published run says of its size: FLOP, tokens, accelerators, their kind."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from groundup.chips.catalogue import known
from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.planner.validation.hardware import chip_of
from groundup.planner.validation.row import Row

_FLOP = re.compile(r"([\d.]+e[+-]?\d+)\s*FLOP", re.IGNORECASE)
_OLD = (
    (r"tpu ?v?3|tpuv3", "tpu-v3"),
    (r"tpu ?v?2|tpuv2", "tpu-v2"),
    (r"\bp100", "p100"),
    (r"\bk80", "k80"),
    (r"ascend 910(?! ?b)", "ascend-910"),
)
"""Accelerators that published runs used and that the catalogue of chips does not hold."""
_SIZED = re.compile(r"([\d.,]+)\s*([KMBT]|trillion|billion|million)\b", re.IGNORECASE)
_SCALE = {"k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}
_WHOLE = 0.7
"""Share of the parameters from which a run counts as dense: estimates of FLOP are rounded."""


@dataclass(frozen=True)
class RunWork:
    """Size of a run."""

    flop: float
    """Training FLOP: 6 a parameter and token, unless the row states an estimate."""
    active: float
    """Parameters that work on a token."""
    total: float
    """All parameters."""
    chip: str
    """Accelerator: a name of the catalogue of chips, or one of `run.old` facts."""
    precision: str
    """Number format of products."""
    count: float | None
    """Accelerators of the job."""


def run_work(row: Row) -> RunWork:
    """The size of a row's run; what its columns leave empty is looked up by the run's name.

    A stated estimate of FLOP (`C=1.2e24 FLOP` in the notes) comes first: tokens of a table are
    often those of the data set, not of all its epochs. NoDataError names what is missing.
    """
    told = published_run(row.name)
    active, total = _parameters(row, told)
    flop = _flop(row, told, active)
    if active is None:
        raise NoDataError(f"{row.where}: no parameters and no published run of that name")
    return RunWork(
        flop, active, total or active, chip_name(row, told), _precision(row, told),
        row.number("n_chips"),
    )  # fmt: skip


def published_run(name: str) -> Mapping[str, Any]:
    """Entry of `published_runs.toml` whose name is in `name`, the longest; empty without one."""
    plain = f"-{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}-"
    plain = re.sub(r"-llama(\d)", r"-llama-\1", plain)
    found = [key for key in _runs() if f"-{key}-" in plain]
    return _runs()[max(found, key=len)] if found else {}


def chip_name(row: Row, told: Mapping[str, Any]) -> str:
    """Accelerator of a row, else of the published run; NoDataError where neither says."""
    plain = re.sub(r"[^a-z0-9,]+", " ", row.hardware.lower())
    if "," not in plain:
        for pattern, name in _OLD:
            if re.search(pattern, plain):
                return name
    if not row.hardware.strip() and "chip" in told:
        return str(told["chip"])
    return chip_of(row.hardware)


def peak_of(chip: str, facts: Catalogue) -> float:
    """Dense 16-bit peak, FLOP/s; NoDataError where none is on record."""
    if f"planner.run.old.{chip}.peak" in facts:
        return facts.estimate(f"planner.run.old.{chip}.peak").to("FLOP/(s*accelerator)").value
    for word in ("bf16", "fp16"):
        found = known(chip, f"peak.{word}.dense", facts)
        if found is not None:
            return found.to("FLOP/(s*accelerator)").value
    raise NoDataError(f"no dense 16-bit peak of {chip} is on record")


def power_of(chip: str, facts: Catalogue) -> float:
    """Design power, W; measured power of accelerators outside of the catalogue."""
    if f"planner.run.old.{chip}.power" in facts:
        return facts[f"planner.run.old.{chip}.power"].value
    found = known(chip, "tdp", facts)
    if found is None:
        raise NoDataError(f"no power of {chip} is on record")
    return found.to("W/accelerator").value


def _parameters(row: Row, told: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Active and total parameters: the row's, the published run's, or what its FLOP imply."""
    total, active = _number(row, "params_total"), _number(row, "params_active")
    flop, tokens = _stated_flop(row), _number(row, "tokens")
    if active is None and "active" in told:
        active = float(told["active"])
    if active is None and total and flop and tokens and flop / (6 * tokens) < _WHOLE * total:
        active = max(flop / (6 * tokens), total / 100)  # a mixture of experts
    if active is None and total is None and (flop or "flop" in told):
        active = total = ((flop or float(told["flop"])) / 120) ** 0.5  # 20 tokens a parameter
    return (active or total), (total or active)


def _flop(row: Row, told: Mapping[str, Any], active: float | None) -> float:
    stated, tokens = _stated_flop(row), _number(row, "tokens")
    if stated:
        return stated
    if tokens is None and "tokens" in told:
        tokens = float(told["tokens"])
    if active and tokens:
        return 6 * active * tokens
    if "flop" in told:
        return float(told["flop"])
    missing = "tokens" if active else "params_active and tokens"
    raise NoDataError(f"{row.where}: {missing} missing, and no published run of that name")


def sized(text: str) -> float | None:
    """A number with its scale: `2T`, `70B`, `1.4 trillion`; None for anything else."""
    found = _SIZED.match(text.strip().lstrip("~> "))
    if not found:
        return None
    return float(found.group(1).replace(",", "")) * _SCALE[found.group(2)[0].lower()]


def _number(row: Row, column: str) -> float | None:
    """A column as a number, with or without the letter of its scale."""
    return row.number(column) or sized(str(getattr(row, column)))


def _stated_flop(row: Row) -> float | None:
    found = _FLOP.search(row.notes)
    return float(found.group(1)) if found else None


def _precision(row: Row, told: Mapping[str, Any]) -> str:
    text = row.precision.lower() or str(told.get("precision", ""))
    return next((word for word in ("fp4", "fp8") if word in text), "bf16")


@functools.lru_cache(maxsize=1)
def _runs() -> Mapping[str, Mapping[str, Any]]:
    path = files("groundup.planner.validation").joinpath("published_runs.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))
