"""The held-out part: deterministic, families whole, nothing shared beyond the limit."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.data import split
from groundup.data.shingles import distinct, ngrams, word_hashes


def grams(text):
    return distinct(ngrams(word_hashes(text), split.LEAK_NGRAM))


def test_shared_shares_against_sets():
    rng = random.Random(0)
    base = " ".join(rng.choices("abcdefghijklmnop", k=60))
    texts = [
        base,
        base + " " + " ".join(rng.choices("qrstuvw", k=60)),
        " ".join(rng.choices("xyz", k=90)),
        base,
    ]
    sets = [set(grams(text).tolist()) for text in texts]
    families = [0, 1, 2, 0]
    for index, share in enumerate(split.shared_shares([grams(t) for t in texts], families)):
        others = set().union(*(s for n, s in enumerate(sets) if families[n] != families[index]))
        assert share == len(sets[index] & others) / len(sets[index])


@given(st.lists(st.integers(0, 9), min_size=1, max_size=60), st.floats(0, 0.5))
def test_families_stay_whole_and_the_share_is_kept(raw, held_out):
    families = [raw.index(value) for value in raw]
    ids = [f"{n:016x}" for n in range(len(raw))]
    sides = split.choose(ids, families, [0.0] * len(raw), held_out)
    assert sides == split.choose(ids, families, [0.0] * len(raw), held_out)
    assert sides.count("held-out") <= round(held_out * len(raw))
    for family in set(families):
        assert len({side for side, own in zip(sides, families, strict=True) if own == family}) == 1


def test_a_document_that_training_repeats_is_never_held_out():
    ids = [f"{n:016x}" for n in range(100)]
    sides = split.choose(ids, list(range(100)), [0.5] * 99 + [0.0], 0.5)
    assert [n for n, side in enumerate(sides) if side == "held-out"] == [99]


def test_leak_counts_what_is_in_both():
    a, b = grams(" ".join(map(str, range(40)))), grams(" ".join(map(str, range(20, 60))))
    assert split.leak([a], [b]) == len(np.intersect1d(a, b)) / len(b)
    assert split.leak([a], [a]) == 1.0
    assert split.leak([], [a]) == 0.0


def test_a_small_share_of_passages_is_kept_for_validation() -> None:
    kept = sum(split.is_validation(f"module.name_{number}") for number in range(20_000)) / 20_000
    assert kept == pytest.approx(split.VALIDATION_SHARE, abs=0.01)
    assert split.is_validation("json.dumps") == split.is_validation("json.dumps")
