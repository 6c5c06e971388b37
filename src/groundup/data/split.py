"""Held-out documents: chosen by hash, whole families together, nothing that training also says."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from groundup.data.document import HELD_OUT, TRAIN
from groundup.data.shingles import Hashes

LEAK_NGRAM = 13  # words, the length that GPT-3 decontaminates with (Brown et al. 2020, app. C)
MAX_SHARED = 0.10  # share of a held-out document's 13-grams that other documents may have too
VALIDATION_SHARE = 0.06  # of the training passages


def fraction(doc_id: str) -> float:
    """A number in [0, 1) that depends on nothing but the document's id."""
    return int(hashlib.sha256(f"split {doc_id}".encode()).hexdigest()[:13], 16) / 16**13


def is_validation(passage_id: str) -> bool:
    """Whether a training passage is kept out of the retriever's training, to tune with.

    Settings chosen on pairs that the encoder has learned by heart would trust it too much.
    """
    return fraction(f"validation {passage_id}") < VALIDATION_SHARE


def shared_shares(grams: Sequence[Hashes], families: Sequence[int]) -> list[float]:
    """For each document the share of its n-grams that another family of documents has as well.

    grams: a sorted set of hashes a document. A document without any counts as wholly shared.
    """
    if not grams:
        return []
    sizes = [len(gram) for gram in grams]
    every = np.concatenate(list(grams))
    family = np.repeat(np.asarray(families), sizes)
    order = np.lexsort((family, every))
    values, owners = every[order], family[order]
    new_value = np.append(True, values[1:] != values[:-1])
    new_owner = new_value | np.append(True, owners[1:] != owners[:-1])
    group = np.cumsum(new_value) - 1
    owners_of = np.bincount(group, weights=new_owner)
    shared = np.empty(len(every), dtype=bool)
    shared[order] = owners_of[group] > 1
    ends = np.cumsum(sizes)
    return [
        float(shared[end - size : end].mean()) if size else 1.0
        for end, size in zip(ends, sizes, strict=True)
    ]


def choose(
    doc_ids: Sequence[str], families: Sequence[int], shared: Sequence[float], held_out: float
) -> list[str]:
    """`train` or `held-out` a document, `held_out` of them all as far as they may be held out.

    A family (near-duplicates) goes as one and only if none of its members shares more than
    MAX_SHARED of its n-grams with another family. The choice follows each family's hash.
    """
    members: dict[int, list[int]] = {}
    for index, family in enumerate(families):
        members.setdefault(family, []).append(index)
    allowed = [
        family
        for family, indices in members.items()
        if max(shared[index] for index in indices) <= MAX_SHARED
    ]
    allowed.sort(key=lambda family: (fraction(doc_ids[family]), doc_ids[family]))
    chosen: set[int] = set()
    room = round(held_out * len(doc_ids))
    for family in allowed:
        if len(chosen) + len(members[family]) > room:
            break
        chosen.update(members[family])
    return [HELD_OUT if index in chosen else TRAIN for index in range(len(doc_ids))]


def leak(train: Sequence[Hashes], held_out: Sequence[Hashes]) -> float:
    """Share of the held-out texts' n-grams (sorted sets) that also stand in a training text."""
    if not train or not held_out:
        return 0.0
    seen, asked = np.sort(np.concatenate(list(train))), np.concatenate(list(held_out))
    if not len(seen) or not len(asked):
        return 0.0
    places = np.minimum(np.searchsorted(seen, asked), len(seen) - 1)
    return float((seen[places] == asked).mean())
