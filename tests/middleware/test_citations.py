"""Citations are checked against real files of this interpreter, and never made when wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.facts.errors import DataError
from groundup.middleware.citations import Citation, StoredText, cite, lines_of, verify

PATH = Path(json.__file__)
TEXT = PATH.read_text("utf-8")
STORED = StoredText(TEXT, str(PATH), 1, "PSF-2.0")


def look_up(uri: str) -> StoredText:
    return {"json": STORED}[uri]


def test_a_citation_of_a_real_file_verifies() -> None:
    line = TEXT.split("\n").index(
        next(each for each in TEXT.split("\n") if each.startswith("def dumps("))
    )
    citation = cite(look_up, "json", line + 1, line + 1, "def dumps(obj")
    assert citation.licence == "PSF-2.0"
    assert verify(citation, look_up).file == "same"


@pytest.mark.parametrize(
    "wrong",
    [
        {"quote": "not in there at all"},
        {"quote": "  "},
        {"start_line": 0},
        {"end_line": 10**6},
        {"uri": "elsewhere"},
    ],
)
def test_what_is_wrong_does_not_verify(wrong: dict[str, object]) -> None:
    good = Citation("json", str(PATH), 1, 3, TEXT.split("\n")[0])
    assert verify(good, look_up).ok
    assert not verify(replace(good, **wrong), look_up).ok


def test_nothing_unverified_is_made() -> None:
    with pytest.raises(DataError, match="not in"):
        cite(look_up, "json", 1, 1, "nonsense")
    with pytest.raises(DataError, match="no document"):
        cite(look_up, "missing", 1, 1)


def test_a_file_that_changed_or_went_is_flagged(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("one\ntwo\n", "utf-8")
    stored = StoredText("one\ntwo\n", str(path), 1, "")
    citation = cite(lambda _: stored, "a", 2, 2)
    assert verify(citation, lambda _: stored).file == "same"
    path.write_text("one\nthree\n", "utf-8")
    verdict = verify(citation, lambda _: stored)
    assert verdict.ok
    assert verdict.file == "changed since"
    path.unlink()
    assert verify(citation, lambda _: stored).file == "missing"
    assert verify(citation, lambda _: StoredText("one\ntwo\n", "", 1, "")).file == "none"


TEXTS = st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs"]), min_size=1)


@given(TEXTS, st.integers(1, 50), st.data())
def test_lines_are_numbered_from_the_first_line(text: str, first: int, data: st.DataObject) -> None:
    lines = text.split("\n")
    start = data.draw(st.integers(0, len(lines) - 1))
    end = data.draw(st.integers(start, len(lines) - 1))
    found = lines_of(text, first, first + start, first + end)
    assert found.split("\n") == lines[start : end + 1]


@given(TEXTS, st.data())
def test_any_slice_of_a_line_verifies_there(text: str, data: st.DataObject) -> None:
    stored = StoredText(text, "", 1, "")
    lines = text.split("\n")
    row = data.draw(st.integers(0, len(lines) - 1))
    if lines[row].strip():
        citation = cite(lambda _: stored, "t", row + 1, row + 1, lines[row])
        assert verify(citation, lambda _: stored).ok
