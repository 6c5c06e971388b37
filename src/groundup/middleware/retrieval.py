"""Finds passages: keyword scores, vectors, their fusion, and names that were meant exactly."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from groundup.data.document import Passage
from groundup.facts.errors import ArtifactError, ConfigError
from groundup.middleware import bm25, vectors
from groundup.middleware.fusion import convex, reciprocal_rank_fusion
from groundup.middleware.importance import fitting, inside_scope, wanted_thing, weighed
from groundup.middleware.library import Library
from groundup.middleware.questions import Understood, understand
from groundup.middleware.symbols import SymbolTable
from groundup.middleware.terms import query_terms

if TYPE_CHECKING:
    from groundup.recipes.text_encoder import TextEncoder

Weigh = Callable[[NDArray[np.float32]], NDArray[np.float32]]
MODES = ("bm25", "encoder", "rrf", "fusion")
CANDIDATES = 200
"""Passages of each ranking that fusion looks at."""


@dataclass(frozen=True)
class RetrievalConfig:
    """What tuning on training questions chose; `retrieval.json` in the index."""

    mode: str = "bm25"
    """Ranking that `auto` stands for."""
    encoder_weight: float = 0.0
    """Weight of the encoder in `fusion`, 0 to 1."""

    def save(self, folder: Path) -> None:
        """Write `retrieval.json`."""
        (folder / "retrieval.json").write_text(json.dumps(asdict(self)), "utf-8")


def load_config(folder: Path) -> RetrievalConfig:
    """Read `retrieval.json`. ArtifactError when it is missing or not ours."""
    path = folder / "retrieval.json"
    try:
        return RetrievalConfig(**json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ArtifactError(f"{path}: not readable ({error}); build the index again") from error


@dataclass(frozen=True)
class Hit:
    """A passage that was found."""

    passage: Passage
    score: float
    """Of the ranking that was asked for; 1 more for a name that was meant exactly."""
    parts: dict[str, float]
    """Scores by source: bm25, encoder (cosine), symbol (1 for an exact name)."""


@dataclass(frozen=True)
class Ranking:
    """Passage numbers, best first, with their scores."""

    rows: list[int]
    scores: list[float]


class Retriever:
    """Search over one index directory."""

    def __init__(
        self,
        library: Library,
        keyword: bm25.Bm25,
        table: SymbolTable,
        config: RetrievalConfig,
        value: NDArray[np.float32] | None = None,
        encoder: TextEncoder | None = None,
        matrix: NDArray[np.float32] | None = None,
    ) -> None:
        """`value`: importance of each passage; `matrix`: its vectors (passages, width)."""
        self.library, self.keyword, self.table, self.config = library, keyword, table, config
        self.value = np.ones(len(library), np.float32) if value is None else value
        self.encoder, self.matrix = encoder, matrix
        self._ids = library.column("passage_id")
        self._fits = lru_cache(maxsize=16)(lambda thing: fitting(thing, library.kinds))
        self._inside = lru_cache(maxsize=16)(lambda scope: inside_scope(library.names, scope))

    @staticmethod
    def open(index: Path, encoder: Path | None = None, tokenizer: Path | None = None) -> Retriever:
        """Open what `build_index` wrote. Without an encoder only `bm25` can be asked for."""
        library = Library(index)
        table = SymbolTable(
            library.names,
            library.kinds,
            library.column("aliases"),
            np.load(index / "priors.npy"),
        )
        keyword, config = bm25.load(index), load_config(index)
        value = np.load(index / "importance.npy")
        if encoder is None or tokenizer is None:
            return Retriever(library, keyword, table, config, value)
        from groundup.recipes.text_encoder import TextEncoder

        matrix = vectors.read_vectors(index)
        if len(matrix) != len(library):
            raise ArtifactError(
                f"{index}: {len(matrix)} vectors for {len(library)} passages; build it again"
            )
        return Retriever(
            library, keyword, table, config, value, TextEncoder.open(encoder, tokenizer), matrix
        )

    def search(self, question: str, k: int = 8, mode: str = "auto") -> list[Hit]:
        """The `k` best passages. Names that the question means exactly come first in `auto`.

        The other modes rank by one method alone, for comparison: bm25, encoder, rrf, fusion.
        """
        if mode == "auto":
            return self.search_understood(understand(question, self.table), k)
        return self.hits(self.rank(question, k, mode), question)

    def ranked_ids(self, question: str, k: int, mode: str) -> list[str]:
        """Passage ids of `search`, without reading the passages."""
        if mode == "auto":
            ranking, _ = self._served(understand(question, self.table), k)
        else:
            ranking = self.rank(question, k, mode)
        return [self._ids[row] for row in ranking.rows]

    def search_understood(self, read: Understood, k: int = 8) -> list[Hit]:
        """`auto` for a question that was read already."""
        ranking, exact = self._served(read, k)
        return self.hits(ranking, read.question, exact)

    def _served(self, read: Understood, k: int) -> tuple[Ranking, set[int]]:
        """Names that are meant exactly first, then what is likely meant."""
        exact = self.exact_rows(read)[:k]
        rest = self.rank(read.question, k + len(exact), self.mode, self.meant(read))
        rows = [*exact, *(row for row in rest.rows if row not in set(exact))][:k]
        scores = dict(zip(rest.rows, rest.scores, strict=True))
        chosen = Ranking(rows, [scores.get(row, 0.0) + (row in set(exact)) for row in rows])
        return chosen, set(exact)

    def meant(self, read: Understood) -> Weigh:
        """How this question's keyword scores are weighed by what people usually mean."""
        fit = self._fits(wanted_thing(read.question, read.kind))
        inside = self._inside(read.scope) if read.scope else None
        return lambda scores: weighed(scores, self.value, fit, inside)

    @property
    def mode(self) -> str:
        """The ranking behind `auto`: the tuned one, or bm25 where there is no encoder."""
        return self.config.mode if self.encoder is not None else "bm25"

    def exact_rows(self, read: Understood) -> list[int]:
        """Passages that the question names; "which function …" names none as its answer."""
        rows: list[int] = []
        for mention in () if read.kind == "which" else read.mentions:
            if mention.strong or (read.kind != "how" and not read.described):
                rows.extend(mention.rows[:3] if len(read.mentions) == 1 else mention.rows[:1])
        return list(dict.fromkeys(rows))

    def rank(self, question: str, k: int, mode: str, weigh: Weigh | None = None) -> Ranking:
        """Rank all passages by one mode; `weigh` changes the keyword scores."""
        if mode not in MODES:
            raise ConfigError(f"retriever = {mode!r}: allowed are auto, {', '.join(MODES)}")
        if mode != "bm25" and (self.encoder is None or self.matrix is None):
            raise ConfigError(f"retriever = {mode!r} needs an encoder; allowed here is bm25")
        keyword = self.keyword.score(query_terms(question))
        if weigh is not None:
            keyword = weigh(keyword)
        if mode == "bm25":
            return _ranking(bm25.best(keyword, k))
        cosine = self.cosines([question])[0]
        if mode == "encoder":
            return _ranking(bm25.best(cosine, k))
        return self.fuse(keyword, cosine, k, mode)

    def fuse(
        self, keyword: NDArray[np.float32], cosine: NDArray[np.float32], k: int, mode: str
    ) -> Ranking:
        """RRF or the convex sum over the best CANDIDATES of both rankings."""
        tops = [[row for row, _ in bm25.best(s, CANDIDATES)] for s in (keyword, cosine)]
        if mode == "rrf":
            return _ranking(reciprocal_rank_fusion(tops)[:k])
        rows = np.array(sorted({*tops[0], *tops[1]}), dtype=np.int64)
        if not len(rows):
            return Ranking([], [])
        fused = convex(keyword[rows], cosine[rows], self.config.encoder_weight)
        order = np.argsort(-fused, kind="stable")[:k]
        return Ranking([int(r) for r in rows[order]], [float(s) for s in fused[order]])

    def cosines(self, questions: Sequence[str]) -> NDArray[np.float32]:
        """Cosine of every question with every passage: (questions, passages)."""
        if self.encoder is None or self.matrix is None:
            raise ConfigError("this index was opened without an encoder")
        return self.encoder.encode(questions) @ self.matrix.T

    def hits(
        self, ranking: Ranking, question: str, exact: set[int] | frozenset[int] = frozenset()
    ) -> list[Hit]:
        """Passages and the parts of their scores."""
        keyword = self.keyword.score(query_terms(question))
        cosine = None
        if self.matrix is not None and ranking.rows:
            assert self.encoder is not None
            cosine = self.matrix[ranking.rows] @ self.encoder.encode([question])[0]
        found = []
        for place, (row, score) in enumerate(zip(ranking.rows, ranking.scores, strict=True)):
            parts = {"bm25": float(keyword[row]), "symbol": float(row in exact)}
            if cosine is not None:
                parts["encoder"] = float(cosine[place])
            found.append(Hit(self.library.passage(row), score, parts))
        return found


def _ranking(pairs: Sequence[tuple[int, float]]) -> Ranking:
    return Ranking([row for row, _ in pairs], [score for _, score in pairs])
