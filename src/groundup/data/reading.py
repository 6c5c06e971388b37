"""From a file to a Reading: text, what is defined in it, and its near-duplicate signature."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from email.parser import HeaderParser
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from groundup.data import clean, folder_text, python_parse, sections
from groundup.data.dedup import signature
from groundup.data.document import Document, document_id, lines_of
from groundup.data.python_parse import Found, Names
from groundup.data.shingles import shingles
from groundup.data.sources import SourceFile


@dataclass(frozen=True)
class Reading:
    """One document as read (not yet named, deduplicated or split), or why there is none."""

    uri: str
    reason: str = ""
    """Why the file is left out; "" when it is kept."""

    notes: tuple[str, ...] = ()
    """Warnings worth a line in the report."""

    document: Document | None = None
    found: tuple[Found, ...] = ()
    names: Names | None = None
    digest: bytes = b""
    minhash: NDArray[np.uint32] | None = None


def read(file: SourceFile) -> Reading:
    """Read, clean and parse one file; never raises for what the file holds."""
    try:
        data = Path(file.path).read_bytes()
    except OSError as error:
        return Reading(file.uri, "unreadable", (f"{file.path}: {error.strerror or error}",))
    if file.kind in ("html", "pdf"):
        return _read_extracted(file, data)
    code = file.kind == "python-source"
    if b"\0" in data[:4096] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Reading(file.uri, "binary", (f"{file.path}: holds null bytes, so is not text",))
    text, encoding = clean.decode(data, python=code)
    notes = () if encoding == "utf-8" else (f"{file.path}: not UTF-8, read as {encoding}",)
    reason = clean.drop_reason(text, code, file.trusted)
    if reason:
        return Reading(file.uri, reason, notes)
    if code:
        return _read_python(file, text, notes)
    first_line, title = 1, _title(file)
    if file.uri.endswith("/METADATA"):
        first_line, text = description(text)
        if not text.strip():
            return Reading(file.uri, "no description")
    headings = _headings(file, text, data)
    found = sections.sections(text, headings, title, first_line)
    return reading(file, text, tuple(found), notes=notes, first_line=first_line, title=title)


def _read_python(file: SourceFile, text: str, notes: tuple[str, ...]) -> Reading:
    try:
        names, found = python_parse.parse(text, file.module, file.package)
    except (SyntaxError, ValueError, RecursionError) as error:
        problem = f"{file.path}: does not parse as Python {error}"
        if not file.trusted:
            return Reading(file.uri, "does not parse", (*notes, problem))
        found = sections.sections(text, [], _title(file))  # a person's file is kept as text
        return reading(file, text, tuple(found), notes=(*notes, problem), title=_title(file))
    return reading(file, text, tuple(found), names=names, notes=notes, title=file.module)


def _read_extracted(file: SourceFile, data: bytes) -> Reading:
    """HTML and PDF: the text made from them is the document, the file stays known as origin."""
    extract = folder_text.html if file.kind == "html" else folder_text.pdf
    try:
        page = extract(data)
    except folder_text.Unreadable as error:
        return Reading(file.uri, str(error), (f"{file.path}: {error}",))
    reason = clean.drop_reason(page.text, False, file.trusted)
    if reason:
        return Reading(file.uri, reason, (f"{file.path}: {reason}",))
    title = page.title or _title(file)
    found = tuple(sections.sections(page.text, list(page.headings), title))
    made = reading(file, page.text, found, title=title)
    assert made.document is not None
    return replace(made, document=replace(made.document, path="", origin=file.path))


def generated(file: SourceFile, text: str, found: list[Found], title: str) -> Reading:
    """A Reading of a text that no file holds (compiled modules, topics)."""
    made = reading(file, text, tuple(found), title=title)
    assert made.document is not None
    return replace(made, document=replace(made.document, path="", origin=file.path))


def reading(
    file: SourceFile,
    text: str,
    found: tuple[Found, ...],
    *,
    title: str,
    names: Names | None = None,
    notes: tuple[str, ...] = (),
    first_line: int = 1,
) -> Reading:
    """The Reading of a kept text: its document, hash and MinHash signature."""
    document = Document(
        document_id(file.uri, text),
        file.uri,
        file.path,
        first_line,
        file.kind,
        title,
        text,
        file.source,
        file.version,
        file.licence,
        file.licence_evidence,
    )
    digest = hashlib.sha256(text.strip().encode("utf-8", "surrogatepass")).digest()
    minhash = signature(shingles(text))
    return Reading(file.uri, "", notes, document, found, names, digest, minhash)


def description(metadata: str) -> tuple[int, str]:
    """(first line, text) of the description below the headers of a METADATA file."""
    headers, _, body = metadata.partition("\n\n")
    return headers.count("\n") + 3, body


def _headings(file: SourceFile, text: str, data: bytes) -> list[sections.Heading]:
    if file.kind == "licence":
        return []
    if file.kind == "readme":
        headers = HeaderParser().parsestr(clean.decode(data)[0].partition("\n\n")[0])
        kind = headers.get("Description-Content-Type", "text/x-rst")
        markdown = kind.startswith("text/markdown")
        return sections.markdown_headings(text) if markdown else sections.rst_headings(text)
    if file.kind == "markdown":
        return sections.markdown_headings(text)
    return sections.rst_headings(text)


def _title(file: SourceFile) -> str:
    if file.kind in ("readme", "licence"):
        package = file.uri.partition(" ")[0]
        return package if file.kind == "readme" else f"{package} licence"
    return file.uri


def line_count(text: str) -> int:
    """Lines of a text as citations count them."""
    return len(lines_of(text))
