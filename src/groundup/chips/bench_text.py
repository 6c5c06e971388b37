"""How fast this machine's Python reads text: what collecting, splitting and indexing wait for."""

from __future__ import annotations

import random
import re
from collections import Counter

from groundup.chips.bench import Bench, timed

_WORDS = 150_000
"""About a megabyte: a run takes some hundredths of a second."""
_LETTERS = "etaoinshrdlu"
_WORD = re.compile(r"[a-z]+")


def reading() -> Bench:
    """Split, fold and count the words of a made-up text; bytes of text a second."""
    text = _text()
    return Bench("text.python", lambda: timed(lambda: _count(text)), float(len(text)), 2.0)


def _text() -> str:
    """Words of 3 to 9 letters, some capitals; always the same."""
    rng = random.Random(0)
    words = ("".join(rng.choices(_LETTERS, k=rng.randint(3, 9))) for _ in range(_WORDS))
    return " ".join(word.title() if i % 12 == 0 else word for i, word in enumerate(words))


def _count(text: str) -> int:
    counts: Counter[str] = Counter()
    for word in _WORD.findall(text.lower()):
        counts[word[:4]] += 1
    return len(counts)
