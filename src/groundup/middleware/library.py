"""The indexed passages and documents on disk: columns in memory, whole rows read when needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from groundup.data.document import Passage
from groundup.facts.errors import ArtifactError
from groundup.middleware.citations import StoredText

ROWS_A_GROUP = 16  # documents decompressed at once when one is looked up: about a millisecond
CACHED_GROUPS = 32


class Library:
    """Passages by number and documents by uri, from an index directory."""

    def __init__(self, index: Path) -> None:
        """ArtifactError when the directory holds no index."""
        try:
            self.table = pq.read_table(index / "passages.parquet")
            self._documents = pq.ParquetFile(index / "documents.parquet", memory_map=True)
        except (OSError, pa.ArrowInvalid) as error:
            raise ArtifactError(
                f"{index}: no readable passages and documents ({error}); run build_index first"
            ) from error
        self._columns = {name: self.table.column(name) for name in self.table.column_names}
        self._group = lru_cache(maxsize=CACHED_GROUPS)(self._read_group)

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def column(self, name: str) -> list[Any]:
        """All values of one passage column, in row order."""
        return list(self._columns[name].to_pylist())

    @cached_property
    def names(self) -> list[str]:
        """Names of all passages."""
        return self.column("name")

    @cached_property
    def kinds(self) -> list[str]:
        """Kinds of all passages."""
        return self.column("kind")

    @cached_property
    def row_of(self) -> dict[str, int]:
        """Row by passage id."""
        return {identity: row for row, identity in enumerate(self.column("passage_id"))}

    def passage(self, row: int) -> Passage:
        """One passage."""
        values = {f.name: self._columns[f.name][row].as_py() for f in fields(Passage)}
        values["aliases"] = tuple(values["aliases"] or ())
        return Passage(**values)

    def passages(self, rows: Sequence[int]) -> list[Passage]:
        """Several passages, in the order asked."""
        return [self.passage(row) for row in rows]

    @cached_property
    def sources(self) -> dict[str, str]:
        """Source (`stdlib`, `dist:numpy`, `folder:NAME`) of every document by uri."""
        table = self._documents.read(columns=["uri", "source"])
        return dict(
            zip(*(table.column(name).to_pylist() for name in ("uri", "source")), strict=True)
        )

    @cached_property
    def _document_rows(self) -> dict[str, int]:
        uris = self._documents.read(columns=["uri"]).column("uri").to_pylist()
        return {uri: row for row, uri in enumerate(uris)}

    def _read_group(self, group: int) -> Any:
        return self._documents.read_row_group(group)

    def document(self, uri: str) -> dict[str, Any]:
        """All columns of a document. KeyError when the uri is unknown."""
        group, row = divmod(self._document_rows[uri], ROWS_A_GROUP)
        found: dict[str, Any] = self._group(group).slice(row, 1).to_pylist()[0]
        return found

    def stored(self, uri: str) -> StoredText:
        """The text of a document for the citation check. KeyError when the uri is unknown."""
        row = self.document(uri)
        return StoredText(row["text"], row["path"], row["first_line"], row["licence"])


def write_library(documents: Path, index: Path) -> None:
    """Copy passages and documents into the index, documents in small groups for quick look-ups."""
    pq.write_table(
        pq.read_table(documents / "passages.parquet"),
        index / "passages.parquet",
        compression="zstd",
    )
    source = pq.ParquetFile(documents / "documents.parquet")
    with pq.ParquetWriter(
        index / "documents.parquet", source.schema_arrow, compression="zstd"
    ) as writer:
        pending: list[Any] = []
        for batch in source.iter_batches(batch_size=ROWS_A_GROUP):
            pending = _write_full_groups(writer, [*pending, batch])
        for batch in pending:
            writer.write_batch(batch)


def _write_full_groups(writer: Any, pending: list[Any]) -> list[Any]:
    """Write complete groups of ROWS_A_GROUP rows; what is left waits for the next batch.

    A row's group is its number // ROWS_A_GROUP only when no group but the last is short.
    """
    rows = pa.Table.from_batches(pending)
    if rows.num_rows < ROWS_A_GROUP:
        return pending
    writer.write_table(rows.slice(0, ROWS_A_GROUP), row_group_size=ROWS_A_GROUP)
    rest = rows.slice(ROWS_A_GROUP)
    return list(rest.to_batches()) if rest.num_rows else []
