"""What the replicas of a simulation must do, what became of it, and the log of their steps."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Jobs:
    """What the replicas must do and what became of it: one entry a request, times in seconds."""

    prompt: list[int]
    """Tokens to read, at least 1; 0 for a request whose cache was sent over."""
    held: list[int]
    """Tokens in the cache when decoding begins: prompt + 1."""
    rounds: list[int]
    """Decoding steps after the first token."""
    growth: list[float]
    """Tokens of one decoding step: 1 without speculation."""
    key: list[float]
    """Order of service: arrival, or deadline."""
    known: list[int]
    """Prompt tokens that are cached wherever the request goes."""
    blocks: list[tuple[int, ...]]
    """Hashes of the prompt's blocks; empty where nothing is shared."""
    started: list[float]
    """When it was first scheduled; NaN before."""
    first: list[float]
    """When its first token came; NaN before. A request that was sent over has it set."""
    finished: list[float]
    """When its last token came; NaN before."""
    hits: list[int]
    """Prompt tokens found in the cache."""
    preempted: list[int]
    """How often it was put back."""


@dataclass
class Log:
    """What happened in the steps of a replica, for the statistics."""

    steps: list[tuple[float, int, float, float, int, int, float]] = field(default_factory=list)
    """(start, requests that got a token, seconds of the first step, growth of the seconds a step,
    steps, requests in progress, cache tokens)."""
    gaps: list[tuple[float, int, float]] = field(default_factory=list)
    """(time, count, seconds): gaps between tokens that are not the length of one step."""
