"""Questions whose answers stand in a passage: signature, returns, raises, what, which, section."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from groundup.data.document import HELD_OUT, Passage
from groundup.data.wording import TEMPLATES, Reworded, content_words, fill, plain, reword

KINDS = ("signature", "returns", "raises", "what", "which")
PROSE = ("section", "topic")
UNSEEN_SHARE = 0.5  # of held-out questions, asked in words that no training question uses
STDLIB_WEIGHT = 4.0  # how much likelier a standard-library symbol is asked about than another
BUILTIN_WEIGHT = 12.0


@dataclass(frozen=True)
class Question:
    """A question, the verbatim span that answers it and where the span stands."""

    id: str
    question: str
    kind: str
    answer: str
    passage_id: str
    uri: str
    start_line: int
    end_line: int
    split: str
    name: str = ""
    """The symbol or heading asked about."""

    sort: str = ""
    """Of an unanswerable question: missing-symbol, not-said, other-library or off-topic."""

    seen_template: bool = True
    """Whether training questions use this wording too."""

    def row(self) -> dict[str, Any]:
        """The question as a JSON object."""
        return asdict(self)


def importance(passage: Passage) -> float:
    """How likely people ask about a passage: built-ins, then the stdlib, then shallow names."""
    if passage.uri == "pydoc/builtins":
        return BUILTIN_WEIGHT
    standard = passage.uri.startswith(("python", "pydoc"))
    return (STDLIB_WEIGHT if standard else 1.0) / (1 + passage.name.count("."))


def sampled(passages: Sequence[Passage], limit: int, seed: str) -> list[Passage]:
    """At most `limit` passages, the important ones likelier (Efraimidis and Spirakis 2006)."""
    rng = random.Random(seed)
    keyed = [(rng.random() ** (1 / importance(p)), n) for n, p in enumerate(passages)]
    return [passages[n] for _, n in sorted(keyed, reverse=True)[:limit]]


def askable(passages: Sequence[Passage], kind: str) -> list[Passage]:
    """Passages that can answer a kind of question in their own words."""
    symbols = [p for p in passages if p.kind not in PROSE]
    if kind == "signature":
        return [p for p in symbols if p.signature and p.kind != "class" and "(" in p.signature]
    if kind == "returns":
        return [p for p in symbols if p.returns]
    if kind == "raises":
        return [p for p in symbols if p.raises and p.kind in ("function", "method")]
    if kind == "what":
        return [p for p in passages if p.summary and len(content_words(p.summary)) >= 2]
    clear = unambiguous(symbols)
    return [p for p in symbols if p.passage_id in clear]


def unambiguous(passages: Sequence[Passage]) -> set[str]:
    """Ids of passages whose summary no other symbol shares: only they have one right answer."""
    said = [" ".join(content_words(plain(p.summary))) for p in passages]
    counts = Counter(said)
    return {
        p.passage_id
        for p, words in zip(passages, said, strict=True)
        if words and counts[words] == 1
    }


def make(passages: Sequence[Passage], split: str, limit: int, seed: int) -> Iterator[Question]:
    """Up to twice `limit` questions of each kind (some repeat); the passages are of `split`."""
    for kind in KINDS:
        rng = random.Random(f"{seed} {kind} {split} words")
        for passage in sampled(askable(passages, kind), 2 * limit, f"{seed} {kind} {split}"):
            question = _question(passage, kind, split, rng)
            if question is not None:
                yield question


def wording(kind: str, split: str, rng: random.Random) -> tuple[str, bool]:
    """A template and whether training uses it."""
    templates = TEMPLATES[kind]
    if split == HELD_OUT and rng.random() < UNSEEN_SHARE:
        return rng.choice(templates.unseen), False
    return rng.choice(templates.trained), True


def _question(passage: Passage, kind: str, split: str, rng: random.Random) -> Question | None:
    asked = ask(passage, kind, split, rng)
    if asked is None:
        return None
    text, seen = asked
    answer, start, end = answer_span(passage, kind)
    identifier = f"{split}/{kind}/{passage.passage_id}"
    return Question(
        identifier,
        text,
        kind,
        answer,
        passage.passage_id,
        passage.uri,
        start,
        end,
        split,
        passage.name,
        "",
        seen,
    )


def answer_span(passage: Passage, kind: str) -> tuple[str, int, int]:
    """(verbatim span, first line, last line) that answers a kind of question about a passage."""
    field = {"which": "summary", "what": "summary"}.get(kind, kind)
    return (
        getattr(passage, field),
        getattr(passage, f"{field}_start"),
        getattr(passage, f"{field}_end"),
    )


def ask(passage: Passage, kind: str, split: str, rng: random.Random) -> tuple[str, bool] | None:
    """(question, wording is trained on) about a passage; None when it cannot be worded."""
    if kind == "which":
        return _which(passage, split, rng)
    if kind == "what" and passage.kind in PROSE:
        template, seen = wording("section", split, rng)
        title, _, heading = passage.name.rpartition(" > ")
        heading = heading or passage.name
        title = title.partition(" > ")[0]
        if "{title}" in template and not title:
            template, seen = TEMPLATES["section"].trained[1], True
        return fill(template, title=title, heading=heading), seen
    template, seen = wording(kind, split, rng)
    return fill(template, name=passage.name), seen


def _which(passage: Passage, split: str, rng: random.Random) -> tuple[str, bool] | None:
    parts = reword(passage.summary, passage.name)
    if parts is None:
        return None
    template, seen = wording("which" if parts.do else "which-thing", split, rng)
    return fill_which(template, parts, passage.kind), seen


def fill_which(template: str, parts: Reworded, kind: str) -> str:
    """A `which` template filled; ends in a question mark only if the template does."""
    return fill(template, thing=kind, do=parts.do, does=parts.does, noun=parts.noun)
