"""The documents of a release, found by id or by name; texts are read when they are asked for."""

from __future__ import annotations

import bisect
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from groundup.facts.errors import ArtifactError

COLUMNS = ("doc_id", "uri", "path", "first_line", "kind", "title", "source", "version")
MORE_COLUMNS = ("licence", "licence_evidence", "split")


@dataclass(frozen=True)
class Document:
    """One document without its text."""

    row: int
    doc_id: str
    uri: str
    path: str
    first_line: int
    kind: str
    title: str
    source: str
    version: str
    licence: str
    licence_evidence: str
    split: str


@dataclass(frozen=True)
class Excerpt:
    """Some lines of a document; `lines[0]` is line `first` of the real file."""

    document: Document
    first: int
    lines: tuple[str, ...]
    last_of_document: int


class Library:
    """Random access to `documents.parquet`: the table of contents in memory, texts on disk."""

    def __init__(self, directory: Path) -> None:
        import pyarrow.parquet as parquet

        file = directory / "documents.parquet"
        try:
            self._file = parquet.ParquetFile(file)
            table = self._file.read(columns=[*COLUMNS, *MORE_COLUMNS]).to_pylist()
        except (OSError, ValueError, KeyError) as error:
            raise ArtifactError(f"{file}: not readable as documents ({error})") from error
        self.documents = tuple(Document(row, **record) for row, record in enumerate(table))
        self._by_id = {document.doc_id: document for document in self.documents}
        self._by_uri: dict[str, Document] = {}
        for document in self.documents:  # a name that is there twice means its first document
            self._by_uri.setdefault(document.uri, document)
        metadata = self._file.metadata
        sizes = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
        self._starts = [sum(sizes[:i]) for i in range(len(sizes))]
        self._lock = threading.Lock()  # a ParquetFile is not made for two readers at once
        self._group: tuple[int, Any] | None = None

    def by_id(self, doc_id: str) -> Document | None:
        """Return the document with this id, if there is one."""
        return self._by_id.get(doc_id)

    def by_uri(self, uri: str) -> Document | None:
        """Return the first document with this name, if there is one."""
        return self._by_uri.get(uri)

    def text(self, document: Document) -> str:
        """Return the exact text; reads one row group and keeps the last one read."""
        group = bisect.bisect_right(self._starts, document.row) - 1
        with self._lock:
            if self._group is None or self._group[0] != group:
                column = self._file.read_row_group(group, columns=["text"]).column("text")
                self._group = (group, column)
            return str(self._group[1][document.row - self._starts[group]].as_py())

    def excerpt(self, document: Document, start: int, end: int) -> Excerpt:
        """Return lines `start..end` (of the real file, inclusive), cut to what there is."""
        lines = split_lines(self.text(document))
        last = document.first_line + len(lines) - 1
        first = min(max(start, document.first_line), last)
        stop = min(max(end, first), last)
        wanted = lines[first - document.first_line : stop - document.first_line + 1]
        return Excerpt(document, first, tuple(wanted), last)

    @cached_property
    def training_licences(self) -> Mapping[str, int]:
        """Licence -> number of training documents, most frequent first."""
        counts = Counter(d.licence for d in self.documents if d.split == "train")
        return dict(counts.most_common())


def split_lines(text: str) -> list[str]:
    r"""Split into lines as the citations count them: only \n ends a line."""
    lines = text.split("\n")
    return lines[:-1] if len(lines) > 1 and lines[-1] == "" else lines
