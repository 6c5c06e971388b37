"""What a simulated run says: percentiles with their margins, throughput, goodput, stability.

Definitions, because tools differ:
- queue: arrival to first being scheduled;
- TTFT: arrival to first token (queue, reading, a step's wait included; not the network, HTTP and
  tokenising before the scheduler, `inference.traffic.front_end`);
- gap (inter-token latency, ITL): time between two deliveries of one request, one value a gap, all
  requests pooled. With speculation a delivery is all tokens of a step;
- TPOT: (last token - first token) / (output tokens - 1), one value a request, which averages over
  its gaps; requests of one token have none;
- e2e: arrival to last token.
Percentiles of gaps are therefore not those of TPOT: a stall of a second in an answer of 500 tokens
is a gap of one second and 2 ms of TPOT.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundup.facts.check import in_range
from groundup.facts.errors import NoDataError
from groundup.inference.jobs import Log
from groundup.inference.simulate import Run

Array = NDArray[np.float64]

QUANTILES = (0.5, 0.9, 0.99)
_BATCHES = 10
_STUDENT = 2.262
"""97.5 % quantile of Student's t with nine degrees of freedom: ten batches of one run."""
_DRIFT = 0.03
"""Share of the arrivals that may be left over a second; above, the queue grows without end."""


@dataclass(frozen=True)
class Slo:
    """Limits that a request must meet; infinite where nothing is asked."""

    ttft: float = np.inf
    """Seconds to the first token."""
    tpot: float = np.inf
    """Seconds a token after it, mean of the request."""
    e2e: float = np.inf
    """Seconds to the last token."""
    share: float = 0.99
    """Share of the requests for which each limit must hold (MLPerf asks for 99 %)."""

    def __post_init__(self) -> None:
        for name in ("ttft", "tpot", "e2e"):
            in_range(f"slo.{name}", getattr(self, name), 1e-9)
        in_range("slo.share", self.share, 0.5, 1.0)


@dataclass(frozen=True)
class Spread:
    """Mean and percentiles of one time, seconds."""

    mean: float
    p50: float
    p90: float
    p99: float
    margin: tuple[float, float, float, float]
    """Half of the 95 % interval of mean, p50, p90, p99, from ten batches of the run (batch means;
    NaN below 20 values)."""
    count: int
    """Values they are taken from."""


@dataclass(frozen=True)
class Simulated:
    """A run after its warm-up, in numbers."""

    requests: int
    """Requests that arrived after the warm-up."""
    unserved: int
    """Requests among them that fit no cache."""
    queue: Spread
    ttft: Spread
    gap: Spread
    tpot: Spread
    e2e: Spread
    rate: float
    """Arrivals a second."""
    output_per_s: float
    """Tokens written a second, while requests arrived."""
    prompt_per_s: float
    """Tokens of the prompts served a second."""
    busy: float
    """Share of the time in which a replica takes steps."""
    batch: float
    """Requests in progress on a busy replica, mean over time."""
    batches: tuple[tuple[float, float], ...]
    """(requests in progress, share of busy time), rising: the histogram of the batch."""
    cache: float
    """Mean tokens in the cache of a busy replica, over what it holds; NaN without a limit."""
    cache_peak: float
    """Largest such share."""
    preempted: int
    """How often a request was put back."""
    hit: float
    """Share of prompt tokens found in a prefix cache."""
    met: float
    """Goodput: share of requests that meet every limit of the SLO; unserved ones do not."""
    goodput_per_s: float
    """Such requests a second."""
    unstable: str
    """Why the percentiles mean nothing ("load exceeds capacity: ..."); empty for a steady state."""

    def meets(self, slo: Slo) -> bool:
        """Whether the share of requests inside the limits is what the SLO asks, steadily."""
        return not self.unstable and self.met >= slo.share


