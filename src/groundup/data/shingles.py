"""Word 5-gram shingles of a text as 64-bit hashes, by numpy over its UTF-8 bytes.

A word is a run of ASCII letters, digits and underscores and of two-byte characters (Latin with
accents, Greek, Cyrillic, Hebrew, Arabic); a character of three or four bytes (Chinese, Japanese,
Thai, Devanagari, emoji) is a word by itself, so scripts without blanks shingle too.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

SHINGLE = 5  # words, as in FineWeb's MinHash (Penedo et al. 2024, arXiv:2406.17557)
_PRIME = 1099511628211  # FNV's 64-bit prime: an odd multiplier
_WORD = np.zeros(256, dtype=bool)
_WORD[[*range(48, 58), *range(65, 91), 95, *range(97, 123), *range(128, 256)]] = True


def _powers(count: int) -> Hashes:
    powers = np.ones(count, dtype=np.uint64)
    np.multiply.accumulate(np.full(count - 1, _PRIME, dtype=np.uint64), out=powers[1:])
    return powers


_POWERS = _powers(1 << 12)


def mix(values: Hashes) -> Hashes:
    """A bijection of 64-bit values whose output bits all look random (splitmix64's finaliser)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def word_hashes(text: str) -> Hashes:
    """One 64-bit hash a word, in the order of the text (lower-cased)."""
    data = np.frombuffer(text.lower().encode("utf-8", "surrogatepass"), dtype=np.uint8)
    inside = _WORD[data]
    before = np.empty_like(inside)
    before[:1] = False
    before[1:] = inside[:-1]
    starts = inside & (~before | (data >= 0xE0))
    ends_wide = np.zeros_like(inside)  # the byte after a wide character starts anew
    wide = np.flatnonzero(data >= 0xE0)
    after = wide + np.where(data[wide] >= 0xF0, 4, 3)
    ends_wide[after[after < len(data)]] = True
    starts |= inside & ends_wide
    kept = data[inside].astype(np.uint64) + np.uint64(1)
    first = np.flatnonzero(starts[inside])
    if not len(first):
        return np.zeros(0, dtype=np.uint64)
    lengths = np.diff(np.append(first, len(kept)))
    position = np.arange(len(kept)) - np.repeat(first, lengths)
    weighted = kept * _POWERS[np.minimum(position, len(_POWERS) - 1)]
    return mix(np.add.reduceat(weighted, first))


def ngrams(words: Hashes, size: int) -> Hashes:
    """A hash for each run of `size` words; a shorter text is one run."""
    if len(words) == 0:
        return words
    size = min(size, len(words))
    count = len(words) - size + 1
    total = np.zeros(count, dtype=np.uint64)
    for offset in range(size):
        total += words[offset : offset + count] * _POWERS[offset]
    return mix(total)


def shingles(text: str, size: int = SHINGLE) -> Hashes:
    """The sorted set of a text's word n-gram hashes."""
    return distinct(ngrams(word_hashes(text), size))


def distinct(values: Hashes) -> Hashes:
    """Sorted distinct values (np.unique, but by sorting: several times as fast on hashes)."""
    values = np.sort(values)
    return values[np.append(True, values[1:] != values[:-1])] if len(values) else values


def jaccard(a: Hashes, b: Hashes) -> float:
    """Jaccard similarity of two sorted sets; a text without words is like no other (0)."""
    if not len(a) or not len(b):
        return 0.0
    both = len(np.intersect1d(a, b, assume_unique=True))
    return both / (len(a) + len(b) - both)
