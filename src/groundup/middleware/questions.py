"""Reads a question: which kind it is, and which names it mentions."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from groundup.middleware.grammar import (
    ABBREVIATIONS,
    ABOUT_A_SYMBOL,
    BEFORE,
    BEHIND,
    BESIDE,
    DOTTED,
    FILE_NAMES,
    HOW_TO,
    IDENT,
    KINDS,
    PAIR,
    PARAMETER,
    PLAIN,
    PRONOUNS,
    SCOPE,
    SLOTS,
    STATEMENT,
)
from groundup.middleware.symbols import SymbolTable
from groundup.middleware.terms import STOP, query_terms

NAMING_WORDS = 3
"""Words of a `what` question up to which a plain word is taken for a name."""


@dataclass(frozen=True)
class Mention:
    """One name in a question, and the passages it can mean."""

    text: str
    rows: tuple[int, ...]
    """Passage numbers, likeliest first; empty when the name is unknown."""
    strong: bool
    """Surely meant as a name (backticks, dots, brackets, underscores), or a plain word?"""


@dataclass(frozen=True)
class Understood:
    """A question, read."""

    question: str
    kind: str
    mentions: tuple[Mention, ...]
    parameter: str = ""
    scope: str = ""
    """Package or module that the question names as its place ("with numpy")."""
    follow_up: bool = False
    """The symbol was taken from an earlier question."""

    @property
    def described(self) -> bool:
        """Whether a `what` question is so long that a plain word in it is no name."""
        return self.kind == "what" and len(query_terms(self.question)) > NAMING_WORDS

    @property
    def unknown(self) -> tuple[Mention, ...]:
        """Names that nothing here defines: sure ones, or the one that such a question is about."""
        sure = tuple(m for m in self.mentions if m.strong and not m.rows)
        if sure or self.kind not in ABOUT_A_SYMBOL or any(m.rows for m in self.mentions):
            return sure
        return self.mentions[:1]


def kind_of(question: str) -> str:
    """The kind of a question by rule; `what` when none fits."""
    text = " ".join(DOTTED.sub("this", question).lower().split())
    if HOW_TO.search(text):
        return "how"
    return next((kind for kind, rule in KINDS if rule.search(text)), "what")


def understand(question: str, table: SymbolTable, earlier: Sequence[str] = ()) -> Understood:
    """Kind and mentions; `earlier` are the user's earlier questions of this chat, oldest first.

    A question that names nothing itself but asks about a symbol ("and what does it raise?")
    takes the symbol of the nearest earlier question.
    """
    kind = kind_of(question)
    parameter = _parameter(question, kind)
    mentions = tuple(find_mentions(question, table, parameter))
    named = any(mention.rows or mention.strong for mention in mentions)
    if not named and earlier and _leans_back(question, kind):
        before = understand(earlier[-1], table, earlier[:-1])
        kept = tuple(mention for mention in before.mentions if mention.rows)
        if kept:
            return Understood(question, kind, kept, parameter, before.scope, follow_up=True)
    return Understood(question, kind, mentions, parameter, _scope(question, table))


def _scope(question: str, table: SymbolTable) -> str:
    """The package or module after "with", "in" or "using", "" when there is none."""
    for match in SCOPE.finditer(question):
        name = match["x"] or match["y"]
        rows = table.resolve(name)
        if name in table.roots:
            return name
        if rows and table.kinds[rows[0]] == "module":
            return table.names[rows[0]]
    return ""


def _leans_back(question: str, kind: str) -> bool:
    text = question.lower()
    short = len(text.split()) <= 6
    return bool(PRONOUNS.search(text)) or (
        short and (kind in ABOUT_A_SYMBOL or text.startswith("and "))
    )


def _parameter(question: str, kind: str) -> str:
    if kind not in ("default", "parameter"):
        return ""
    for pattern in PARAMETER:
        for match in pattern.finditer(question):
            if match["x"].lower() not in STOP and match["x"].lower() not in ("default", "value"):
                return match["x"]
    return ""


def find_mentions(question: str, table: SymbolTable, parameter: str = "") -> Iterator[Mention]:
    """Names in a question, the surest first, each once; unknown ones too, without rows."""
    seen: set[str] = {parameter.lower()} if parameter else set()
    for match in STATEMENT.finditer(question):
        topic = table.topics.get(match[1].lower())
        if topic is not None:
            seen.add(match[1].lower())
            yield Mention(match[1], (topic,), True)
    for text, strong in _candidates(question, table):
        if text.lower() in seen or any(text.lower() in other.split(".") for other in seen):
            continue
        topic = table.topics.get(text) if keyword.iskeyword(text) else None
        rows = tuple(table.resolve(text)) if topic is None else (topic,)
        if rows or text not in table.roots:
            seen.add(text.lower())
            yield Mention(text, rows, strong)


def _candidates(question: str, table: SymbolTable) -> Iterator[tuple[str, bool]]:
    """(text, surely a name) in falling order of sureness."""
    for match in re.finditer(rf"`\s*({IDENT})[^`]*`", question):
        yield match[1], True
    yield from ((text, True) for text in _qualified(question, table))
    for match in re.finditer(rf"(?<![\w`'\"]){IDENT}(?:\(\))?", question):
        text = match[0].removesuffix("()")
        if _looks_like_code(text, match[0]):
            file_like = bool(FILE_NAMES.search(text))
            yield text, not file_like
    for match in PAIR.finditer(question):
        yield from ((match[group], True) for group in "xyvw" if match[group])
    for slot in SLOTS:
        for match in slot.finditer(question):
            if match["x"].lower() not in STOP and match["x"].lower() not in PLAIN:
                yield match["x"], False


def _looks_like_code(text: str, written: str) -> bool:
    if text.lower() in ABBREVIATIONS:
        return False
    dotted = "." in text
    snake = "_" in text.strip("_") or text.startswith("_")
    humps = re.search(r"[a-z0-9][A-Z]|[A-Z]{2,}[a-z]", text) is not None
    return dotted or snake or humps or written.endswith("()")


def _qualified(question: str, table: SymbolTable) -> Iterator[str]:
    """`json.dumps` for "dumps in json", "json's dumps", "the dumps function of json"."""
    pairs = [(owner, leaf) for leaf, owner in BEHIND.findall(question)]
    pairs += BEFORE.findall(question) + BESIDE.findall(question)
    for owner, leaf in pairs:
        words = (owner.lower(), leaf.lower())
        if not any(word in STOP or word in PLAIN for word in words) and table.owns(owner, leaf):
            yield f"{owner}.{leaf}"
