"""Which readings become documents: repeats dropped, and the held-out part chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from groundup.data import dedup, split
from groundup.data.document import HELD_OUT, TRAIN, Document
from groundup.data.reading import Reading
from groundup.data.shingles import distinct, ngrams, shingles, word_hashes

FAMILY = 0.5  # Jaccard from which two documents must not stand on both sides of the split


class Repeat(NamedTuple):
    """A document left out because another says the same."""

    uri: str
    kept: str
    similarity: float
    """1.0 for equal text, else the Jaccard similarity of word 5-grams."""


def deduplicate(
    readings: Sequence[Reading], threshold: float
) -> tuple[list[Reading], list[Repeat], list[dedup.Pair]]:
    """(kept readings, what was dropped for what, pairs of kept ones that are alike).

    The earlier of two is kept, so the order of `readings` says which copy is best.
    """
    repeats: list[Repeat] = []
    unique: list[Reading] = []
    first_of: dict[bytes, str] = {}
    for reading in readings:
        if reading.document is None:
            continue
        if reading.digest in first_of:
            repeats.append(Repeat(reading.uri, first_of[reading.digest], 1.0))
        else:
            first_of[reading.digest] = reading.uri
            unique.append(reading)
    if not unique:
        return [], repeats, []
    signatures = np.stack([reading.minhash for reading in unique if reading.minhash is not None])
    pairs = dedup.near_pairs(
        signatures, lambda index: shingles(_text(unique[index])), min(FAMILY, threshold)
    )
    dropped = dedup.duplicates(pairs, threshold)
    repeats += [
        Repeat(unique[pair.second].uri, unique[pair.first].uri, round(pair.similarity, 4))
        for pair in dropped.values()
    ]
    numbers = {
        old: new for new, old in enumerate(n for n in range(len(unique)) if n not in dropped)
    }
    kept = [unique[old] for old in numbers]
    alike = [
        dedup.Pair(numbers[pair.first], numbers[pair.second], pair.similarity)
        for pair in pairs
        if pair.first in numbers and pair.second in numbers
    ]
    return kept, repeats, alike


def _text(reading: Reading) -> str:
    return reading.document.text if reading.document is not None else ""


def divide(
    kept: Sequence[Reading], pairs: Sequence[dedup.Pair], held_out: float
) -> tuple[list[Document], dict[str, float]]:
    """Documents with their split, and how much of the held-out text training also has."""
    documents = [reading.document for reading in kept if reading.document is not None]
    grams = [distinct(ngrams(word_hashes(d.text), split.LEAK_NGRAM)) for d in documents]
    families = dedup.clusters(len(documents), pairs)
    shared = split.shared_shares(grams, families)
    sides = split.choose([d.doc_id for d in documents], families, shared, held_out)
    checks = {
        "held_out_documents": float(sides.count(HELD_OUT)),
        "held_out_share": sides.count(HELD_OUT) / len(sides),
        "held_out_13gram_leak": split.leak(
            [gram for gram, side in zip(grams, sides, strict=True) if side == TRAIN],
            [gram for gram, side in zip(grams, sides, strict=True) if side == HELD_OUT],
        ),
    }
    divided = [replace(d, split=side) for d, side in zip(documents, sides, strict=True)]
    return divided, checks
