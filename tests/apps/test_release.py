"""A release is opened whole or refused with file, key and remedy."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from groundup.apps.release import open_release
from groundup.apps.weights import read_weights
from groundup.facts.errors import ArtifactError


@pytest.fixture
def record(release_dir: Path, tmp_path: Path) -> dict[str, Any]:
    """A good record in a directory of its own, with its artifacts by absolute path."""
    found = json.loads((release_dir / "release.json").read_text())
    found["artifacts"] = {k: str(release_dir / v) for k, v in found["artifacts"].items()}
    return found


def opened(tmp_path: Path, record: Any) -> Any:
    (tmp_path / "release.json").write_text(json.dumps(record))
    return open_release(tmp_path)


def test_a_good_release(tmp_path: Path, record: dict[str, Any]) -> None:
    release = opened(tmp_path, record)
    assert release.name == "tiny"
    assert release.rates["usd_per_kwh"].high == 0.4
    assert release.served_model == release.artifacts["model"]
    assert release.failed_gates == ()


def test_the_quantised_model_is_served(tmp_path: Path, record: dict[str, Any]) -> None:
    record["artifacts"]["quantised"] = record["artifacts"]["encoder"]
    release = opened(tmp_path, record)
    assert release.served_model == release.artifacts["encoder"]


def test_failed_gates(tmp_path: Path, record: dict[str, Any]) -> None:
    record["gates"].append({"name": "abstention", "passed": False, "value": None})
    assert [gate.name for gate in opened(tmp_path, record).failed_gates] == ["abstention"]


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (lambda r: r.pop("name"), "`name` is None"),
        (lambda r: r.update(artifacts=[]), "`artifacts` is"),
        (lambda r: r["artifacts"].pop("index"), "'index'"),
        (lambda r: r["artifacts"].update(model="nowhere"), "artifacts.model"),
        (lambda r: r["artifacts"].update(model=3), "artifacts.model"),
        (lambda r: r.pop("manifests"), "`manifests`"),
        (lambda r: r["plan"].update(rates=3), "plan.rates"),
        (lambda r: r["plan"]["rates"].update(usd_per_kwh=0.1), "usd_per_kwh"),
        (lambda r: r["plan"]["rates"]["usd_per_kwh"].update(low=9), "low <= value"),
        (lambda r: r["plan"]["rates"]["usd_per_kwh"].update(low=True), "expected numbers"),
        (lambda r: r["plan"]["rates"]["usd_per_kwh"].update(source=""), "`source`"),
        (lambda r: r.update(gates=[{"name": "x"}]), "gates"),
    ],
)
def test_what_is_wrong_is_named(
    tmp_path: Path, record: dict[str, Any], break_it: Any, says: str
) -> None:
    break_it(record)
    with pytest.raises(ArtifactError) as error:
        opened(tmp_path, record)
    assert says in str(error.value)
    assert "release.json" in str(error.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "\xff"])
def test_no_record(tmp_path: Path, text: str) -> None:
    with pytest.raises(ArtifactError, match="groundup run"):
        open_release(tmp_path)
    (tmp_path / "release.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(ArtifactError, match=r"release\.json"):
        open_release(tmp_path)


def test_weights_are_counted_without_their_scales(tmp_path: Path) -> None:
    tensors = {
        "a": torch.zeros(30, 10, dtype=torch.int8),
        "a.scale": torch.zeros(30),
        "b": torch.zeros(100),
    }
    save_file(tensors, tmp_path / "model.safetensors", {"format": "pt"})
    found = read_weights(tmp_path)
    assert found.parameters == 400
    assert found.precision == "I8 75%, F32 25%"
    assert found.file_bytes == (tmp_path / "model.safetensors").stat().st_size
    assert len(found.digest) == len("sha256:") + 64
    (tmp_path / "model.safetensors").write_bytes(b"junk")
    with pytest.raises(ArtifactError, match="safetensors"):
        read_weights(tmp_path)
