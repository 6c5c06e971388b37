"""An answer while it is written: markdown blocks and their numbered, verified citations."""

from __future__ import annotations

import re
import textwrap

from groundup.data.document import Passage
from groundup.middleware.citations import Citation, Lookup, cite
from groundup.middleware.quotes import Quote


class Draft:
    """Collects text; a quote gets in only with a citation that verifies."""

    def __init__(self, look_up: Lookup) -> None:
        self.look_up = look_up
        self.blocks: list[str] = []
        self.citations: list[Citation] = []

    def say(self, text: str) -> None:
        """A block of our own words."""
        self.blocks.append(text)

    def mark(self, passage: Passage, quote: Quote) -> str:
        """`[n]` of the citation of this quote; the same lines are cited once.

        DataError when the quote does not stand in the document.
        """
        made = cite(self.look_up, passage.uri, quote.start, quote.end, quote.text, passage.name)
        for number, known in enumerate(self.citations, 1):
            if (known.uri, known.start_line, known.quote) == (
                made.uri,
                made.start_line,
                made.quote,
            ):
                return f"[{number}]"
        self.citations.append(made)
        return f"[{len(self.citations)}]"

    def code(self, passage: Passage, quote: Quote, language: str = "python") -> None:
        """A quote as a code block."""
        marker = self.mark(passage, quote)
        fence = "```" if "```" not in quote.text else "~~~~"
        self.say(f"{fence}{language}\n{_dedent_code(quote.text)}\n{fence}\n{marker}")

    def prose(self, passage: Passage, quote: Quote) -> None:
        """A quote as a block quote; indentation of the source is taken away, words are kept."""
        marker = self.mark(passage, quote)
        text = _dedent(_without_quotes(quote.text))
        if _has_layout(text):
            self.say(f"```text\n{text}\n```\n{marker}")
        else:
            self.say("\n".join(f"> {line}".rstrip() for line in text.split("\n")) + f" {marker}")

    def inline(self, passage: Passage, quote: Quote, end: str = "") -> str:
        """A short quote in a line of ours, with its marker; `end` shows that it was cut."""
        text = " ".join(_without_quotes(quote.text).split())
        return f"{text}{end} {self.mark(passage, quote)}"

    @property
    def text(self) -> str:
        """The markdown so far."""
        return "\n\n".join(self.blocks)


def _dedent(text: str) -> str:
    """Without common indentation; the first line of a docstring often has less than the rest."""
    first, _, rest = text.strip("\n").partition("\n")
    if rest and not first.startswith(" "):
        return f"{first.strip()}\n{textwrap.dedent(rest)}".rstrip()
    return textwrap.dedent(text.strip("\n")).rstrip()


def _dedent_code(text: str) -> str:
    """As `_dedent`; the lines that go on a definition's head stay deeper than it."""
    first, _, rest = text.strip("\n").partition("\n")
    rest = textwrap.dedent(rest)
    if not rest or first.startswith((" ", ">>>")):
        return _dedent(text)
    level = any(line.startswith((")", "]", "}")) for line in rest.split("\n"))
    return f"{first.strip()}\n{rest if level else textwrap.indent(rest, '    ')}".rstrip()


def _without_quotes(text: str) -> str:
    """Without the string delimiters of a docstring at either end."""
    text = re.sub(r"^(\s*)[rRuUbB]{0,2}(?:\"\"\"|''')", r"\1", text)
    return re.sub(r"(?:\"\"\"|''')\s*$", "", text)


def _has_layout(text: str) -> bool:
    """Whether line breaks and indentation carry meaning (lists, definitions, code)."""
    return any(re.match(r"\s{2,}\S|\s*>>>|.*\s{3,}\S", line) for line in text.split("\n")[1:])
