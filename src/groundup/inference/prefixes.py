"""Cached prefixes of prompts on one replica: blocks by hash, least recently used go first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence


class PrefixStore:
    """Blocks of `block` tokens that are kept after their request, while there is room.

    A block in use by a running request is held; the others wait in order of their last use
    (SGLang's RadixAttention, arXiv 2312.07104, section 3; vLLM's automatic prefix caching).
    """

    def __init__(self, block: int) -> None:
        self.block = block
        self._held: dict[int, int] = {}
        self._idle: OrderedDict[int, None] = OrderedDict()

    @property
    def held_tokens(self) -> int:
        """Tokens of blocks in use by running requests, each counted once."""
        return len(self._held) * self.block

    @property
    def idle_tokens(self) -> int:
        """Tokens of blocks that nobody uses and that may be dropped."""
        return len(self._idle) * self.block

    def match(self, blocks: Sequence[int]) -> int:
        """How many leading blocks are here."""
        count = 0
        for block in blocks:
            if block not in self._held and block not in self._idle:
                break
            count += 1
        return count

    def new_held(self, blocks: Sequence[int]) -> int:
        """Tokens that holding `blocks` would take out of the idle ones."""
        return sum(block in self._idle for block in blocks) * self.block

    def hold(self, blocks: Sequence[int]) -> None:
        """Keep blocks (known or new) while a request runs."""
        for block in blocks:
            self._idle.pop(block, None)
            self._held[block] = self._held.get(block, 0) + 1

    def release(self, blocks: Sequence[int]) -> None:
        """One request less uses these blocks; the last of a prompt are the first to go."""
        for block in reversed(blocks):
            users = self._held[block] - 1
            if users:
                self._held[block] = users
            else:
                del self._held[block]
                self._idle[block] = None

    def shrink(self, room: float) -> None:
        """Drop idle blocks, oldest first, until held and idle ones fit `room` tokens."""
        while self._idle and self.held_tokens + self.idle_tokens > room:
            self._idle.popitem(last=False)
