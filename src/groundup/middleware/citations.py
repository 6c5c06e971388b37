"""Citations: lines of a document quoted byte for byte, and checked again before they are served."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from groundup.facts.errors import DataError


@dataclass(frozen=True)
class Citation:
    """A quote and where it stands."""

    uri: str
    """Stable readable name of the document, e.g. `python3.11/json/__init__.py`."""
    path: str
    """The real file, or empty when the text was generated (built-ins written in C)."""
    start_line: int
    """First quoted line, from 1."""
    end_line: int
    """Last quoted line, inclusive."""
    quote: str
    """Text that stands in these lines exactly so."""
    name: str = ""
    """The documented symbol or heading."""
    licence: str = ""
    """SPDX licence of the document."""

    def as_dict(self) -> dict[str, str | int]:
        """JSON form."""
        return asdict(self)


@dataclass(frozen=True)
class Verdict:
    """What checking a citation found."""

    ok: bool
    """The quote stands in the cited lines of the stored document."""
    file: str
    """`same`, `changed since`, `missing` or `none` (generated text) for the real file."""
    reason: str = ""
    """Why not ok, or what is to be known about the file."""


@dataclass(frozen=True)
class StoredText:
    """A document as it was collected."""

    text: str
    path: str
    first_line: int
    licence: str


Lookup = Callable[[str], StoredText]
"""From a uri to its stored document; KeyError when there is none."""


def lines_of(text: str, first_line: int, start: int, end: int) -> str:
    """Lines start..end (inclusive, numbered from `first_line`) joined by newlines.

    Only "\\n" ends a line, as in the data floor: form feeds inside sources keep their number.
    DataError when the range is not inside the text.
    """
    lines = text.split("\n")
    low, high = start - first_line, end - first_line + 1
    if not 0 <= low < high <= len(lines):
        last = first_line + len(lines) - 1
        raise DataError(f"lines {start}-{end} are not inside {first_line}-{last}")
    return "\n".join(lines[low:high])


def verify(citation: Citation, look_up: Lookup) -> Verdict:
    """Read the cited lines again, from the stored document and from the real file.

    Not ok when the document is unknown, the lines are outside it, or the quote is not in them.
    """
    try:
        stored = look_up(citation.uri)
    except KeyError:
        return Verdict(False, "none", f"no document {citation.uri}")
    try:
        cited = lines_of(stored.text, stored.first_line, citation.start_line, citation.end_line)
    except DataError as error:
        return Verdict(False, "none", f"{citation.uri}: {error}")
    if not citation.quote.strip():
        return Verdict(False, "none", "the quote is empty")
    if citation.quote not in cited:
        return Verdict(False, "none", f"the quote is not in {citation.uri}:{citation.start_line}")
    state = _file_state(citation, stored)
    return Verdict(True, state, "" if state in ("same", "none") else f"{stored.path}: {state}")


def _file_state(citation: Citation, stored: StoredText) -> str:
    if not stored.path:
        return "none"
    try:
        now = Path(stored.path).read_bytes()
    except OSError:
        return "missing"
    try:
        text = now.decode("utf-8").replace("\r\n", "\n")
        lines = lines_of(text, 1, citation.start_line, citation.end_line)
    except (UnicodeDecodeError, DataError):
        return "changed since"
    return "same" if citation.quote in lines else "changed since"


def cite(
    look_up: Lookup, uri: str, start: int, end: int, quote: str = "", name: str = ""
) -> Citation:
    """A citation of lines start..end; `quote` is their whole text unless given.

    DataError when it would not verify: nothing unverified is ever made.
    """
    try:
        stored = look_up(uri)
    except KeyError as error:
        raise DataError(f"no document {uri}") from error
    whole = lines_of(stored.text, stored.first_line, start, end)
    citation = Citation(uri, stored.path, start, end, quote or whole, name, stored.licence)
    verdict = verify(citation, look_up)
    if not verdict.ok:
        raise DataError(f"{uri}:{start}-{end}: {verdict.reason}")
    return citation
