"""A published measurement as one row of a CSV table, and what a model says about it."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import cast

from groundup.facts.errors import DataError

REQUIRED = ("name", "kind", "metric", "value", "unit", "source")
"""Columns without which a table cannot be scored; all others may be absent or empty."""
NORMAL_90 = 1.645
"""Standard deviations from the middle of a normal distribution to its 5 % and 95 % quantiles."""
_NUMBER = re.compile(r"[-+]?(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?")
_THOUSANDS = re.compile(r"[-+]?\d{1,3}(?:[,'\u202f\u00a0 ]\d{3})+(?:\.\d+)?")
_ABOUT = re.compile(r"^(?:~|\u2248|>=?|<=?|c\.|ca\.|about)\s*", re.IGNORECASE)
_NOTHING = frozenset({"", "-", "\u2013", "\u2014", "na", "n/a", "nan", "none", "null", "?"})


@dataclass(frozen=True)
class Row:
    """One measurement: what ran on what, and the number somebody published."""

    name: str = ""
    """The case in words; models without shape columns are found by it."""
    kind: str = ""
    """Which model of groundup answers: `train_throughput`, `collective`, ..."""
    params_total: str = ""
    """All parameters."""
    params_active: str = ""
    """Parameters that work on one token."""
    layers: str = ""
    """Blocks."""
    hidden: str = ""
    """Width of the residual stream."""
    heads: str = ""
    """Query heads."""
    kv_heads: str = ""
    """Heads of keys and values."""
    ffn: str = ""
    """Width of the feed-forward part (of one expert where there are several)."""
    vocab: str = ""
    """Entries of the vocabulary."""
    seq_len: str = ""
    """Tokens a sequence; `1024+128` or `out372.1` for serving."""
    tokens: str = ""
    """Tokens of the whole run."""
    global_batch: str = ""
    """Sequences a step, or requests in flight."""
    hardware: str = ""
    """The machine in the words of the source."""
    n_chips: str = ""
    """Accelerators."""
    dp: str = ""
    """Data-parallel copies."""
    tp: str = ""
    """Tensor-parallel group; `p1/d8` where prefill and decode are apart."""
    pp: str = ""
    """Pipeline stages."""
    cp: str = ""
    """Context-parallel group."""
    ep: str = ""
    """Expert-parallel group."""
    microbatch: str = ""
    """Sequences a micro-batch."""
    recompute: str = ""
    """What is computed again in the backward pass."""
    precision: str = ""
    """Number format; of a collective, its payload."""
    metric: str = ""
    """What was measured."""
    value: str = ""
    """The published number."""
    unit: str = ""
    """Its unit in the words of the source."""
    source: str = ""
    """Where it was published."""
    confidence: str = ""
    """How sure the table is of the row."""
    notes: str = ""
    """Anything else."""
    line: int = 0
    """Line of the file that the row ends on."""
    file: str = ""
    """Name of the file."""

    def number(self, column: str) -> float | None:
        """The column as a number; None where it is empty or says something else (`1024+128`)."""
        return number_in(cast(str, getattr(self, column)))

    @property
    def where(self) -> str:
        """File, line and name, for messages."""
        return f"{self.file}:{self.line} ({self.name})"


COLUMNS = tuple(field.name for field in fields(Row) if field.name not in ("line", "file"))
"""Columns of a table, in the order in which they are written."""


@dataclass(frozen=True)
class Prediction:
    """What a model says about a row, in the row's unit unless `unit` names another."""

    value: float
    """Nominal value."""
    low: float
    """5 % quantile, the error of the model included."""
    high: float
    """95 % quantile, the error of the model included."""
    how: str
    """Which model, in few words."""
    unit: str = ""
    """Unit of the three numbers where it is not the row's own; `score` converts."""


def within(value: float, sigma: float, how: str, unit: str = "") -> Prediction:
    """A prediction whose 90 % interval is value * exp(+-1.645 sigma), sigma of ln(measured/value).

    The error of a rate or a time is a factor, so the interval is lognormal.
    """
    spread = math.exp(NORMAL_90 * sigma)
    low, high = sorted((value / spread, value * spread))
    return Prediction(value, low, high, how, unit)


def between(value: float, low: float, high: float, how: str, unit: str = "") -> Prediction:
    """A prediction with given 5 % and 95 % quantiles, in any order, `value` never outside."""
    return Prediction(value, min(low, high, value), max(low, high, value), how, unit)


def number_in(text: str) -> float | None:
    """A number in `1007`, `1,089`, `2.5e12`, `~9`, `95%`; None where the text is something else.

    A per cent sign is dropped, not divided by: the unit column says what the number is.
    """
    text = _ABOUT.sub("", text.strip())
    if text.lower() in _NOTHING:
        return None
    text = text.removesuffix("%").strip()
    if _THOUSANDS.fullmatch(text):
        text = re.sub(r"[^\d.+-]", "", text)
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def read_rows(path: Path) -> tuple[Row, ...]:
    """All rows of a CSV table, in its order.

    Columns may be in any order, absent (but for `REQUIRED`) or unknown; empty lines and lines that
    begin with `#` are passed over, a byte order mark and Windows line ends too. A row whose numbers
    cannot be read is still a row: `score` counts and names it. Raises DataError with file, line,
    what was found and the remedy where the file is not such a table.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); give a CSV file") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not UTF-8 text ({error.reason}); save it as UTF-8") from error
    return tuple(rows_in(text, path.name))


def rows_in(text: str, file: str) -> Iterator[Row]:
    """Rows of a table given as text; `file` is its name for messages. Raises like `read_rows`."""
    source = _Lines(text)
    reader = csv.reader(source, strict=True)
    header: list[str] | None = None
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if header is None:
                header = _header(cells, file, source.line)
                continue
            yield _row(header, cells, file, source.line)
    except csv.Error as error:
        raise DataError(
            f'{file}:{source.line}: is not CSV ({error}); close every quoted cell with `"`'
        ) from error
    if header is None:
        raise DataError(f"{file}: is empty; its first line names columns: {', '.join(COLUMNS)}")


class _Lines:
    """Lines without comments, and the number of the line that was read last."""

    def __init__(self, text: str) -> None:
        self.line = 0
        self._lines = iter(text.splitlines(keepends=True))

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        for line in self._lines:
            self.line += 1
            if not line.startswith("#"):
                return line
        raise StopIteration


def _header(cells: Sequence[str], file: str, line: int) -> list[str]:
    header = [cell.strip().lower() for cell in cells]
    missing = [column for column in REQUIRED if column not in header]
    if missing:
        raise DataError(
            f"{file}:{line}: the header has no column {', '.join(f'`{m}`' for m in missing)}; it "
            f"has {', '.join(header)}; add the missing ones, separated by commas"
        )
    twice = sorted({column for column in header if column and header.count(column) > 1})
    if twice:
        raise DataError(f"{file}:{line}: column `{twice[0]}` is named twice; rename one of them")
    return header


def _row(header: Sequence[str], cells: Sequence[str], file: str, line: int) -> Row:
    if len(cells) > len(header) and any(cell.strip() for cell in cells[len(header) :]):
        raise DataError(
            f"{file}:{line}: has {len(cells)} cells, the header {len(header)} columns; put a cell "
            'that holds a comma in quotes (")'
        )
    named = dict(zip(header, cells, strict=False))
    told = {column: named[column].strip() for column in COLUMNS if column in named}
    return Row(**told, line=line, file=file)
