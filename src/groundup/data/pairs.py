"""Natural retrieval pairs: a query that a person could type, and the passage that answers it."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from groundup.data.document import Passage
from groundup.data.questions import (
    PROSE,
    ask,
    askable,
    fill_which,
    sampled,
    unambiguous,
    wording,
)
from groundup.data.wording import content_words, hide_name, keywords, plain, reword

Pair = dict[str, str | bool]
KINDS = ("summary", "which", "keywords", "heading", "signature", "returns", "raises", "what")
# pairs that name the symbol: enough to learn names from, not so many as to drown the others
LIMIT = {"signature": 6000, "returns": 4000, "raises": 2000, "what": 8000}


def make_pairs(passages: Sequence[Passage], split: str, seed: int) -> Iterator[Pair]:
    """Pairs of all kinds about passages of one split. `query`, `passage_id`, `kind`, `split`.

    summary: the docstring's first sentence; which: it, as a question; keywords: it, as search
    words; heading: a section's heading path; the others name the symbol. In the first three the
    symbol's own name never stands, and summaries shared by several symbols are left out.
    """
    symbols = [p for p in passages if p.kind not in PROSE]
    clear = unambiguous(symbols)
    rng = random.Random(f"{seed} pairs {split}")
    for passage in symbols:
        if passage.passage_id in clear:
            yield from _described(passage, split, rng)
    for passage in passages:
        if passage.kind in PROSE:
            yield from _sections(passage, split, rng)
    for kind, limit in LIMIT.items():
        for passage in sampled(askable(symbols, kind), limit, f"{seed} pairs {kind} {split}"):
            asked = ask(passage, kind, split, rng)
            if asked is not None:
                yield _pair(asked[0], passage, kind, split, asked[1])


def _pair(query: str, passage: Passage, kind: str, split: str, seen: bool = True) -> Pair:
    return {
        "query": query,
        "passage_id": passage.passage_id,
        "kind": kind,
        "split": split,
        "seen_template": seen,
    }


def _described(passage: Passage, split: str, rng: random.Random) -> Iterator[Pair]:
    sentence = hide_name(plain(passage.summary), passage.name)
    if sentence and len(content_words(sentence)) >= 3:
        yield _pair(sentence, passage, "summary", split)
    searched = keywords(passage.summary, passage.name)
    if searched:
        yield _pair(searched, passage, "keywords", split)
    parts = reword(passage.summary, passage.name)
    if parts is not None:
        template, seen = wording("which" if parts.do else "which-thing", split, rng)
        yield _pair(fill_which(template, parts, passage.kind), passage, "which", split, seen)


def _sections(passage: Passage, split: str, rng: random.Random) -> Iterator[Pair]:
    heading = passage.name.replace(" > ", " ")
    if "~" in passage.passage_id or not content_words(heading):
        return  # a later piece of the same section: the heading means the first
    yield _pair(heading, passage, "heading", split)
    asked = ask(passage, "what", split, rng)
    if asked is not None:
        yield _pair(asked[0], passage, "heading", split, asked[1])
