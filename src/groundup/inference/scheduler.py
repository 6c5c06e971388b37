"""How a replica forms its batches: limits and policy, as data."""

from __future__ import annotations

import math
from dataclasses import dataclass

from groundup.facts.check import in_range, one_of

POLICIES = ("chunked", "prefill-first")


@dataclass(frozen=True)
class Scheduler:
    """How a replica forms its batches."""

    most: int = 256
    """Requests in progress at once (vLLM `max_num_seqs`)."""
    budget: int = 2048
    """Tokens of one step: one for each decoding request, the rest for prompts (vLLM
    `max_num_batched_tokens`)."""
    policy: str = "chunked"
    """`chunked` (prompts in pieces beside decoding) or `prefill-first` (decoding waits)."""
    cache: float = math.inf
    """Tokens that the cache of a replica holds."""
    block: int = 16
    """Tokens of a cache block. A request holds half a block more than its tokens, the mean loss of
    rounding up."""
    watermark: float = 0.01
    """Share of the cache that admission leaves free (vLLM's watermark)."""
    width: int = 1
    """Tokens that a decoding request takes from the budget (drafted tokens + 1)."""

    def __post_init__(self) -> None:
        in_range("scheduler.most", self.most, 1)
        in_range("scheduler.budget", self.budget, 1)
        in_range("scheduler.block", self.block, 0)
        in_range("scheduler.watermark", self.watermark, 0, 0.5)
        in_range("scheduler.width", self.width, 1)
        one_of("scheduler.policy", self.policy, POLICIES)
