"""Units in the words of published tables (`tok/s/GPU`, `GUSD/yr`, `USD (~)`) as facts' units."""

from __future__ import annotations

import dataclasses
import functools
import re

from groundup.facts.errors import NoDataError, UnitError
from groundup.facts.units import factor, parse
from groundup.planner.validation.row import Prediction, Row

_WORDS = {
    "tok": "token", "toks": "token", "tokens": "token", "gpu": "accelerator",
    "gpus": "accelerator", "chip": "accelerator", "chips": "accelerator", "device": "accelerator",
    "seq": "sequence", "samples": "sample", "seqs": "sequence", "sec": "s", "secs": "s",
    "second": "s", "seconds": "s", "hr": "h", "hrs": "h", "hour": "h", "hours": "h",
    "minutes": "min", "mins": "min", "days": "day", "d": "day", "yr": "year", "years": "year",
    "switches": "1", "count": "1", "ratio": "1", "fraction": "1", "x": "1", "flops": "FLOP/s",
    "tflops": "TFLOP/s", "pflops": "PFLOP/s", "tco2e": "tCO2", "tco2eq": "tCO2",
    "kgco2e": "kgCO2", "usd2023": "USD", "$": "USD", "percent": "%", "percentage": "%",
    "joule": "J", "joules": "J", "watt": "W", "watts": "W", "tok/s": "token/s", "ktok": "ktoken",
    "mtok": "Mtoken", "gtok": "Gtoken", "btok": "Gtoken", "ttok": "Ttoken", "iter": "1",
    "iteration": "1", "it": "1", "requests": "request", "req": "request", "epochs": "epoch",
    "gb": "GB", "gib": "GiB", "mb": "MB", "mib": "MiB", "tb": "TB", "ms": "ms", "us": "us",
}  # fmt: skip
_PART = re.compile(r"[^/*·]+|[/*·]")


def unit_of(text: str) -> str:
    """A table's unit as a unit of `groundup.facts.units`; an aside in brackets is left out.

    Raises NoDataError that names the unit where no word of it is known.
    """
    return _known(text.strip())


@functools.lru_cache(maxsize=512)
def _known(text: str) -> str:
    bare = re.sub(r"\([^()]*\)", "", text).strip() if not _parses(text) else text
    if _parses(bare):
        return bare
    bare = re.sub(r"(?i)\b(gpu|chip|device|accelerator|tpu)[- ]?(h|hours?|hrs?|days?)\b",
                  r"accelerator*\2", bare)  # fmt: skip
    parts = [part.strip() for part in _PART.findall(bare)]
    named = [_WORDS.get(part.lower(), part) if part not in "/*·" else part for part in parts]
    found = re.sub(r"^/", "1/", _one_line(named))
    if not _parses(found):
        raise NoDataError(
            f"unit {text!r} is not known; write it with SI units, token, accelerator, USD, as "
            "`token/(s*accelerator)` or `tok/s/GPU`"
        )
    return found


def _one_line(parts: list[str]) -> str:
    """Parts with dividing done left to right, as in `tok/s/GPU`."""
    return "".join(part if part in "/*·" else f"({part})" if "/" in part else part
                   for part in parts)  # fmt: skip


def _parses(text: str) -> bool:
    try:
        parse(text)
    except UnitError:
        return False
    return True


def in_unit_of(row: Row, prediction: Prediction) -> Prediction:
    """The prediction in the row's own unit; NoDataError where the two measure other things."""
    if not prediction.unit or prediction.unit == row.unit:
        return prediction
    try:
        times = factor(unit_of(prediction.unit), unit_of(row.unit))
    except UnitError as error:
        raise NoDataError(f"the model answers in {prediction.unit}, the row is: {error}") from None
    return dataclasses.replace(
        prediction,
        value=prediction.value * times,
        low=prediction.low * times,
        high=prediction.high * times,
        unit=row.unit,
    )


def value_in(row: Row, unit: str, column: str = "value") -> float:
    """The row's value in `unit`; NoDataError where it is no number or of another dimension."""
    value = row.number(column)
    if value is None:
        raise NoDataError(f"column `{column}` is {getattr(row, column)!r}: not a number")
    try:
        return value * factor(unit_of(row.unit), unit)
    except UnitError as error:
        raise NoDataError(f"the row's unit is {row.unit!r}: {error}") from None
