"""Requests as published: lengths drawn from recorded statistics, or a trace file read whole."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from groundup.facts.catalogue import Catalogue
from groundup.facts.check import in_range
from groundup.facts.errors import NoDataError
from groundup.inference.arrivals import gamma
from groundup.inference.requests import Requests, Whole

Array = NDArray[np.float64]

_ROOT = "inference.trace"
_TAIL = NormalDist().inv_cdf(0.9)
"""Standard deviations from the median of a normal distribution to its 90 % quantile."""


def names(facts: Catalogue) -> tuple[str, ...]:
    """Published traces on record."""
    found = {
        key.split(".")[2] for key in facts.keys(f"{_ROOT}.") if key.endswith((".p50", ".mean"))
    }
    return tuple(sorted(found))


def lengths(trace: str, kind: str, count: int, facts: Catalogue, seed: int = 0) -> Whole:
    """`count` lengths (`kind`: prompt or output) of a published trace, at least 1 token each.

    From its quantiles where they are on record (log-linear between them); from median and 90 %
    quantile or from the mean as a log-normal otherwise. NoDataError for an unknown trace.
    """
    level = np.random.default_rng((seed, 4 if kind == "prompt" else 5)).random(count)
    root = f"{_ROOT}.{trace}.{kind}"
    keys = facts.keys(f"{root}.")
    if not keys:
        raise NoDataError(
            f"no lengths of trace `{trace}` on record; known: {', '.join(names(facts))}"
        )
    if f"{root}.p100" in facts:
        shares = sorted(
            int(key.rsplit(".p", 1)[1]) for key in keys if ".p" in key.removeprefix(root)
        )
        values = np.asarray([facts[f"{root}.p{share}"].value for share in shares])
        drawn = np.exp(np.interp(level, np.asarray(shares) / 100, np.log(values)))
    elif f"{root}.p90" in facts:
        median, high = facts[f"{root}.p50"].value, facts[f"{root}.p90"].value
        drawn = median * np.exp(_normal(level) * (math.log(high / median) / _TAIL))
    else:
        spread = facts[f"{_ROOT}.spread.{kind}"].value
        drawn = _log_normal(level, facts[f"{root}.mean"].value, spread)
    return _whole(drawn)


def published(
    trace: str, count: int, facts: Catalogue, rate: float = 0.0, seed: int = 0
) -> Requests:
    """Requests like a published trace; `rate` a second, or as many as it had where that is 0.

    Arrivals have the recorded burstiness, or are Poisson where none is on record. Prompts and
    outputs are drawn independently: their logarithms correlate by less than 0.1 in all released
    files. NoDataError where a rate is neither given nor on record.
    """
    root = f"{_ROOT}.{trace}.arrivals"
    if rate <= 0 and f"{root}.rate" not in facts:
        raise NoDataError(f"trace `{trace}` has no rate on record; give one (requests a second)")
    variation = facts[f"{root}.variation"].value if f"{root}.variation" in facts else 1.0
    return Requests(
        gamma(count, rate or facts[f"{root}.rate"].value, variation, seed),
        lengths(trace, "prompt", count, facts, seed),
        lengths(trace, "output", count, facts, seed),
        name=trace,
    )


def with_means(
    prompt: float,
    output: float,
    count: int,
    rate: float,
    facts: Catalogue,
    *,
    variation: float = 1.0,
    seed: int = 0,
    longest: float = math.inf,
) -> Requests:
    """Log-normal lengths with given means and the recorded spread, Gamma arrivals.

    `longest` cuts prompts and outputs (a model's context). Sampled means are moved onto the given
    ones, so that two seeds carry the same load.
    """
    in_range("prompt", prompt, 1)
    in_range("output", output, 1)

    def drawn(mean: float, kind: str, at: int) -> Whole:
        level = np.random.default_rng((seed, at)).random(count)
        values = _log_normal(level, mean, facts[f"{_ROOT}.spread.{kind}"].value)
        return _whole(np.minimum(values * (mean / values.mean()), longest))

    return Requests(
        gamma(count, rate, variation, seed), drawn(prompt, "prompt", 4), drawn(output, "output", 5),
        name=f"log-normal, means {prompt:g} and {output:g} tokens",
    )  # fmt: skip


def sessions(
    requests: Requests, turns: float, system: int = 0, block: int = 16, seed: int = 0
) -> Requests:
    """The same requests as turns of conversations that repeat what was said before.

    All share a system prompt of `system` tokens; a request continues an earlier one with chance
    1 - 1 / `turns` (geometric conversations of that mean), and then its prompt begins with that
    one's prompt. Prompts keep their lengths, so a shorter one repeats only a part.
    """
    in_range("turns", turns, 1)
    draw = np.random.default_rng((seed, 6))
    goes_on, back = draw.random(len(requests)), draw.random(len(requests))
    blocks: list[tuple[int, ...]] = []
    opening = tuple(range(system // block))
    fresh = len(opening)
    for at, prompt in enumerate(requests.prompt.tolist()):
        before = opening
        if at and goes_on[at] < 1 - 1 / turns:
            earlier = blocks[at - 1 - int(back[at] * min(at, _RECENT))]
            before = max(opening, earlier, key=len)
        full = prompt // block
        shared = before[:full]
        blocks.append(shared + tuple(range(fresh, fresh + full - len(shared))))
        fresh += full - len(shared)
    return Requests(
        requests.arrival, requests.prompt, requests.output, tuple(blocks), block, requests.name
    )


_RECENT = 1000
"""A conversation goes on after one of this many last requests."""


def _log_normal(level: Array, mean: float, spread: float) -> Array:
    return np.asarray(mean * np.exp(spread * _normal(level) - spread**2 / 2))


def _normal(level: Array) -> Array:
    """Inverse of the standard normal distribution, linear on 4,096 steps (beyond: 3.5 sigma)."""
    inverse = NormalDist().inv_cdf
    grid = np.linspace(0.0, 1.0, 4097)[1:-1]
    values = np.asarray([inverse(float(p)) for p in grid])
    return np.asarray(np.interp(level, grid, values))


def _whole(values: Array) -> Whole:
    return np.maximum(np.rint(values), 1).astype(np.int64)
