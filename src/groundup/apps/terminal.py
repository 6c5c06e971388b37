"""The assistant in a terminal: questions in, cited answers out."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterator
from typing import Any, TextIO

from groundup.apps.talk import Message, Talk
from groundup.facts.errors import GroundupError

HELP = """\
Type a question. Commands:
  /open N    the lines that citation N points to
  /receipt   what the last answer rests on and what it cost
  /new       forget the conversation
  /help      this text
  /quit      end (so does Ctrl-D)"""
TURNS_KEPT = 8  # messages of history sent along


class Terminal:
    """One conversation; works on a terminal and on pipes."""

    def __init__(self, talk: Talk, source: TextIO, out: TextIO) -> None:
        self._talk = talk
        self._source = source
        self._out = out
        self._history: list[Message] = []
        self._last: dict[str, Any] = {}

    def run(self) -> None:
        """Read questions and commands until the end of input, Ctrl-C or /quit."""
        if self._source.isatty():
            self._say("Ask a question, or /help.")
        while (line := self._read()) is not None:
            line = line.strip()
            if line in ("/quit", "/exit"):
                return
            if line:
                self._handle(line)

    def _read(self) -> str | None:
        """Return the next line, None at the end."""
        try:
            if self._source is sys.stdin and self._source.isatty():
                return input("\n> ")  # with line editing
            return self._source.readline() or None
        except (EOFError, KeyboardInterrupt):
            self._say("")
            return None

    def _handle(self, line: str) -> None:
        """Run one line; an error or Ctrl-C ends the line, not the conversation."""
        try:
            if line.startswith("/"):
                self._command(*line.split(maxsplit=1))
            else:
                self._ask(line)
        except GroundupError as error:
            self._say(f"error: {error}")
        except KeyboardInterrupt:
            self._say("\n(stopped)")

    def _command(self, name: str, argument: str = "") -> None:
        if name == "/open":
            self._open(argument)
        elif name == "/receipt":
            self._say("\n".join(receipt_lines(self._last)) or "There is no answer yet.")
        elif name == "/new":
            self._history.clear()
            self._say("A new conversation.")
        else:
            self._say(HELP if name == "/help" else f"There is no command {name}.\n{HELP}")

    def _ask(self, question: str) -> None:
        text, extra = "", {}
        for part in self._talk.ask(question, self._history[-TURNS_KEPT:]):
            if isinstance(part, str):
                text += part
                self._out.write(printable(part))
                self._out.flush()
            else:
                extra = part
        self._say("" if text.endswith("\n") else "\n", end="")
        self._last = extra
        self._history += [
            {"role": "user", "content": question},
            {"role": "assistant", "content": text},
        ]
        for number, citation in enumerate(extra.get("citations", []), 1):
            self._say(f"  [{number}] {place(citation)}")

    def _open(self, argument: str) -> None:
        citations = self._last.get("citations", [])
        if not argument.isdecimal() or not 1 <= int(argument) <= len(citations):
            self._say(f"expected /open N with N from 1 to {len(citations)}")
            return
        citation = citations[int(argument) - 1]
        self._say(place(citation))
        for number, text in self._talk.lines(citation):
            self._say(f"{number:6}  {text}")

    def _say(self, text: str, end: str = "\n") -> None:
        self._out.write(printable(text) + end)
        self._out.flush()


def place(citation: dict[str, Any]) -> str:
    """Return `path:line` (or `path:first-last`), which editors can open."""
    start, end = citation["start_line"], citation["end_line"]
    return f"{citation['uri']}:{start}" + ("" if end == start else f"-{end}")


def printable(text: str) -> str:
    """Drop control characters: a document must not steer the terminal that shows it."""
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf"))


def receipt_lines(extra: dict[str, Any]) -> Iterator[str]:
    """Yield the receipt as lines of a table, from the answer down."""
    receipt = extra.get("receipt")
    if not receipt:
        return
    yield f"receipt of release {receipt['release']} ({receipt['created']})"
    for row in [*receipt["rows"], receipt["total_usd"]]:
        shown = row["text"] if row["value"] is None else quantity(row)
        source = f"  [{row['source']}]" if row["source"] else ""
        yield f"{row['floor']:3} {row['layer']:<11}{row['item']}: {shown} ({row['basis']}){source}"


def quantity(row: dict[str, Any]) -> str:
    """Return value, interval and unit of a row."""
    low, high = row["low"], row["high"]
    interval = "" if low is None or low == high else f" ({low:.3g} to {high:.3g})"
    value = row["value"]
    number = f"{value:,.0f}" if value == int(value) and value >= 1 else f"{value:.3g}"
    return f"{number}{interval} {row['unit']}".rstrip()


def chat(talk: Talk, source: TextIO | None = None, out: TextIO | None = None) -> None:
    """Hold a conversation on stdin and stdout, or on the streams given."""
    Terminal(talk, source or sys.stdin, out or sys.stdout).run()