def summarise(run: Run, slo: Slo | None = None, warm_up: float = 0.1) -> Simulated:
    """Statistics of the requests that arrive after `warm_up` of the span.

    The warm-up lasts longer, up to half of the span, where requests stay longer than that (twice
    their mean stay). NoDataError where nothing was served.
    """
    slo = slo or Slo()
    arrival = run.requests.arrival
    begin, end = _window(run, warm_up)
    here = arrival >= begin
    served = here & np.isfinite(run.finished)
    if not served.any():
        raise NoDataError("no request was served: each is longer than the cache of a replica")
    read = (run.first >= begin) & (run.first <= end)
    times = {
        "queue": (run.started - arrival)[served],
        "ttft": (run.first - arrival)[served],
        "tpot": _tpot(run, served),
        "e2e": (run.finished - arrival)[served],
    }
    spreads = {name: _spread(values) for name, values in times.items()}
    met = _met(run, slo)[here]
    span = max(end - begin, 1e-12)
    steps = _Steps.of(run.logs, begin, end)
    busy, replicas = _Steps.of((*run.logs, *run.reader_logs), begin, end), len(run.logs)
    room = run.fleet.scheduler.cache
    return Simulated(
        requests=int(here.sum()),
        unserved=int(here.sum() - served.sum()),
        gap=_gaps(run, begin, end),
        **spreads,
        rate=float(here.sum()) / span,
        output_per_s=_written(run, begin, end) / span,
        prompt_per_s=float(run.requests.prompt[read].sum()) / span,
        busy=min(busy.total / (span * (replicas + len(run.reader_logs))), 1.0),
        batch=steps.mean(steps.running),
        batches=steps.histogram(),
        cache=steps.mean(steps.used) / room if np.isfinite(room) else float("nan"),
        cache_peak=float(steps.used.max(initial=0.0)) / room if np.isfinite(room) else float("nan"),
        preempted=int(run.preempted[here].sum()),
        hit=float(run.hits[served].sum() / run.requests.prompt[served].sum()),
        met=float(met.mean()),
        goodput_per_s=float(met.sum()) / span,
        unstable=_unstable(run, begin, end),
    )


def _window(run: Run, warm_up: float) -> tuple[float, float]:
    arrival = run.requests.arrival
    begin, end = float(arrival[0]), float(arrival[-1])
    stays = run.finished - arrival
    stay = float(np.nanmean(stays)) if np.isfinite(stays).any() else 0.0
    wait = max(warm_up * (end - begin), min(2.0 * stay, (end - begin) / 2.0))
    return begin + wait, end


def _written(run: Run, begin: float, end: float) -> float:
    """Tokens written in the window: of each answer the share of its time that lies inside."""
    took = np.maximum(run.finished - run.first, 1e-12)
    inside = np.minimum(run.finished, end) - np.maximum(run.first, begin)
    share = np.clip(np.nan_to_num(inside / took), 0.0, 1.0)
    return float((run.requests.output * share).sum())


def _tpot(run: Run, served: NDArray[np.bool_]) -> Array:
    more = run.requests.output - 1
    some = served & (more > 0)
    return np.asarray((run.finished - run.first)[some] / more[some])


def _met(run: Run, slo: Slo) -> NDArray[np.bool_]:
    arrival, more = run.requests.arrival, np.maximum(run.requests.output - 1, 1)
    tpot = (run.finished - run.first) / more
    with np.errstate(invalid="ignore"):
        return np.asarray(
            (run.first - arrival <= slo.ttft)
            & (tpot <= slo.tpot)
            & (run.finished - arrival <= slo.e2e)
        )


def _spread(values: Array, weights: Array | None = None) -> Spread:
    """Percentiles and their margins; values in order of time."""
    if not values.size:
        nan = float("nan")
        return Spread(nan, nan, nan, nan, (nan,) * 4, 0)
    weights = np.ones(values.size) if weights is None else weights
    parts = np.array_split(np.arange(values.size), _BATCHES) if values.size >= 20 else []
    found = [_numbers(values[part], weights[part]) for part in parts]
    half = np.full(4, np.nan)
    if found:
        half = _STUDENT * np.std(found, axis=0, ddof=1) / np.sqrt(_BATCHES)
    mean, p50, p90, p99 = _numbers(values, weights)
    margin = (float(half[0]), float(half[1]), float(half[2]), float(half[3]))
    return Spread(mean, p50, p90, p99, margin, int(weights.sum()))


