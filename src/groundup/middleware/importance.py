"""How likely a passage is what people mean, apart from the words: home, use, documentation."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from groundup.middleware.grammar import A_CONCEPT, ABOUT
from groundup.middleware.library import Library
from groundup.middleware.symbols import is_aside

HOME, USED, DOCUMENTED, ASIDE = 0.5, 0.2, 0.15, 0.7
"""Weights, chosen on half of sixty hand-written questions and checked on the other (docs/LOG.md):
the standard library or an own folder; a factor of ten in use; a docstring; private or legacy."""

BONUS = 4.0
"""What importance 2 adds to a BM25 score. Added, not multiplied: a long question says by itself
what it means, a short one leaves it to what people usually mean."""

SCOPE = 5.0
"""Bonus of passages inside the package or module that a question names as its place."""


def home(library: Library) -> NDArray[np.bool_]:
    """Which passages belong to the language itself or to the person's own folders."""
    sources = library.sources
    return np.array([not sources[uri].startswith("dist:") for uri in library.column("uri")])


def importance(library: Library, priors: NDArray[np.float32]) -> NDArray[np.float32]:
    """How likely each passage is what a person means who names no package; shape (passages,).

    The standard library rather than a package, and what is used rather than what is internal;
    keyword scores alone cannot know that.
    """
    documented = np.array([bool(text) for text in library.column("summary")])
    aside = np.array([is_aside(name) for name in library.names])
    value = 1.0 + HOME * home(library) + USED * priors + DOCUMENTED * documented
    return (value * np.where(aside, ASIDE, 1.0)).astype(np.float32)


def weighed(
    scores: NDArray[np.float32],
    value: NDArray[np.float32],
    fit: NDArray[np.float32],
    inside: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Keyword scores with importance added, times `fit`; what has no score gets none.

    `inside`: passages in the scope that the question names; there, packages are not held back.
    """
    bonus = BONUS * (value - 1.0)
    if inside is not None:
        bonus = np.where(inside, bonus + BONUS * HOME + SCOPE, bonus)
    return np.where(scores > 0, np.maximum(scores + bonus, 0.0) * fit, 0.0).astype(np.float32)


def inside_scope(names: Sequence[str], scope: str) -> NDArray[np.bool_]:
    """Which names lie in a package, a module or a document of this title."""
    fronts = (f"{scope}.", f"{scope} > ")
    return np.fromiter((n == scope or n.startswith(fronts) for n in names), bool, len(names))


FIT: dict[str, dict[str, float]] = {
    "function": {"function": 1.0, "method": 1.0, "class": 0.9},
    "class": {"class": 1.0},
    "module": {"module": 1.0},
    "how": {"function": 1.0, "method": 1.0, "class": 1.0, "module": 0.9, "topic": 1.0},
    "what": dict.fromkeys(("function", "method", "class", "module", "section"), 1.0)
    | {"topic": 1.4},
    "about": {"section": 1.5, "topic": 1.5, "class": 1.0, "function": 1.0, "module": 1.0},
    "concept": {"topic": 2.0, "class": 1.0, "function": 1.0, "section": 1.0, "module": 0.5},
}
"""Factors by kind of passage where a question says what it wants; what is not named gets UNFIT."""
UNFIT = 0.75
WANTED = re.compile(
    r"\b(?:which|what|is there an?|are there any)\s+(?:\w+\s+){0,2}?"
    r"(?P<thing>function|method|decorator|class|exception|module|package|library)\b"
)
SAME = {"method": "function", "decorator": "function", "exception": "class"} | dict.fromkeys(
    ("package", "library"), "module"
)


def wanted_thing(question: str, kind: str) -> str:
    """The sort of thing that a question wants: a key of FIT, or "" when it does not say."""
    if ABOUT.search(question):
        return "about"
    if kind == "what" and A_CONCEPT.search(question.lower()):
        return "concept"
    match = WANTED.search(question.lower())
    thing = SAME.get(match["thing"], match["thing"]) if match else kind
    return thing if thing in FIT else ""


def fitting(thing: str, kinds: Sequence[str]) -> NDArray[np.float32]:
    """A factor a passage: is it the sort of thing that "which class …" or "how do I …" wants?"""
    values = {each: FIT[thing].get(each, UNFIT) if thing else 1.0 for each in set(kinds)}
    return np.fromiter((values[each] for each in kinds), np.float32, len(kinds))
