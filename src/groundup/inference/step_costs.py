"""Seconds of one step of a serving engine, tabled so that many steps are one formula.

A step decodes one token for each of `batch` requests and reads `prompt` tokens of new requests:

    seconds = start[batch] + slope[batch] * context + prompt(batch, tokens) + pair * pairs

`context` counts the cached tokens of all decoding requests together; a pair is one prompt token
that attends to one token before it. Start and slope are piecewise in context, so any law of a
decoding step can be tabled; between two knots n steps of a growing context are a sum of an
arithmetic series, which is what makes the simulation fast.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundup.facts.errors import ConfigError

Array = NDArray[np.float64]
Decode = Callable[[Array, Array, Array], Array]
"""(batch, context tokens of all requests, tokens of one prompt read beside them) -> seconds."""
Prefill = Callable[[Array, Array], Array]
"""(tokens of one prompt, tokens cached before them) -> seconds of a step that decodes nothing."""

_FAR = 1e18
"""Tokens that no cache holds: the end of the last interval."""


@dataclass(frozen=True)
class StepCosts:
    """Tables of step seconds; built by `affine` or `tabled`."""

    knots: tuple[float, ...]
    """Context tokens where intervals begin; the first is 0."""
    start: tuple[tuple[float, ...], ...]
    """Seconds at zero context of [batch][interval]; batch 0 is a step that only reads prompts."""
    slope: tuple[tuple[float, ...], ...]
    """Seconds for each token of context, [batch][interval]."""
    groups: tuple[int, ...]
    """Batches, rising from 0, for which reading prompts is tabled."""
    tokens: tuple[float, ...]
    """Prompt tokens, rising from 0, for which reading prompts is tabled."""
    reading: tuple[tuple[float, ...], ...]
    """Seconds that prompt tokens add to a step without their attention, [group][tokens]."""
    pair: float
    """Seconds for each pair of a prompt token and a token before it."""

    @property
    def most(self) -> int:
        """Largest batch of the tables."""
        return len(self.start) - 1

    def interval(self, context: float) -> int:
        """Index of the interval that holds `context`."""
        return bisect_right(self.knots, context) - 1

    def decode(self, batch: int, context: float) -> float:
        """Seconds of a step that only decodes."""
        at = bisect_right(self.knots, context) - 1
        return self.start[batch][at] + self.slope[batch][at] * context

    def prompt(self, batch: int, tokens: float) -> float:
        """Seconds that reading `tokens` adds to a step that decodes `batch`, pairs aside."""
        low = bisect_right(self.groups, batch) - 1
        first = self._read(low, tokens)
        if low + 1 == len(self.groups) or self.groups[low] == batch:
            return first
        width = self.groups[low + 1] - self.groups[low]
        return first + (self._read(low + 1, tokens) - first) * (batch - self.groups[low]) / width

    def _read(self, group: int, tokens: float) -> float:
        row, knots = self.reading[group], self.tokens
        at = min(max(bisect_right(knots, tokens) - 1, 0), len(knots) - 2)
        share = (tokens - knots[at]) / (knots[at + 1] - knots[at])
        return row[at] + (row[at + 1] - row[at]) * share

    def mixed(self, batch: int, context: float, tokens: float, pairs: float) -> float:
        """Seconds of a step that decodes `batch` and reads `tokens` with `pairs`."""
        return self.decode(batch, context) + self.prompt(batch, tokens) + self.pair * pairs

    def slower(self, factor: float) -> StepCosts:
        """The same costs times `factor`, for a run at the slow end of the latency model."""

        def all_of(rows: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], ...]:
            return tuple(tuple(value * factor for value in row) for row in rows)

        return StepCosts(
            self.knots, all_of(self.start), all_of(self.slope), self.groups, self.tokens,
            all_of(self.reading), self.pair * factor,
        )  # fmt: skip


def affine(
    most: int,
    step: float = 0.0,
    per_request: float = 0.0,
    per_context: float = 0.0,
    per_prompt_token: float = 0.0,
    per_pair: float = 0.0,
) -> StepCosts:
    """Costs that are linear in everything (seconds each): exact in the tables."""
    start = tuple((step + per_request * batch,) for batch in range(most + 1))
    return StepCosts(
        (0.0,), start, ((per_context,),) * (most + 1), (0,), (0.0, 1.0),
        ((0.0, per_prompt_token),), per_pair,
    )  # fmt: skip


def tabled(
    decode: Decode,
    prefill: Prefill,
    most: int,
    context: float,
    prompt: float,
    points: int = 12,
) -> StepCosts:
    """Table the laws of an engine up to `most` requests, `context` and `prompt` tokens.

    Between knots, which are `points` in geometric order, costs are linear. ConfigError where a
    bound is below one.
    """
    if most < 1 or context < 1 or prompt < 1:
        raise ConfigError(
            f"step costs up to batch {most}, context {context:g}, prompt {prompt:g}: each must be "
            "at least 1"
        )
    knots = np.concatenate(([0.0], np.geomspace(max(context / 256, 1.0), context, points)))
    batch = np.arange(1, most + 1, dtype=np.float64)[:, None]
    seconds = decode(batch + 0 * knots, knots + 0 * batch, np.zeros((most, knots.size)))
    slope = np.diff(seconds, axis=1) / np.diff(knots)
    start = seconds[:, :-1] - slope * knots[:-1]
    zero = np.zeros((1, slope.shape[1]))
    read, pair = _prompts(prefill, prompt, points)
    groups = np.unique(np.geomspace(1, most, 6).astype(int))
    mean = np.minimum(groups * (context / most), context)[:, None]
    wide = groups[:, None] + 0.0 * read[0]
    alone = decode(wide, mean + 0 * wide, np.zeros_like(wide))
    added = decode(wide, mean + 0 * wide, read[0] + 0 * wide) - alone
    added = np.maximum(added - pair * read[0] ** 2 / 2, 0.0)
    reading = np.concatenate((read[1][None], added))
    return StepCosts(
        _one(knots[:-1]), _rows(np.concatenate((zero, start))),
        _rows(np.concatenate((zero, slope))), (0, *map(int, groups)), _one(read[0]),
        _rows(reading), pair,
    )  # fmt: skip


def _prompts(prefill: Prefill, prompt: float, points: int) -> tuple[tuple[Array, Array], float]:
    """Knots and seconds of reading a prompt without its attention, and seconds of a pair."""
    knots = np.concatenate(([0.0], np.unique(np.geomspace(1.0, max(prompt, 2.0), 2 * points))))
    chunk = np.asarray([max(prompt / 4, 1.0)])
    past = np.asarray([max(prompt / 2, 1.0)])
    more = prefill(chunk, past) - prefill(chunk, 0 * past)
    pair = float(np.maximum(more / (chunk * past), 0.0)[0])
    seconds = np.concatenate(([0.0], prefill(knots[1:], 0 * knots[1:]))) - pair * knots**2 / 2
    return (knots, np.maximum(seconds, 0.0)), pair


def _one(values: Array) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _rows(values: Array | Sequence[Array]) -> tuple[tuple[float, ...], ...]:
    return tuple(_one(row) for row in values)