def _numbers(values: Array, weights: Array) -> tuple[float, float, float, float]:
    """Mean and the smallest values that reach each quantile of the weight."""
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weights[order])
    at = np.searchsorted(below, np.asarray(QUANTILES) * below[-1] * (1 - 1e-12))
    p50, p90, p99 = values[order][np.minimum(at, values.size - 1)]
    mean = float((values * weights).sum() / below[-1])
    return mean, float(p50), float(p90), float(p99)


def _gaps(run: Run, begin: float, end: float) -> Spread:
    """Every gap between tokens of one request, from the logs of all replicas."""
    found: list[tuple[Array, Array, Array]] = [(np.empty(0),) * 3]
    for log in run.logs:
        rows = np.asarray(log.steps, dtype=np.float64).reshape(-1, 7)
        rows = rows[rows[:, 1] > 0]
        steps = rows[:, 4].astype(np.int64)
        length = np.repeat(rows[:, 2], steps) + np.repeat(rows[:, 3], steps) * _order(steps)
        found.append((np.repeat(rows[:, 0], steps), length, np.repeat(rows[:, 1], steps)))
        late = np.asarray(log.gaps, dtype=np.float64).reshape(-1, 3)
        found.append((late[:, 0], late[:, 2], late[:, 1]))
    when, length, count = (np.concatenate(part) for part in zip(*found, strict=True))
    here = (when >= begin) & (when <= end)
    if not here.any():
        here = np.ones_like(here)
    by_time = np.argsort(when[here], kind="stable")
    return _spread(length[here][by_time], count[here][by_time])


def _order(steps: NDArray[np.int64]) -> Array:
    """0, 1, ..., n - 1 for each n of `steps`, one after the other."""
    ends = np.cumsum(steps)
    total = int(ends[-1]) if steps.size else 0
    return np.asarray(np.arange(total) - np.repeat(ends - steps, steps), dtype=np.float64)


@dataclass(frozen=True)
class _Steps:
    """Runs of steps inside the window, clipped to it."""

    seconds: Array
    running: Array
    used: Array

    @classmethod
    def of(cls, logs: tuple[Log, ...], begin: float, end: float) -> _Steps:
        rows = np.asarray([row for log in logs for row in log.steps], dtype=np.float64)
        rows = rows.reshape(-1, 7)
        steps = rows[:, 4]
        last = rows[:, 0] + steps * rows[:, 2] + rows[:, 3] * steps * (steps - 1) / 2
        seconds = np.minimum(last, end) - np.maximum(rows[:, 0], begin)
        here = seconds > 0
        return cls(seconds[here], rows[here, 5], rows[here, 6])

    @property
    def total(self) -> float:
        """Busy seconds of all replicas."""
        return float(self.seconds.sum())

    def mean(self, values: Array) -> float:
        """Mean over busy time."""
        return float((values * self.seconds).sum() / self.total) if self.total else 0.0

    def histogram(self) -> tuple[tuple[float, float], ...]:
        """Share of busy time at each number of requests in progress."""
        if not self.total:
            return ()
        shares = np.bincount(self.running.astype(np.int64), self.seconds) / self.total
        return tuple((float(at), float(shares[at])) for at in np.flatnonzero(shares))


def _unstable(run: Run, begin: float, end: float) -> str:
    """Requests in the system grow through the window by more than chance and a share of arrivals.

    The number present is a difference of two counts; its trend is that of a line through 200
    points. A run of fewer than ten stays cannot tell and is judged by its trend alone.
    """
    arrival = run.requests.arrival
    ended = np.sort(run.finished[np.isfinite(run.finished)])
    times = np.linspace(begin, end, 200)
    present = np.searchsorted(arrival, times) - np.searchsorted(ended, times)
    rate = run.requests.rate
    if end <= begin or not rate:
        return ""
    growth = float(np.polyfit(times - begin, present, 1)[0])
    first, last = present[:50].mean(), present[-50:].mean()
    chance = 4.0 * np.sqrt(max(first, 1.0))  # of a count that stays: Poisson
    if growth <= _DRIFT * rate or last <= first + chance or last <= 1.5 * first:
        return ""
    return (
        f"load exceeds capacity: {growth:.3g} of {rate:.3g} requests a second are left over, so "
        "waiting grows as long as the load lasts; add replicas or lower the rate"
    )
