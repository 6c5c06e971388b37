"""Tensor files: whole or absent, and read by the safetensors library itself."""

import pytest
import torch
from safetensors import safe_open

from groundup.facts.errors import ArtifactError
from groundup.frameworks.tensors import read_tensors, write_tensors


def test_round_trip_and_header(tmp_path):
    path = tmp_path / "w.safetensors"
    tensors = {"a": torch.randn(3, 4), "b": torch.arange(5).to(torch.int8), "c": torch.ones(2, 3).T}
    write_tensors(path, tensors, {"why": "test"})
    back = read_tensors(path)
    assert all(torch.equal(back[name], tensor) for name, tensor in tensors.items())
    with safe_open(path, "pt") as file:
        assert file.metadata() == {"format": "pt", "why": "test"}


def test_missing_and_damaged_files_are_named(tmp_path):
    with pytest.raises(ArtifactError, match="no such file"):
        read_tensors(tmp_path / "absent")
    write_tensors(tmp_path / "w", {"a": torch.ones(100)})
    (tmp_path / "w").write_bytes((tmp_path / "w").read_bytes()[:50])
    with pytest.raises(ArtifactError, match="not a whole safetensors"):
        read_tensors(tmp_path / "w")
