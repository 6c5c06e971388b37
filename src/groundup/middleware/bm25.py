"""BM25 over several weighted fields, scored when built, so that a query only adds up postings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from groundup.facts.errors import ArtifactError
from groundup.middleware.terms import Numbering, number_texts, query_terms


@dataclass(frozen=True)
class Field:
    """How much one field of a passage counts."""

    weight: float = 1.0
    """What one occurrence in this field is worth."""
    b: float = 0.75
    """How much a long field is marked down: 0 not at all, 1 in proportion to its length."""


FIELDS: dict[str, Field] = {
    "name": Field(3.0, 0.4),
    "signature": Field(0.5, 0.5),
    "summary": Field(3.0, 0.5),
    "text": Field(1.0, 0.75),
}
"""Fields of a passage; the weights were chosen on training questions (docs/LOG.md)."""


@dataclass(frozen=True)
class Bm25:
    """Postings by term: passages `documents[starts[t]:starts[t + 1]]` gain `scores` there."""

    vocabulary: dict[str, int]
    starts: NDArray[np.int64]
    documents: NDArray[np.int32]
    scores: NDArray[np.float32]
    size: int

    def score(self, terms: Sequence[str]) -> NDArray[np.float32]:
        """BM25 score of every passage for these terms; shape (size,)."""
        total = np.zeros(self.size, np.float32)
        for term in terms:
            number = self.vocabulary.get(term)
            if number is not None:
                rows = slice(self.starts[number], self.starts[number + 1])
                total[self.documents[rows]] += self.scores[rows]  # a passage is once in a row
        return total

    def search(self, question: str, k: int) -> list[tuple[int, float]]:
        """The `k` best (passage number, score) above zero, best first; ties by number."""
        return best(self.score(query_terms(question)), k)

    def known(self, terms: Sequence[str]) -> list[bool]:
        """Whether each term occurs anywhere in the index."""
        return [term in self.vocabulary for term in terms]

    def save(self, folder: Path) -> None:
        """Write `bm25.npz` and `bm25-vocabulary.json` into an existing folder."""
        np.savez(
            folder / "bm25.npz",
            starts=self.starts,
            documents=self.documents,
            scores=self.scores,
            size=np.array(self.size),
        )
        ordered = sorted(self.vocabulary, key=self.vocabulary.__getitem__)
        (folder / "bm25-vocabulary.json").write_text(json.dumps(ordered), "utf-8")


def best(scores: NDArray[np.float32], k: int) -> list[tuple[int, float]]:
    """The `k` largest positive entries as (index, score), best first, equal ones by index."""
    k = min(k, len(scores))
    if k <= 0:
        return []
    found = np.flatnonzero(scores > 0)
    if len(found) > k:  # most passages share no word with the question: look at the others only
        edge = np.partition(scores[found], -k)[-k]
        found = found[scores[found] >= edge]
    order = found[np.argsort(-scores[found], kind="stable")[:k]]
    return [(int(i), float(scores[i])) for i in order]


def build(
    fields: Mapping[str, Sequence[str]],
    weights: Mapping[str, Field] | None = None,
    k1: float = 1.2,
) -> Bm25:
    """BM25F over texts by field, every field with one text a passage.

    A term's frequency is the weighted sum over fields of tf / (1 - b + b * length / mean length)
    (Zaragoza et al., TREC 2004); its score is idf * tf / (k1 + tf) with Lucene's
    idf = ln(1 + (N - df + 0.5) / (df + 0.5)). One field of weight 1 is plain BM25.
    """
    vocabulary = Numbering()
    numbered = {name: number_texts(texts, vocabulary) for name, texts in fields.items()}
    size = len(next(iter(fields.values())))
    return _index(numbered, weights or FIELDS, k1, vocabulary, size)


def build_from_terms(documents: Sequence[Sequence[str]], k1: float = 1.2, b: float = 0.75) -> Bm25:
    """Plain BM25 over passages that are lists of terms already."""
    vocabulary = Numbering()
    terms = np.array([vocabulary[t] for found in documents for t in found], dtype=np.int32)
    rows = np.repeat(np.arange(len(documents), dtype=np.int32), [len(d) for d in documents])
    return _index({"text": (rows, terms)}, {"text": Field(1.0, b)}, k1, vocabulary, len(documents))


def _index(
    numbered: Mapping[str, tuple[NDArray[np.int32], NDArray[np.int32]]],
    weights: Mapping[str, Field],
    k1: float,
    vocabulary: Mapping[str, int],
    size: int,
) -> Bm25:
    keys, frequency = _sum_fields(
        [_field_frequency(*numbered[name], weights[name], size) for name in numbered]
    )
    terms, documents = np.divmod(keys, max(size, 1))
    document_frequency = np.bincount(terms, minlength=len(vocabulary))
    idf = np.log1p((size - document_frequency + 0.5) / (document_frequency + 0.5))
    scores = idf[terms] * frequency / (k1 + frequency)
    starts = np.concatenate(([0], np.cumsum(document_frequency))).astype(np.int64)
    return Bm25(
        dict(vocabulary), starts, documents.astype(np.int32), scores.astype(np.float32), size
    )


def _field_frequency(
    rows: NDArray[np.int32], terms: NDArray[np.int32], field: Field, size: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(term * size + passage, length-normalised weighted frequency) of one field, sorted."""
    lengths = np.bincount(rows, minlength=size)
    mean = max(float(lengths.mean()), 1e-9) if size else 1.0
    norm = 1.0 - field.b + field.b * lengths / mean
    keys, counts = np.unique(terms.astype(np.int64) * max(size, 1) + rows, return_counts=True)
    return keys, field.weight * counts / norm[keys % max(size, 1)]


def _sum_fields(
    parts: Sequence[tuple[NDArray[np.int64], NDArray[np.float64]]],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    keys = np.concatenate([keys for keys, _ in parts])
    values = np.concatenate([values for _, values in parts])
    if len(parts) == 1 or not len(keys):
        return keys, values
    order = np.argsort(keys, kind="stable")
    keys, values = keys[order], values[order]
    firsts = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
    return keys[firsts], np.add.reduceat(values, firsts)


def load(folder: Path) -> Bm25:
    """Read what `Bm25.save` wrote. ArtifactError when a file is missing or they disagree."""
    try:
        arrays = np.load(folder / "bm25.npz")
        words = json.loads((folder / "bm25-vocabulary.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ArtifactError(
            f"{folder}: no readable keyword index ({error}); build it again with build_index"
        ) from error
    if len(words) + 1 != len(arrays["starts"]):
        raise ArtifactError(
            f"{folder}/bm25-vocabulary.json: {len(words)} terms, bm25.npz has "
            f"{len(arrays['starts']) - 1}; they are from two builds, build the index again"
        )
    return Bm25(
        {word: number for number, word in enumerate(words)},
        arrays["starts"],
        arrays["documents"],
        arrays["scores"],
        int(arrays["size"]),
    )
