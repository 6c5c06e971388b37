"""Checkpoints survive damage of the newest one."""

import pytest
import torch

from groundup.facts.errors import ArtifactError
from groundup.training.checkpoint import (
    BEFORE,
    LAST,
    read_checkpoint,
    remove_checkpoints,
    write_checkpoint,
)


def test_newest_wins_then_the_one_before(tmp_path):
    assert read_checkpoint(tmp_path) is None
    for step in (1, 2, 3):
        write_checkpoint(tmp_path, {"step": step, "w": torch.full((4,), float(step))})
    assert read_checkpoint(tmp_path)["step"] == 3
    damaged = (tmp_path / LAST).read_bytes()[:100]
    (tmp_path / LAST).write_bytes(damaged)
    assert read_checkpoint(tmp_path)["step"] == 2
    (tmp_path / BEFORE).write_bytes(b"")
    with pytest.raises(ArtifactError, match="no readable checkpoint"):
        read_checkpoint(tmp_path)
    remove_checkpoints(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_keeps_what_was_there(tmp_path):
    write_checkpoint(tmp_path, {"step": 1})
    with pytest.raises((AttributeError, TypeError, Exception), match="pickle"):
        write_checkpoint(tmp_path, {"step": lambda: None})
    assert read_checkpoint(tmp_path) == {"step": 1}
    assert [path.name for path in tmp_path.iterdir()] == [LAST]
