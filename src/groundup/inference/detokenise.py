"""Tokens to text as they come: never half a character, never half of a stop string."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from functools import lru_cache
from typing import Any


@lru_cache(maxsize=1)
def byte_of_letter() -> dict[str, int]:
    """Letter of a byte-level vocabulary to its byte (Radford et al. 2019, GPT-2).

    Printable bytes stand for themselves; the others take the letters from U+0100 on, in order.
    """
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in shown]
    letters = {chr(byte): byte for byte in shown}
    letters.update({chr(0x100 + i): byte for i, byte in enumerate(hidden)})
    return letters


def token_bytes(tokenizer: Any) -> list[bytes]:
    """Bytes of every token of a byte-level `tokenizers.Tokenizer`; special tokens have none."""
    letters = byte_of_letter()
    special = {i for i, added in tokenizer.get_added_tokens_decoder().items() if added.special}
    table = []
    for token in range(tokenizer.get_vocab_size()):
        text = "" if token in special else tokenizer.id_to_token(token)
        table.append(bytes(letters[letter] for letter in text))
    return table


class TextStream:
    """Turns tokens into text piece by piece.

    Bytes of an unfinished character wait; text that may become a stop string waits too, and a
    stop string and what follows it are never given out.
    """

    def __init__(self, table: Sequence[bytes], stop: Sequence[str] = ()) -> None:
        self.table, self.stop = table, tuple(s for s in stop if s)
        self.decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self.waiting = ""
        self.stopped = False

    def add(self, token: int) -> str:
        """Text that is certain after `token`; sets `stopped` when a stop string is complete."""
        raw = self.table[token] if token < len(self.table) else b""
        return self._release(self.decoder.decode(raw))

    def end(self) -> str:
        """What was still waiting when the tokens ended; an unfinished character becomes U+FFFD."""
        text = self._release(self.decoder.decode(b"", final=True))
        rest, self.waiting = self.waiting, ""
        return text if self.stopped else text + rest

    def _release(self, text: str) -> str:
        if self.stopped:
            return ""
        self.waiting += text
        hits = [place for s in self.stop if (place := self.waiting.find(s)) >= 0]
        if hits:
            released, self.waiting, self.stopped = self.waiting[: min(hits)], "", True
            return released
        keep = max((_overlap(self.waiting, s) for s in self.stop), default=0)
        cut = len(self.waiting) - keep
        released, self.waiting = self.waiting[:cut], self.waiting[cut:]
        return released


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that begins `stop`."""
    for length in range(min(len(text), len(stop) - 1), 0, -1):
        if stop.startswith(text[-length:]):
            return length
    return 0
