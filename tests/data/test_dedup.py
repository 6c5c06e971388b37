"""Shingles and MinHash-LSH against brute force and datasketch."""

import itertools
import random
import re

import numpy as np
from datasketch import MinHash
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.data import dedup
from groundup.data.shingles import distinct, jaccard, shingles, word_hashes

WORDS = [f"w{n}" for n in range(300)]


def words_of(text):
    """The rule of `word_hashes`, spelled as a regular expression."""
    return re.findall(r"[ࠀ-\U0010ffff]|[A-Za-z0-9_\x80-߿]+", text.lower())


def exact(a, b, size=5):
    def grams(text):
        words = words_of(text)
        size_ = min(size, len(words))
        return (
            {tuple(words[n : n + size_]) for n in range(len(words) - size_ + 1)} if words else set()
        )

    left, right = grams(a), grams(b)
    return len(left & right) / len(left | right) if left and right else 0.0


def corpus(seed, count=60):
    rng = random.Random(seed)
    texts = [" ".join(rng.choices(WORDS, k=rng.randint(30, 200))) for _ in range(count)]
    for _ in range(count // 2):
        words = rng.choice(texts).split()
        for _ in range(rng.randint(0, 8)):
            words[rng.randrange(len(words))] = rng.choice(WORDS)
        texts.append(" ".join(words))
    return texts


@given(st.text(max_size=200))
def test_words_are_those_of_the_rule(text):
    text = text.encode("utf-8", "replace").decode()
    expected = words_of(text)
    hashes = word_hashes(text)
    assert len(hashes) == len(expected)
    assert len(set(hashes.tolist())) == len(set(expected))


@given(
    st.lists(st.sampled_from("abcdé中文x "), max_size=60),
    st.lists(st.sampled_from("abcdé中文x "), max_size=60),
)
def test_jaccard_is_exact(a, b):
    left, right = " ".join(a), " ".join(b)
    assert jaccard(shingles(left), shingles(right)) == exact(left, right)


def test_finds_what_brute_force_finds():
    texts = corpus(1)
    sets = [shingles(text) for text in texts]
    signatures = np.stack([dedup.signature(s) for s in sets])
    for threshold in (0.5, 0.8):
        found = dedup.near_pairs(signatures, lambda n: sets[n], threshold)
        brute = {
            (a, b)
            for a, b in itertools.combinations(range(len(texts)), 2)
            if exact(texts[a], texts[b]) >= threshold
        }
        assert {(p.first, p.second) for p in found} <= brute
        assert len(found) >= 0.98 * len(brute) > 10
        assert all(p.similarity == exact(texts[p.first], texts[p.second]) for p in found)


def test_minhash_estimates_as_well_as_datasketch():
    texts = corpus(2, 40)
    sets = [shingles(text) for text in texts]
    ours = [dedup.signature(s) for s in sets]
    theirs = []
    for text in texts:
        minhash = MinHash(num_perm=dedup.PERMUTATIONS)
        words = words_of(text)
        minhash.update_batch([" ".join(words[n : n + 5]).encode() for n in range(len(words) - 4)])
        theirs.append(minhash)
    our_error, their_error = [], []
    for a, b in itertools.combinations(range(len(texts)), 2):
        true = jaccard(sets[a], sets[b])
        if true > 0.05:
            our_error.append(abs(float((ours[a] == ours[b]).mean()) - true))
            their_error.append(abs(theirs[a].jaccard(theirs[b]) - true))
    assert len(our_error) > 10
    assert np.mean(our_error) < 1.3 * np.mean(their_error) + 0.005


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_dropping_duplicates_twice_changes_nothing(seed):
    texts = corpus(seed, 12)

    def drop(kept):
        sets = [shingles(text) for text in kept]
        pairs = dedup.near_pairs(
            np.stack([dedup.signature(s) for s in sets]), lambda n: sets[n], 0.8
        )
        dropped = dedup.duplicates(pairs, 0.8)
        return [text for n, text in enumerate(kept) if n not in dropped]

    once = drop(texts)
    assert drop(once) == once


def test_bands_miss_little():
    for threshold in (0.5, 0.7, 0.8, 0.9):
        count, rows = dedup.bands(threshold)
        assert count * rows <= dedup.PERMUTATIONS
        assert (1 - threshold**rows) ** count <= dedup.MISS


def test_clusters_join_chains():
    pairs = [dedup.Pair(0, 2, 0.9), dedup.Pair(2, 4, 0.9), dedup.Pair(1, 3, 0.9)]
    assert dedup.clusters(6, pairs) == [0, 1, 0, 1, 0, 5]


@given(st.lists(st.integers(0, 2**64 - 1)))
def test_distinct_is_unique(values):
    array = np.array(values, dtype=np.uint64)
    assert distinct(array).tolist() == np.unique(array).tolist()
