"""A new release is taken when the pointer changes; a bad one never replaces a good one."""

import json
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from groundup.apps.config import AppsConfig
from groundup.apps.current import Current, find_release, open_good
from groundup.apps.load import load_service
from groundup.apps.metrics import Metrics
from groundup.facts.errors import ArtifactError, GateError


@pytest.fixture
def home(release_dir: Path, tmp_path: Path) -> Path:
    """Three releases, of which the third failed a gate, and a pointer to the first."""
    for name in ("one", "two", "three"):
        shutil.copytree(release_dir, tmp_path / name, ignore=shutil.ignore_patterns("sources"))
        record = json.loads((tmp_path / name / "release.json").read_text())
        record["name"] = name
        record["gates"][0]["passed"] = name != "three"
        (tmp_path / name / "release.json").write_text(json.dumps(record))
    home = tmp_path / "home"
    home.mkdir()
    point(home, "../one")
    return home


def point(home: Path, text: str) -> None:
    scratch = home / "scratch"
    scratch.write_text(json.dumps({"release": text, "promoted": "2026"}))
    scratch.replace(home / "current.json")


def settle(current: Current) -> str:
    """Check for a change, wait for the loading thread, and name what is served."""
    current.check()
    for thread in threading.enumerate():
        if thread.name == "reload":
            thread.join(20)
    return current.service().release.name


def test_follows_the_pointer_and_keeps_the_last_good(home: Path) -> None:
    metrics = Metrics()
    current = Current(home, load_service, metrics)
    first = current.service()
    assert settle(current) == "one"
    point(home, "../three")  # failed its gate
    assert settle(current) == "one"
    point(home, "../nowhere")
    assert settle(current) == "one"
    (home / "current.json").write_text("{")
    assert settle(current) == "one"
    (home / "current.json").unlink()
    assert settle(current) == "one"
    assert current.service() is first
    point(home, "../two")
    assert settle(current) == "two"
    assert 'groundup_reloads_total{outcome="refused"} 4' in metrics.text([])
    assert 'groundup_reloads_total{outcome="taken"} 1' in metrics.text([])


def test_a_broken_part_keeps_the_last_good(home: Path) -> None:
    current = Current(home, load_service, Metrics())
    (home.parent / "two" / "model" / "model.safetensors").write_bytes(b"junk")
    point(home, "../two")
    assert settle(current) == "one"


def test_the_first_release_must_be_good(home: Path) -> None:
    point(home, "../three")
    with pytest.raises(GateError, match="recall_at_10"):
        Current(home, load_service, Metrics())
    with pytest.raises(ArtifactError, match="not found"):
        open_good(home.parent / "nothing")


def test_pointer_forms(home: Path) -> None:
    assert find_release(home) == home / "../one"
    assert find_release(home.parent / "two") == home.parent / "two"
    for bad in ("[]", '{"release": 3}', "{}", ""):
        (home / "current.json").write_text(bad)
        with pytest.raises(ArtifactError, match=r"current\.json"):
            find_release(home)


def test_the_live_server_swaps(serving: Any, home: Path, tmp_path: Path) -> None:
    with serving(home, tmp_path / "state", AppsConfig(port=0)) as server, server.client() as http:
        assert http.get("/healthz").json()["release"] == "one"
        point(home, "../two")
        names: list[Any] = []
        while "two" not in names:
            names.append(http.get("/healthz").json()["release"])
            assert len(names) < 5000
        assert set(names) <= {"one", "two"}  # and never an error in between
