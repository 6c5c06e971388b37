"""Tokens to text as they come: whole characters only, and nothing past a stop string."""

from __future__ import annotations

from collections.abc import Callable, Sequence

BROKEN = "\ufffd"  # what a decoder gives for the first bytes of an unfinished character


class Pieces:
    """Turns a stream of byte-level tokens into a stream of text."""

    def __init__(self, decode: Callable[[Sequence[int]], str], stops: Sequence[str]) -> None:
        self._decode = decode
        self._stops = tuple(stops)
        self._ids: list[int] = []
        self._held = ""
        self.stopped = False

    def feed(self, token: int) -> str:
        """Take one token and return the text that is certain now, often empty."""
        self._ids.append(token)
        text = self._decode(self._ids)
        if text.endswith(BROKEN):
            return ""
        self._ids.clear()
        return self._release(text)

    def rest(self) -> str:
        """Return what was held back, at the end of the stream."""
        text = self._release(self._decode(self._ids)) if self._ids else ""
        self._ids.clear()
        if self.stopped:
            return text
        text, self._held = text + self._held, ""
        return text

    def _release(self, text: str) -> str:
        """Hold back a tail that may be the beginning of a stop string."""
        text = self._held + text
        found = [at for stop in self._stops if (at := text.find(stop)) >= 0]
        if found:
            self.stopped, self._held = True, ""
            return text[: min(found)]
        keep = max((_overlap(text, stop) for stop in self._stops), default=0)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that begins `stop`."""
    for size in range(min(len(stop) - 1, len(text)), 0, -1):
        if text.endswith(stop[:size]):
            return size
    return 0
