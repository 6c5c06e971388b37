"""Checkpoints of a run: whole or absent, the last one and the one before it."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch

from groundup.facts.errors import ArtifactError
from groundup.facts.files import replacing

LAST, BEFORE = "checkpoint.pt", "checkpoint.previous.pt"


def write_checkpoint(out: Path, state: dict[str, Any]) -> None:
    """Write `state` so that a kill at any moment leaves a whole checkpoint to go on from.

    The new file is flushed before the old one is renamed, and the old one is kept. A full disk
    raises OSError and changes nothing.
    """
    last = out / LAST

    with replacing(last) as temporary:
        torch.save(state, temporary)
        if last.exists():
            last.replace(out / BEFORE)


def read_checkpoint(out: Path) -> dict[str, Any] | None:
    """The newest whole checkpoint in `out`, or None when there is none.

    Raises ArtifactError when there are checkpoints but none can be read.
    """
    present = [out / name for name in (LAST, BEFORE) if (out / name).exists()]
    problems = []
    for path in present:
        try:
            state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
            problems.append(f"{path}: {error}")
            continue
        return state
    if problems:
        raise ArtifactError(
            f"no readable checkpoint; delete {out} to start anew: {'; '.join(problems)}"
        )
    return None


def remove_checkpoints(out: Path) -> None:
    """Delete the checkpoints of a finished run."""
    for name in (LAST, BEFORE):
        (out / name).unlink(missing_ok=True)
