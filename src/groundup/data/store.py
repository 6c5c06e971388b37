"""Reading and writing documents, passages and JSON lines; files appear whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from groundup.data.document import Document, Passage
from groundup.facts.errors import DataError
from groundup.facts.files import replacing

DOCUMENTS = "documents.parquet"
PASSAGES = "passages.parquet"
BATCH = 512  # documents decoded at once: bounds memory, some MB of text

Row = TypeVar("Row", Document, Passage)


def _schema(kind: type[Document] | type[Passage]) -> pa.Schema:
    """Arrow schema of a record type: int and str columns, and lists of str."""
    types = {"int": pa.int32(), "str": pa.large_string()}
    names = [(field.name, str(field.type)) for field in fields(kind)]
    return pa.schema([(name, types.get(type_, pa.list_(pa.string()))) for name, type_ in names])


DOCUMENT_SCHEMA = _schema(Document)
PASSAGE_SCHEMA = _schema(Passage)


def _write(rows: Iterable[Row], schema: pa.Schema, path: Path) -> None:
    with (
        replacing(path) as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd") as writer,
    ):
        batch: list[dict[str, Any]] = []
        for row in rows:
            batch.append({name: getattr(row, name) for name in schema.names})
            if len(batch) == BATCH * 8:
                writer.write_batch(pa.RecordBatch.from_pylist(batch, schema=schema))
                batch = []
        writer.write_batch(pa.RecordBatch.from_pylist(batch, schema=schema))


def write_documents(documents: Iterable[Document], directory: Path) -> None:
    """Write `documents.parquet` (zstd) in `directory`."""
    _write(documents, DOCUMENT_SCHEMA, directory / DOCUMENTS)


def write_passages(passages: Iterable[Passage], directory: Path) -> None:
    """Write `passages.parquet` (zstd) in `directory`."""
    _write(passages, PASSAGE_SCHEMA, directory / PASSAGES)


def _open(path: Path) -> pq.ParquetFile:
    if not path.is_file():
        raise DataError(f"{path}: no such file; expected what `collect_documents` writes there")
    try:
        return pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise DataError(f"{path}: not a readable Parquet file ({error}); collect again") from error


def iterate_documents(directory: Path) -> Iterator[Document]:
    """Documents of `directory` one after another, in bounded memory; raises DataError."""
    for batch in _open(directory / DOCUMENTS).iter_batches(batch_size=BATCH):
        for row in batch.to_pylist():
            yield Document(**row)


def read_documents(directory: Path) -> list[Document]:
    """All documents of `directory`; raises DataError."""
    return list(iterate_documents(directory))


def read_passages(directory: Path) -> list[Passage]:
    """All passages of `directory`; raises DataError."""
    passages = []
    for batch in _open(directory / PASSAGES).iter_batches(batch_size=8 * BATCH):
        for row in batch.to_pylist():
            row["aliases"] = tuple(row["aliases"])
            passages.append(Passage(**row))
    return passages


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """The objects of a JSON Lines file; raises DataError naming file and line."""
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    rows = []
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError as error:
                raise DataError(f"{path}:{number}: not JSON ({error})") from error
    return rows


def write_jsonl(rows: Iterable[Any], path: Path) -> int:
    """Write objects (dicts or dataclasses) as JSON Lines; returns how many."""
    count = 0
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        for row in rows:
            value = row if isinstance(row, dict) else asdict(row)
            file.write(json.dumps(value, ensure_ascii=False) + "\n")
            count += 1
    return count


Progress = Callable[[str, float, float], None]
"""progress(label, done, total), called often by every long step."""


def quiet(label: str, done: float, total: float) -> None:
    """A `Progress` that says nothing."""
