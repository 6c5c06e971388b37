"""Text to search terms: identifiers whole and in parts, English words lightly stemmed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

WORD = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*|\d+(?:\.\d+)*")
CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\dA-Z_]+|\d+")
VOWEL = re.compile(r"[aeiouy]")

# Function words and the scaffolding of questions. They stay in the index (`for`, `with` and `is`
# are Python), and are left out of a question unless nothing else is in it.
_STOP = """a an and are as at be by can could do does did for from has have how i if in into is it
    its me my of on or please should so some tell that the their them then there these this those to
    was we what when where which while who whom why will with would you your one does about any
    exactly there's what's show give explain find want need like just get gets using use used make
    makes making way anything something everything said say says
    function functions method methods python module"""
STOP = frozenset(_STOP.split())


@lru_cache(maxsize=1 << 17)
def stem(word: str) -> str:
    """Lower-case English word without its commonest endings, after Porter 1980 but lighter.

    Plural, -ed, -ing, -ly, -er, -or, -ion, final e; `reader`, `reading` and `reads` are one.
    """
    word = _plural(word)
    for suffix in ("ing", "ed"):
        base = word[: -len(suffix)]
        if word.endswith(suffix) and len(base) > 2 and VOWEL.search(base):
            word = _mend(base)
            break
    if word.endswith("ly") and len(word) > 5:
        word = word[:-2]
    if word.endswith(("er", "or")) and len(word) > 5:
        word = _mend(word[:-2])
    if word.endswith(("tion", "sion")) and len(word) > 6:
        word = word[:-3]
    if word.endswith("e") and len(word) > 3:
        word = word[:-1]
    return word[:-1] + "i" if word.endswith("y") and len(word) > 3 else word


def _plural(word: str) -> str:
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-2] if word.endswith("sses") else word[:-1]


def _mend(base: str) -> str:
    """`splitt` → `split`, `copi` stays: undo the doubling that -ing and -ed bring."""
    doubled = len(base) > 3 and base[-1] == base[-2] and base[-1] not in "lsz"
    return base[:-1] if doubled else base


@lru_cache(maxsize=1 << 16)
def expand(word: str) -> tuple[str, ...]:
    """Terms of one word: `Path.read_text` → `path.read_text`, `path`, `read_text`, `read`, `text`.

    An identifier with dots, underscores or inner capitals gives itself in lower case and its
    parts, stemmed; a plain word gives its stem only. No term comes twice.
    """
    terms: dict[str, None] = {}
    parts = word.split(".")
    if len(parts) > 1:
        terms[word.lower()] = None
    for part in parts:
        pieces = [piece.lower() for chunk in part.split("_") for piece in CAMEL.findall(chunk)]
        if len(pieces) > 1 or part.startswith("_"):
            terms[part.lower()] = None
        for piece in pieces:
            terms[stem(piece)] = None
    return tuple(terms) or (word.lower(),)


def words(text: str) -> list[str]:
    """The raw words of a text, dotted names kept together."""
    return WORD.findall(text)


def terms(text: str) -> list[str]:
    """All search terms of a text, in order, with repeats."""
    return [term for word in words(text) for term in expand(word)]


def query_terms(question: str) -> list[str]:
    """Search terms of a question, each once, without stop words unless only those are there."""
    found = [word for word in words(question) if word.lower() not in STOP or _shouted(word)]
    return list(dict.fromkeys(term for word in found or words(question) for term in expand(word)))


def _shouted(word: str) -> bool:
    """`GET` and `PUT` are meant as such; `I` and a sentence's first word are not."""
    return len(word) > 2 and word.isupper()


class Numbering(dict[str, int]):
    """A dict that gives each new key the next number."""

    def __missing__(self, key: str) -> int:
        number = self[key] = len(self)
        return number


def number_texts(
    texts: Iterable[str], vocabulary: Numbering
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """(text numbers, term numbers) of every term in `texts`; new terms enter `vocabulary`.

    Each distinct word is expanded once: what costs is one dictionary look-up a word.
    """
    raw = Numbering()
    numbers: list[int] = []
    lengths: list[int] = []
    look_up = raw.__getitem__
    for text in texts:
        found = WORD.findall(text)
        numbers.extend(map(look_up, found))
        lengths.append(len(found))
    word_of = np.array(numbers, dtype=np.int64)
    text_of = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    return _spread(text_of, word_of, [[vocabulary[t] for t in expand(w)] for w in raw])


def _spread(
    text_of: NDArray[np.int32], word_of: NDArray[np.int64], terms_of_word: Sequence[Sequence[int]]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Replace each word by its terms, without a Python loop over the words."""
    counts = np.array([len(found) for found in terms_of_word], dtype=np.int64)
    flat = np.array([term for found in terms_of_word for term in found], dtype=np.int32)
    if not len(word_of):
        return text_of, np.empty(0, np.int32)
    starts = np.concatenate(([0], np.cumsum(counts)[:-1]))
    repeats = counts[word_of]
    offsets = np.arange(repeats.sum()) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    return np.repeat(text_of, repeats), flat[np.repeat(starts[word_of], repeats) + offsets]
