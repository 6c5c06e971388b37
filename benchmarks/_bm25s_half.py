"""The half of retrieval_bm25.py that runs in the peer's environment: bm25s, asked line by line.

It needs bm25s alone (numba if there); of its backends the one that is faster here is timed.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import bm25s
import numpy as np

Work = Callable[[Any], object]


class Half:
    """The peer's state between two requests."""

    def __init__(self) -> None:
        self.retrievers: dict[str, Any] = {}
        self.fastest: dict[str, str] = {}

    def versions(self) -> str:
        names = [name for name in ("bm25s", "numba", "numpy", "scipy") if find_spec(name)]
        return ", ".join(f"{name} {metadata.version(name)}" for name in names)

    def read(self, folder: str) -> int:
        """Read the tokens of documents and queries; returns how many documents."""
        self.folder = Path(folder)
        self.documents = json.loads((self.folder / "documents.json").read_text("utf-8"))
        self.queries = json.loads((self.folder / "queries.json").read_text("utf-8"))
        return len(self.documents)

    def prepare(self, compiled: bool) -> dict[str, str]:
        """Keep the faster backend of each kind of work, numba only if `compiled`; returns which."""
        backends = ["numpy", "numba"] if compiled and find_spec("numba") else ["numpy"]
        for name in backends:
            retriever = bm25s.BM25(method="lucene", k1=1.2, b=0.75, backend=name)
            if name == "numpy" and find_spec("scipy"):
                retriever.csc_backend = "scipy"
            self.retrievers[name] = retriever
        for what in ("build", "one", "batch"):
            times = {}
            for name, retriever in self.retrievers.items():
                work = getattr(self, f"_{what}")
                work(retriever)  # numba compiles in the first call
                times[name] = min(_seconds(work, retriever) for _ in range(2))
            self.fastest[what] = min(times, key=times.__getitem__)
        return self.fastest

    def time(self, what: str, backend: str = "") -> float:
        """Seconds of one kind of work on a backend, else on the faster one."""
        retriever = self.retrievers[backend or self.fastest[what]]
        return _seconds(getattr(self, f"_{what}"), retriever)

    def scores(self) -> bool:
        """Write scores.npy, (queries, documents), and the best scores, best.npy (queries, k)."""
        retriever = self.retrievers[self.fastest["one"]]
        every = [retriever.get_scores(query) for query in self.queries]
        np.save(self.folder / "scores.npy", np.stack(every))
        found = retriever.retrieve(self.queries, k=10, show_progress=False)
        np.save(self.folder / "best.npy", found.scores)
        return True

    def _build(self, retriever: Any) -> None:
        retriever.index(self.documents, show_progress=False)

    def _one(self, retriever: Any) -> None:
        for query in self.queries:
            retriever.retrieve([query], k=10, show_progress=False)

    def _batch(self, retriever: Any) -> None:
        retriever.retrieve(self.queries, k=10, show_progress=False)


def _seconds(work: Work, argument: Any) -> float:
    start = time.perf_counter()
    work(argument)
    return time.perf_counter() - start


def main() -> None:
    half = Half()
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        print(json.dumps(getattr(half, name)(*arguments)), flush=True)


if __name__ == "__main__":
    main()
