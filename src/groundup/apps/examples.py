"""Example questions for the empty page: about the best known names of the release's documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from groundup.apps.release import Release

LONGEST_NAME = 32  # characters; longer names do not fit a card on a phone
FUNCTIONS = ("function", "method")


def example_questions(
    release: Release, passages: Mapping[str, Sequence[str]], weights: Sequence[float]
) -> tuple[str, ...]:
    """Return the release's own examples, else one question of each kind that has an answer.

    `passages` holds columns name, kind, signature, returns, raises and summary; `weights` says how
    well known each passage is (the index's reference priors). Each question names another passage.
    """
    if release.examples:
        return release.examples
    order = sorted(range(len(weights)), key=lambda row: -weights[row])
    asked: dict[str, str] = {}
    for column, kinds, words in (
        ("returns", FUNCTIONS, "What does {} return?"),
        ("raises", FUNCTIONS, "What does {} raise?"),
        ("signature", ("class",), "What is the signature of {}?"),
        ("summary", ("module",), "What is {} for?"),
        ("text", ("section",), "What do the documents say about {}?"),
    ):
        name = _best(passages, order, column, kinds, asked)
        if name:
            asked[name] = words.format(name.rpartition(" > ")[2])  # a heading without its path
    return tuple(asked.values())


def _best(
    passages: Mapping[str, Sequence[str]],
    order: Sequence[int],
    column: str,
    kinds: Sequence[str],
    taken: Mapping[str, str],
) -> str:
    """The best known passage of these kinds that has the column filled; empty when none has."""
    for row in order:
        name = passages["name"][row]
        fits = len(name) <= LONGEST_NAME and name not in taken
        if fits and passages["kind"][row] in kinds and passages[column][row].strip():
            return name
    return ""
