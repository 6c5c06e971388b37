"""The served pointer: absent, replaced whole, damaged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from groundup.facts.errors import ArtifactError
from groundup.pipeline.promote import promote, read_current


def test_pointer_moves_and_remembers_the_last(tmp_path: Path) -> None:
    home = tmp_path / "laptop"
    assert read_current(home) is None
    for name in ("release-1", "release-2"):
        (tmp_path / "artifacts" / name).mkdir(parents=True)
        promote(home, tmp_path / "artifacts" / name)
    current = read_current(home)
    assert current is not None
    assert current.release == (tmp_path / "artifacts" / "release-2").resolve()
    assert json.loads((home / "current.json").read_text())["previous"] == "release-1"


def test_moving_the_whole_runs_folder_keeps_the_pointer(tmp_path: Path) -> None:
    (tmp_path / "runs" / "artifacts" / "release-1").mkdir(parents=True)
    promote(tmp_path / "runs" / "laptop", tmp_path / "runs" / "artifacts" / "release-1")
    (tmp_path / "runs").rename(tmp_path / "elsewhere")
    current = read_current(tmp_path / "elsewhere" / "laptop")
    assert current is not None
    assert current.release.is_dir()


def test_damaged_pointer_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "current.json").write_text("{")
    with pytest.raises(ArtifactError, match="groundup run"):
        read_current(tmp_path)
