"""How people ask: question templates by kind, and summaries reworded into questions by rule.

Training and held-out questions share some templates; others are kept for evaluation only, so that
the held-out measure also sees wordings that were never trained on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from groundup.data.words import STOP_WORDS, SYNONYMS, VERBS, WANT


@dataclass(frozen=True)
class Templates:
    """Wordings with slots in braces: those trained on, and those only evaluated with."""

    trained: tuple[str, ...]
    unseen: tuple[str, ...]


TEMPLATES = {
    "signature": Templates(
        (
            "What is the signature of {name}?",
            "What arguments does {name} take?",
            "How do I call {name}?",
            "What are the parameters of {name}?",
            "Show the signature of {name}.",
            "{name} parameters",
        ),
        (
            "Which arguments can I pass to {name}?",
            "How is {name} called, with which parameters?",
            "What does the definition line of {name} look like?",
        ),
    ),
    "returns": Templates(
        (
            "What does {name} return?",
            "What is the return value of {name}?",
            "What do I get back from {name}?",
            "Tell me what {name} returns.",
            "{name} return value",
        ),
        (
            "What will calling {name} give me?",
            "What comes out of {name}?",
            "Could you explain the result of {name}?",
        ),
    ),
    "raises": Templates(
        (
            "What does {name} raise?",
            "Which exceptions can {name} raise?",
            "What errors does {name} raise?",
            "When does {name} raise an exception?",
            "{name} exceptions",
        ),
        (
            "Which exception should I expect from {name}?",
            "How can a call of {name} fail?",
            "What error is raised by {name}, and when?",
        ),
    ),
    "what": Templates(
        (
            "What is {name}?",
            "What does {name} do?",
            "What is {name} for?",
            "Explain {name}.",
            "What is the purpose of {name}?",
        ),
        (
            "Can you tell me what {name} is used for?",
            "Describe {name} in one sentence.",
            "What would I use {name} for?",
        ),
    ),
    "section": Templates(
        (
            "What does {title} say about {heading}?",
            "What is said about {heading}?",
            "Where can I read about {heading}?",
            "{heading} in {title}",
        ),
        (
            "Is there anything in {title} on {heading}?",
            "What should I know about {heading}?",
        ),
    ),
    "which": Templates(
        (
            "Which {thing} {does}?",
            "How do I {do}?",
            "What can I use to {do}?",
            "Is there a {thing} that {does}?",
            "How to {do}",
        ),
        (
            "I want to {do}. What is there for it?",
            "Name the {thing} that {does}.",
            "What is the way to {do}?",
        ),
    ),
    "which-thing": Templates(
        (
            "Which {thing} is {noun}?",
            "Is there a {thing} for {noun}?",
            "What is the {thing} called that is {noun}?",
        ),
        ("Name the {thing} that stands for {noun}.", "What do I use as {noun}?"),
    ),
}

_MARKUP = re.compile(r":[\w:+.-]+:`~?([^`<]*)(?:<[^>]*>)?`|``?([^`]*)``?|\*\*?([^*\s][^*]*)\*\*?")
_WORD = re.compile(r"[^\W_]+(?:[-'][^\W_]+)*")
MIN_WORDS = 3  # content words that a reworded summary needs to mean one thing
MAX_QUESTION = 220


def plain(summary: str) -> str:
    """A summary on one line, without markup and the final full stop."""
    text = _MARKUP.sub(lambda match: next(filter(None, match.groups()), ""), summary)
    return re.sub(r"\s+", " ", text).strip().rstrip(".:;, ")


def third_person(verb: str) -> str:
    """`compute` -> `computes`, `search` -> `searches`, `copy` -> `copies`."""
    if verb in ("do", "go") or re.search(r"(?:s|x|z|ch|sh)$", verb):
        return f"{verb}es"
    return f"{verb[:-1]}ies" if re.search(r"[^aeiou]y$", verb) else f"{verb}s"


_THIRD = {third_person(verb): verb for verb in VERBS}


def hide_name(text: str, name: str) -> str | None:
    """The text with the symbol's own word replaced by a synonym; None where there is none.

    Only the name as a whole gives the answer away (`sqrt`, `read_text`), not a common word in it.
    """
    last = name.rpartition(".")[2]
    spoken = {last.lower(), last.strip("_").replace("_", " ").lower()}
    spoken |= {re.sub(r"(?<=[a-z])(?=[A-Z])", " ", last).lower()}
    for word in sorted(filter(None, spoken), key=len, reverse=True):
        if word not in text.lower():
            continue
        pattern = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.I)
        if pattern.search(text):
            synonym = SYNONYMS.get(word) or WANT.get(word)
            if not synonym or synonym == word:
                return None
            text = pattern.sub(synonym, text)
    return text


@dataclass(frozen=True)
class Reworded:
    """A summary as parts of a question: a verb form pair, or a noun phrase."""

    do: str = ""
    does: str = ""
    noun: str = ""


def reword(summary: str, name: str) -> Reworded | None:
    """The summary as question parts, without the symbol's name; None when it says too little."""
    text = plain(summary)
    if not 8 <= len(text) <= MAX_QUESTION or ">>>" in text or "->" in text or "|" in text:
        return None
    hidden = hide_name(text, name)
    if hidden is None or len(content_words(hidden)) < MIN_WORDS:
        return None
    first, _, rest = hidden.partition(" ")
    verb = first.lower().rstrip(",")
    verb = verb if verb in VERBS else _THIRD.get(verb, "")
    if verb and rest:
        want = WANT.get(verb, verb)
        want = want if hide_name(want, name) == want else verb
        return Reworded(f"{want} {rest}", f"{third_person(verb)} {rest}")
    if verb or not re.match(r"(?:an?|the)\b", hidden, re.I):
        return None
    return Reworded(noun=hidden[0].lower() + hidden[1:])


def keywords(summary: str, name: str) -> str | None:
    """What one would type into a search box: content words with a synonym or two, at most seven."""
    text = hide_name(plain(summary), name)
    if text is None:
        return None
    words = content_words(text)
    if len(words) < MIN_WORDS:
        return None
    some = [SYNONYMS.get(word, word) if n % 3 == 1 else word for n, word in enumerate(words[:7])]
    return hide_name(" ".join(some), name)


def content_words(text: str) -> list[str]:
    """Lower-case words that carry meaning, in order, each once."""
    words = (word.lower() for word in _WORD.findall(text))
    return list(dict.fromkeys(word for word in words if word not in STOP_WORDS and len(word) > 1))


def fill(template: str, **slots: str) -> str:
    """The template with its slots filled; first letter a capital in sentences."""
    text = template
    for key, value in slots.items():
        text = text.replace("{" + key + "}", value)
    return text
