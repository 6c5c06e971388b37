"""Training windows and held-out windows over token shards."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from groundup.facts.errors import DataError
from groundup.training.order import shuffled

Tokens = NDArray[np.uint16]


def read_tokens(shards: Path, split: str) -> Tokens:
    """Tokens of a split, memory-mapped; raises DataError when missing or too short to use."""
    path = shards / f"{split}.bin"
    if not path.exists():
        raise DataError(f"{path}: no such file; run the step that writes shards first")
    if path.stat().st_size < 4:
        raise DataError(f"{path}: {path.stat().st_size} bytes; the {split} split has no documents")
    return np.memmap(path, dtype="<u2", mode="r")


def training_batch(tokens: Tokens, step: int, batch: int, sequence: int, seed: int) -> Tensor:
    """Windows (batch, sequence + 1) of step `step`, int64; each token is seen once an epoch.

    Windows start every `sequence` tokens and overlap by one, because the last is only a target.
    A corpus shorter than one window is one shorter window.
    """
    sequence = min(sequence, len(tokens) - 1)
    windows = (len(tokens) - 1) // sequence
    positions = np.arange(step * batch, (step + 1) * batch)
    starts = shuffled(positions, windows, seed) * sequence
    picked = tokens[starts[:, None] + np.arange(sequence + 1)]
    return torch.from_numpy(picked.astype(np.int64))


def evaluation_windows(length: int, sequence: int) -> list[tuple[int, int, int]]:
    """(start, end, first scored) of windows that score each token but the first exactly once.

    Windows overlap by half, so that every scored token (but those of the first window) has seen
    at least sequence / 2 tokens before it.
    """
    overlap = max(1, sequence // 2)
    windows, scored = [], 1
    while scored < length:
        start = max(0, min(scored - overlap, length - sequence - 1))
        end = min(length, start + sequence + 1)
        windows.append((start, end, scored))
        scored = end
    return windows
