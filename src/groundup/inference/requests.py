"""Requests that arrive at a service: when, how long, what they share."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from groundup.facts.errors import DataError

Array = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Requests:
    """Arrays of one entry a request, in order of arrival."""

    arrival: Array
    """Seconds since the beginning, rising."""
    prompt: Whole
    """Tokens to read, at least 1."""
    output: Whole
    """Tokens to write, at least 1."""
    blocks: tuple[tuple[int, ...], ...] = ()
    """Hashes of each prompt's blocks, where prefixes are shared; empty where nothing is known."""
    block: int = 0
    """Tokens of such a block; 0 without blocks."""
    name: str = ""
    """What they are, for the report."""

    def __post_init__(self) -> None:
        if not len(self.arrival):
            raise DataError("there are no requests; give a trace with at least one")
        if len(self.prompt) != len(self.arrival) or len(self.output) != len(self.arrival):
            raise DataError("arrival, prompt and output of requests must have one length")
        if np.any(np.diff(self.arrival) < 0):
            raise DataError("requests must be in order of arrival; sort them by time")
        if self.prompt.min() < 1 or self.output.min() < 1:
            raise DataError("every request reads and writes at least one token")

    def __len__(self) -> int:
        return len(self.arrival)

    @property
    def rate(self) -> float:
        """Mean arrivals a second; 0 for a single request."""
        span = float(self.arrival[-1] - self.arrival[0])
        return (len(self) - 1) / span if span > 0 else 0.0

    def at_rate(self, rate: float) -> Requests:
        """The same requests with arrivals stretched to `rate` a second, bursts kept."""
        if not self.rate:
            return self
        start = float(self.arrival[0])
        return replace(self, arrival=start + (self.arrival - start) * (self.rate / rate))

    def first(self, count: int) -> Requests:
        """The first `count` requests."""
        return replace(
            self,
            arrival=self.arrival[:count],
            prompt=self.prompt[:count],
            output=self.output[:count],
            blocks=self.blocks[:count],
        )
