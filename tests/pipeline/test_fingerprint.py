"""The fingerprint of the corpus changes when the corpus does, and only then."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundup.facts.errors import DataError
from groundup.pipeline.fingerprint import folder_fingerprint, python_fingerprint


def test_content_and_names_count_hidden_files_do_not(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.md").write_text("one")
    first = folder_fingerprint(tmp_path)
    assert first["files"] == "1"
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "index").write_text("x")
    assert folder_fingerprint(tmp_path) == first
    (tmp_path / "sub" / "a.md").write_text("two")
    second = folder_fingerprint(tmp_path)
    (tmp_path / "sub" / "a.md").rename(tmp_path / "sub" / "b.md")
    third = folder_fingerprint(tmp_path)
    assert len({item["sha256"] for item in (first, second, third)}) == 3


def test_missing_folder_and_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nothing.*expected a folder"):
        folder_fingerprint(tmp_path / "no")
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match=r"a file.*expected a folder"):
        folder_fingerprint(tmp_path / "file")


def test_python_is_stable_within_a_process() -> None:
    first = python_fingerprint()
    assert first == python_fingerprint()
    assert int(first["distribution_count"]) > 3
