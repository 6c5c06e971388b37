"""The same serving rules, one step and one request at a time: the plain peer of the simulation.

Written from the rules alone (no code shared with batching.py beyond the step costs): every step
walks over every request, every token's time is kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from groundup.inference.requests import Requests
from groundup.inference.scheduler import Scheduler
from groundup.inference.step_costs import StepCosts


@dataclass
class Sequence:
    number: int
    arrival: float
    prompt: int
    output: int
    to_read: int = 0
    read: int = 0
    written: int = 0
    started: float = math.nan
    times: list[float] = field(default_factory=list)
    preempted: int = 0

    @property
    def cached(self) -> float:
        """Tokens in the cache while decoding: the prompt and all written ones."""
        return self.prompt + self.written

    @property
    def length(self) -> int:
        return self.prompt + self.written


def serve(requests: Requests, costs: StepCosts, rules: Scheduler) -> list[Sequence]:
    """All requests on one replica, in order of arrival."""
    todo = [
        Sequence(i, float(requests.arrival[i]), int(requests.prompt[i]), int(requests.output[i]))
        for i in range(len(requests))
    ]
    everyone = list(todo)
    waiting: list[Sequence] = []
    reading: list[Sequence] = []
    decoding: list[Sequence] = []
    admitted: list[Sequence] = []
    now, half = 0.0, rules.block / 2

    def reserved() -> float:
        """Cache of those that decode, and of prompts admitted (whole, with one token more)."""
        held = sum(s.cached + half for s in decoding)
        return held + sum(s.to_read + s.read + 1 + half for s in reading)

    while todo or waiting or reading or decoding:
        if not (waiting or reading or decoding):
            now = max(now, todo[0].arrival)
        while todo and todo[0].arrival <= now:
            waiting.append(todo.pop(0))
        waiting.sort(key=lambda s: s.arrival)
        while decoding and reserved() + len(decoding) > rules.cache:
            victim = admitted.pop()
            if not admitted:
                decoding.remove(victim)
                victim.times = []
                break
            (decoding if victim in decoding else reading).remove(victim)
            victim.to_read = victim.read = 0
            victim.preempted += 1
            waiting.append(victim)
            waiting.sort(key=lambda s: s.arrival)
        chunked = rules.policy == "chunked"
        left = rules.budget - (len(decoding) if chunked else 0)
        pieces: list[tuple[Sequence, int]] = []
        for s in reading:
            if left > 0:
                pieces.append((s, min(s.to_read, left)))
                left -= pieces[-1][1]
        while waiting and (left > 0 or not (pieces or decoding)):
            s = waiting[0]
            limit = rules.cache * (1 - rules.watermark) if admitted else rules.cache
            if len(admitted) >= rules.most:
                break
            if reserved() + len(decoding) + s.length + 1 + half > limit:
                break
            if not chunked and pieces and s.length > left:
                break
            waiting.pop(0)
            if math.isnan(s.started):
                s.started = now
            s.to_read, s.read = s.length, 0
            admitted.append(s)
            reading.append(s)
            pieces.append((s, s.to_read if not chunked else min(s.to_read, max(left, 1))))
            left -= pieces[-1][1]
        if not (pieces or decoding):
            if waiting:
                waiting.pop(0)  # fits nowhere
            continue
        tokens = sum(count for _, count in pieces)
        pairs = sum(count * (s.read + count / 2) for s, count in pieces)
        beside = [] if pieces and not chunked else list(decoding)
        context = float(sum(s.cached for s in beside))
        if pieces:
            now += costs.mixed(len(beside), context, tokens, pairs)
        else:
            now += costs.decode(len(beside), context)
        for s in beside:
            s.written += 1
            s.times.append(now)
            if s.written == s.output:
                decoding.remove(s)
                admitted.remove(s)
        for s, count in pieces:
            s.to_read -= count
            s.read += count
            if not s.to_read:
                reading.remove(s)
                s.written += 1
                s.times.append(now)
                if s.written == s.output:
                    admitted.remove(s)
                else:
                    decoding.append(s)
    return everyone


def gaps(served: list[Sequence]) -> np.ndarray:
    """All times between two tokens of one request, sorted."""
    return np.sort(np.concatenate([np.diff(s.times) for s in served if len(s.times) > 1]))
