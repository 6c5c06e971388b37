"""The learned router: the kind of a question from its vector, against which the rules are held."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from groundup.facts.errors import ArtifactError
from groundup.middleware.logistic import Logistic, fit

Vectors = Callable[[Sequence[str]], NDArray[np.float32]]
FILE = "router.npz"


@dataclass(frozen=True)
class Router:
    """One logistic classifier a kind; the likeliest kind wins."""

    kinds: tuple[str, ...]
    models: tuple[Logistic, ...]

    def route(self, vectors: NDArray[np.float32]) -> list[str]:
        """Kinds of question vectors (questions, width)."""
        rows = vectors.astype(np.float64)
        chances = np.stack([model.probability(rows) for model in self.models], axis=1)
        return [self.kinds[place] for place in chances.argmax(axis=1)]

    def save(self, folder: Path) -> None:
        """Write `router.npz`."""
        np.savez(
            folder / FILE,
            kinds=np.array(self.kinds),
            mean=np.stack([m.mean for m in self.models]),
            spread=np.stack([m.spread for m in self.models]),
            weights=np.stack([m.weights for m in self.models]),
        )


def train_router(vectors: NDArray[np.float32], kinds: Sequence[str]) -> Router:
    """Fit on training questions: vectors (questions, width), a kind each, at least two kinds."""
    rows, labels = vectors.astype(np.float64), np.array(kinds)
    found = tuple(sorted(set(kinds)))
    return Router(found, tuple(fit(rows, (labels == kind).astype(np.float64)) for kind in found))


def load_router(folder: Path) -> Router:
    """Read `router.npz`. ArtifactError when it is missing or not ours."""
    try:
        arrays = np.load(folder / FILE)
        stacks = zip(arrays["mean"], arrays["spread"], arrays["weights"], strict=True)
        return Router(tuple(arrays["kinds"].tolist()), tuple(Logistic(*stack) for stack in stacks))
    except (OSError, ValueError, KeyError) as error:
        raise ArtifactError(f"{folder / FILE}: not readable ({error}); build it again") from error
