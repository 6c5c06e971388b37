"""Document and Passage: what the assistant reads, and the spans that it may cite."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

TRAIN = "train"
HELD_OUT = "held-out"
UNKNOWN_LICENCE = "LicenseRef-unknown"


@dataclass(frozen=True)
class Document:
    """One file, or one text made from a file; its lines are what citations point at."""

    doc_id: str
    """16 hex digits of the SHA-256 of uri and text."""

    uri: str
    """Stable, readable name, e.g. `python3.11/json/decoder.py`."""

    path: str
    """Absolute path of the real file whose lines are cited; "" when the text is generated."""

    first_line: int
    """Line of `path` on which the text begins (1 for whole files)."""

    kind: str
    """python-source, pydoc, topic, readme, licence, markdown, html, text or pdf."""

    title: str
    text: str

    source: str
    """`stdlib`, `dist:NAME` or `folder:NAME`."""

    version: str

    licence: str
    """SPDX identifier or expression, or LicenseRef-unknown."""

    licence_evidence: str
    """Where the licence was read."""

    split: str = TRAIN
    """`train` or `held-out`."""

    origin: str = ""
    """Absolute path of the file that a generated text was made from, else ""."""


@dataclass(frozen=True)
class Passage:
    """A citable piece of a document; every quoted span is found verbatim in its lines.

    Lines are 1-based, inclusive, of the real file (or of the generated document). `summary`,
    `returns` and `raises` are "" and their lines 0 where the text does not say.
    """

    passage_id: str
    doc_id: str
    uri: str
    kind: str
    """function, method, class, module, section or topic."""

    name: str
    """Public qualified name (`json.JSONDecoder.decode`) or heading path."""

    signature: str
    summary: str
    text: str
    returns: str
    raises: str
    signature_start: int
    signature_end: int
    start_line: int
    end_line: int
    summary_start: int
    summary_end: int
    returns_start: int
    returns_end: int
    raises_start: int
    raises_end: int
    split: str = TRAIN
    aliases: tuple[str, ...] = ()
    """Other public names of the same thing."""


def document_id(uri: str, text: str) -> str:
    """16 hex digits that name this text at this place."""
    digest = hashlib.sha256(f"{uri}\0{text}".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:16]


def lines_of(text: str) -> list[str]:
    """The lines that citations count: only a newline ends a line (not form feeds, not U+2028)."""
    return text.split("\n")


def cited(document: Document, start: int, end: int) -> str:
    """Lines `start` to `end` (of the real file, inclusive) of a document, joined by newlines."""
    offset = document.first_line
    return "\n".join(lines_of(document.text)[start - offset : end - offset + 1])
