"""Trace files: CSV or JSONL with time, prompt and output tokens, perhaps hashes of blocks.

Columns may have the names of the published traces: Azure (TIMESTAMP, ContextTokens,
GeneratedTokens), Mooncake (timestamp in ms, input_length, output_length, hash_ids), BurstGPT
(Timestamp, Request tokens, Response tokens), Vidur (arrived_at, num_prefill_tokens,
num_decode_tokens), or timestamp, prompt, output.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from groundup.facts.errors import DataError
from groundup.inference.requests import Requests

TIME = ("timestamp", "arrived_at", "arrival", "time")
PROMPT = (
    "prompt", "prompt_tokens", "input_length", "contexttokens", "num_prefill_tokens",
    "request tokens", "input_tokens",
)  # fmt: skip
OUTPUT = (
    "output", "output_tokens", "output_length", "generatedtokens", "num_decode_tokens",
    "response tokens",
)  # fmt: skip
HASHES = ("hash_ids", "blocks", "prefix")
_MOONCAKE_BLOCK = 512
"""Tokens of a block of hash_ids in Mooncake's traces (README of its FAST25 release)."""


def read_trace(path: Path, block: int = _MOONCAKE_BLOCK) -> Requests:
    """All requests of a file, in order of time, from second 0 on.

    Times are seconds or dates; rows with `input_length` and `hash_ids` are in Mooncake's form,
    whose times are milliseconds. `block` is the tokens of one hash. DataError names file, line and
    column.
    """
    rows = [_request(row, line, path) for line, row in _rows(path)]
    if not rows:
        raise DataError(
            f"{path}: no requests; write one row for each, below a line of column names"
        )
    rows.sort(key=lambda row: row[0])
    arrival = np.asarray([row[0] for row in rows])
    hashed = any(row[3] for row in rows)
    return Requests(
        arrival - arrival[0],
        np.asarray([row[1] for row in rows], dtype=np.int64),
        np.asarray([row[2] for row in rows], dtype=np.int64),
        tuple(row[3] for row in rows) if hashed else (),
        block if hashed else 0,
        path.name,
    )


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}; check the path") from None
    except UnicodeDecodeError:
        raise DataError(f"{path}: is not UTF-8 text; convert it") from None
    if text.lstrip().startswith("{"):
        yield from _json_rows(text, path)
        return
    reader = csv.reader(text.splitlines())
    names = [name.strip().lower() for name in next(reader, [])]
    for cells in reader:
        if cells:
            if len(cells) != len(names):
                raise DataError(
                    f"{path}, line {reader.line_num}: {len(cells)} cells under {len(names)} "
                    "columns; quote cells that hold a comma"
                )
            yield reader.line_num, dict(zip(names, cells, strict=True))


def _json_rows(text: str, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, row in enumerate(text.splitlines(), 1):
        if not row.strip():
            continue
        try:
            value = json.loads(row)
        except json.JSONDecodeError as error:
            raise DataError(f"{path}, line {line}: is not JSON: {error.msg}") from None
        if not isinstance(value, dict):
            raise DataError(f"{path}, line {line}: expected one JSON object a line")
        yield line, {str(name).lower(): cell for name, cell in value.items()}


def _request(row: dict[str, Any], line: int, path: Path) -> tuple[float, int, int, tuple[int, ...]]:
    where = f"{path}, line {line}"
    time = _seconds(row, where)
    hashes = next((row[name] for name in HASHES if name in row), ())
    return time, _tokens(row, PROMPT, where), _tokens(row, OUTPUT, where), _blocks(hashes, where)


def _column(row: dict[str, Any], names: tuple[str, ...], where: str) -> str:
    for name in names:
        if name in row:
            return name
    raise DataError(
        f"{where}: no column {names[0]!r}; it may be called {', '.join(names)}; "
        f"found {', '.join(row)}"
    )


def _seconds(row: dict[str, Any], where: str) -> float:
    name = _column(row, TIME, where)
    cell = row[name]
    try:
        value = float(cell)
    except (TypeError, ValueError):
        return _date(str(cell), name, where)
    if not math.isfinite(value):
        raise DataError(f"{where}: {name} = {cell!r} is not a finite time")
    return value / 1e3 if "hash_ids" in row and "input_length" in row else value


def _date(cell: str, name: str, where: str) -> float:
    head, dot, rest = cell.partition(".")
    digits = len(rest) - len(rest.lstrip("0123456789"))
    text = head + (dot + rest[: min(digits, 6)].ljust(6, "0") + rest[digits:] if dot else "")
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise DataError(
            f"{where}: {name} = {cell!r} is neither seconds nor a date such as "
            "2023-11-16 18:15:46.680"
        ) from None


def _tokens(row: dict[str, Any], names: tuple[str, ...], where: str) -> int:
    name = _column(row, names, where)
    try:
        value = float(row[name])
    except (TypeError, ValueError):
        raise DataError(f"{where}: {name} = {row[name]!r} is not a number of tokens") from None
    if not value >= 1 or value != int(value):
        raise DataError(
            f"{where}: {name} = {row[name]!r}: expected a whole number of at least 1; drop rows of "
            "failed requests"
        )
    return int(value)


def _blocks(cell: Any, where: str) -> tuple[int, ...]:
    """Hashes as integers; text is hashed by Python's own means only within one process."""
    values = cell.split() if isinstance(cell, str) else cell
    if not isinstance(values, list | tuple):
        raise DataError(f"{where}: block hashes {cell!r}: expected a list of integers")
    try:
        return tuple(int(value) for value in values)
    except (TypeError, ValueError):
        raise DataError(f"{where}: block hashes {cell!r}: expected integers") from None
