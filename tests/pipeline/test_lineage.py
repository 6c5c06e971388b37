"""The way back from an artifact to its sources."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.pipeline.test_runner import _run, _step, _write

from groundup.facts.errors import ArtifactError
from groundup.pipeline.lineage import find_artifact, lineage, render
from groundup.pipeline.step import Metrics, StepContext
from groundup.pipeline.store import Store


def _collect(context: StepContext) -> Metrics:
    _write("x")(context)
    return {"licences": {"MIT": 2, "PSF-2.0": 5}, "sources": {"stdlib": 5, "dist:numpy": 2}}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    steps = _step("documents", _collect), _step("index", _write("y"), "documents")
    _run(tmp_path, *steps, _step("release", _write("z"), "documents", "index"))
    return Store(tmp_path)


def test_tree_ends_in_sources_with_licences(store: Store) -> None:
    text = render(lineage(store, "release"))
    assert "release-" in text.splitlines()[0]
    assert "licences (documents): PSF-2.0 5, MIT 2" in text
    assert "sources (documents): stdlib 5, dist:numpy 2" in text
    assert text.count("sources (documents)") == 1  # the shared ancestor is shown once


def test_changed_file_is_reported(store: Store) -> None:
    path, _ = find_artifact(store, "index")
    (path / "text").write_text("forged")
    assert "files changed since: ['text']" in render(lineage(store, "release"))


def test_names_that_find_an_artifact(store: Store) -> None:
    path, manifest = find_artifact(store, "index")
    for name in (str(path), f"index-{manifest.key}", manifest.key[:8]):
        assert find_artifact(store, name) == (path, manifest)


def test_unknown_name_suggests_the_nearest(store: Store) -> None:
    with pytest.raises(ArtifactError, match="did you mean 'index'"):
        find_artifact(store, "indx")


def test_deleted_ancestor_is_named(store: Store) -> None:
    path, _ = find_artifact(store, "documents")
    for file in path.iterdir():
        file.unlink()
    path.rmdir()
    assert "(deleted)" in str(lineage(store, "release"))
