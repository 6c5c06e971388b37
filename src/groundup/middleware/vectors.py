"""Passage vectors: encoded in batches, kept as float16 on disk, searched exactly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundup.data.store import Progress
from groundup.facts.errors import ArtifactError

Encode = Callable[[Sequence[str]], NDArray[np.float32]]
"""Texts to unit vectors, shape (texts, width)."""

FILE = "vectors.npy"


def write_vectors(
    texts: Sequence[str], encode: Encode, folder: Path, progress: Progress, batch: int = 512
) -> None:
    """Encode all texts into `vectors.npy`, float16, shape (texts, width).

    Texts go in order of length, so that a batch is padded little; rows keep the texts' order.
    """
    order = np.argsort([len(text) for text in texts], kind="stable")
    target: np.memmap[Any, np.dtype[np.float16]] | None = None
    for start in range(0, len(texts), batch):
        rows = order[start : start + batch]
        vectors = encode([texts[row] for row in rows])
        if target is None:
            target = np.lib.format.open_memmap(
                folder / FILE, "w+", np.float16, (len(texts), vectors.shape[1])
            )
        target[rows] = vectors.astype(np.float16)
        progress("encode passages", min(start + batch, len(texts)), len(texts))
    if target is None:
        raise ArtifactError("there are no passages to encode; collect documents first")
    target.flush()


def read_vectors(folder: Path) -> NDArray[np.float32]:
    """All vectors in float32 (numpy has no fast float16 product); shape (passages, width)."""
    try:
        return np.asarray(np.load(folder / FILE, mmap_mode="r"), dtype=np.float32)
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{folder / FILE}: not readable ({error}); build the index") from error
