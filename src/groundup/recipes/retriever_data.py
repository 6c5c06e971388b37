"""Training examples of the bi-encoder: natural pairs as token rows, and batches by step number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from groundup.data.document import TRAIN, Passage
from groundup.data.split import is_validation
from groundup.data.store import Progress, read_jsonl, read_passages
from groundup.facts.errors import DataError
from groundup.recipes.text_encoder import PAD, normal_form, passage_parts
from groundup.training.order import shuffled

QUERY_TOKENS, PASSAGE_TOKENS = 32, 64

DESCRIBING = frozenset({"summary", "which", "keywords", "heading"})
"""Kinds of pairs whose query describes its answer; the others name it, which needs no vectors."""

Mine = Callable[[Sequence[Passage], Sequence[str], int], NDArray[np.int64]]
"""(passages, queries, k) to the rows of the k best keyword hits of each query, (queries, k)."""


@dataclass(frozen=True)
class Examples:
    """Pairs as token rows; row numbers of passages, -1 where a hard negative is missing."""

    queries: NDArray[np.uint16]
    """(pairs, QUERY_TOKENS), padded."""
    passages: NDArray[np.uint16]
    """(passages, PASSAGE_TOKENS), padded: name, summary and text."""
    bare: NDArray[np.uint16]
    """The same without the sentence that queries are made from."""
    positive: NDArray[np.int64]
    """(pairs,) row of the passage that answers."""
    hard: NDArray[np.int64]
    """(pairs, k) rows of keyword hits that do not answer."""


def load_examples(
    documents: Path,
    questions: Path,
    tokenizer: Tokenizer,
    mine: Mine | None,
    negatives: int,
    progress: Progress,
    most: int | None = None,
    seed: int = 0,
) -> Examples:
    """Training pairs (questions/pairs.jsonl) and passages (documents/passages.parquet) as tokens.

    Only pairs of the training split and their passages are read, without those of validation
    passages, which tune what the encoder is trusted with; `most` keeps a random share of
    the pairs, because tokenising what there is no time to train on is waste. DataError when there
    are fewer than two.
    """
    asked = [
        (str(pair["query"]), str(pair["passage_id"]))
        for pair in read_jsonl(questions / "pairs.jsonl")
        if pair["split"] == TRAIN and pair["kind"] in DESCRIBING
    ]
    order = np.random.default_rng(seed).permutation(len(asked))[:most]
    asked = [asked[place] for place in order]
    wanted = {answer for _, answer in asked}
    passages = [p for p in read_passages(documents) if p.passage_id in wanted and _learned(p)]
    row_of = {passage.passage_id: row for row, passage in enumerate(passages)}
    pairs = [(query, row_of[answer]) for query, answer in asked if answer in row_of]
    if len(pairs) < 2:
        raise DataError(f"{questions}/pairs.jsonl: {len(pairs)} training pairs, needs at least 2")
    progress("tokenise pairs", 0, 3)
    queries = [query for query, _ in pairs]
    rows = _rows(_ids([normal_form(query) for query in queries], tokenizer), QUERY_TOKENS)
    progress("tokenise pairs", 1, 3)
    parts = [passage_parts(p.name, p.summary, p.text) for p in passages]
    names, summaries, texts = (_ids([part[i] for part in parts], tokenizer) for i in range(3))
    progress("tokenise pairs", 2, 3)
    full = [[*n, *s, *t] for n, s, t in zip(names, summaries, texts, strict=True)]
    bare = [[*n, *t] for n, t in zip(names, texts, strict=True)]
    positive = np.array([row for _, row in pairs], dtype=np.int64)
    found = Examples(
        rows,
        _rows(full, PASSAGE_TOKENS),
        _rows(bare, PASSAGE_TOKENS),
        positive,
        _hard(passages, queries, positive, mine, negatives),
    )
    progress("tokenise pairs", 3, 3)
    return found


def _learned(passage: Passage) -> bool:
    """Whether the encoder may learn this passage: in training, and not kept for tuning."""
    return passage.split == TRAIN and not is_validation(passage.passage_id)


def _ids(texts: Sequence[str], tokenizer: Tokenizer) -> list[list[int]]:
    """Token ids of texts in normal form."""
    found = tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
    return [encoding.ids for encoding in found]


def _rows(tokens: Sequence[Sequence[int]], width: int) -> NDArray[np.uint16]:
    """Token ids cut and padded to (texts, width)."""
    rows = np.full((len(tokens), width), PAD, dtype=np.uint16)
    for number, ids in enumerate(tokens):
        rows[number, : min(len(ids), width)] = ids[:width]
    return rows


def _hard(
    passages: Sequence[Passage],
    queries: Sequence[str],
    positive: NDArray[np.int64],
    mine: Mine | None,
    negatives: int,
) -> NDArray[np.int64]:
    """Keyword hits other than the answer; a hit whose text equals the answer's is none either."""
    if mine is None or negatives == 0:
        return np.full((len(queries), 0), -1, dtype=np.int64)
    found = mine(passages, queries, negatives + 1)
    _, same = np.unique([p.summary or p.text for p in passages], return_inverse=True)
    wrong = (found >= 0) & (same[found] != same[positive][:, None])
    return np.where(wrong, found, -1)


@dataclass(frozen=True)
class PairBatch:
    """Token rows (B, T) of queries and of passages (B positives, then hard negatives)."""

    queries: torch.Tensor
    passages: torch.Tensor
    rows: torch.Tensor
    """Passage row of every passage here, to find answers that occur twice."""


def batch(examples: Examples, step: int, size: int, seed: int, bare_share: float) -> PairBatch:
    """The examples of one step; a pure function of (seed, step).

    With `bare_share` chance the positive is shown without its summary, so that words that are
    equal are not the only thing to learn (inverse cloze task: Lee et al. 2019, arXiv:1906.00300).
    """
    chosen = shuffled(list(range(step * size, (step + 1) * size)), len(examples.positive), seed)
    rng = np.random.default_rng((seed, step))
    positive = examples.positive[chosen]
    bare = rng.random(size) < bare_share
    tokens = np.where(bare[:, None], examples.bare[positive], examples.passages[positive])
    rows = positive
    if examples.hard.shape[1]:
        drawn = rng.integers(examples.hard.shape[1], size=size)
        hard = examples.hard[chosen, drawn]
        hard = hard[hard >= 0]
        tokens = np.concatenate([tokens, examples.passages[hard]])
        rows = np.concatenate([positive, hard])
    return PairBatch(_trim(examples.queries[chosen]), _trim(tokens), torch.from_numpy(rows))


def _trim(tokens: NDArray[np.uint16]) -> torch.Tensor:
    """Without columns that are padding everywhere; (B, T) int64."""
    used = int((tokens != PAD).sum(axis=1).max(initial=1)) or 1
    return torch.from_numpy(tokens[:, :used].astype(np.int64))
