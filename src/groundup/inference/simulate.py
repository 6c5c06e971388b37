"""Discrete-event simulation of a serving fleet: requests, router, replicas, percentiles.

Replicas batch continuously (batching.py); a router spreads arrivals over them; a fleet may split
reading prompts and decoding over two pools (DistServe, arXiv 2401.09670; Splitwise, arXiv
2311.18677), which costs the time that the cache takes from one to the other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from groundup.facts.check import in_range, one_of
from groundup.inference.batching import Replica
from groundup.inference.jobs import Jobs, Log
from groundup.inference.requests import Requests
from groundup.inference.routers import ROUTERS, Router
from groundup.inference.scheduler import Scheduler
from groundup.inference.step_costs import StepCosts

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Speculation:
    """Drafted tokens that a step verifies: how many come out of it."""

    drafted: int = 0
    """Tokens drafted a step; 0 is no speculation."""
    accepted: float = 0.0
    """Chance that a drafted token is right, given that those before it are (alpha)."""

    def __post_init__(self) -> None:
        in_range("speculation.drafted", self.drafted, 0)
        in_range("speculation.accepted", self.accepted, 0.0, 1.0)


@dataclass(frozen=True)
class Fleet:
    """Replicas and how requests find them."""

    replicas: int = 1
    """Copies of the model; those that decode where `readers` is above 0."""
    scheduler: Scheduler = field(default_factory=Scheduler)
    """How each of them forms batches."""
    router: str = "least-outstanding"
    """One of `routers.ROUTERS`."""
    prefix_cache: bool = False
    """Whether prompts that share blocks are read once."""
    cached_share: float = 0.0
    """Share of every prompt that is cached already, where its blocks are not known."""
    speculation: Speculation = field(default_factory=Speculation)
    """Drafted tokens; the step costs must hold the cost of drafting and verifying."""
    readers: int = 0
    """Replicas that only read prompts and send the cache on; 0: every replica does both."""
    transfer_s_per_token: float = 0.0
    """Seconds to send the cache of one prompt token from a reader to a decoding replica."""
    deadline: float = 0.0
    """Above 0, waiting requests are served by arrival + `deadline` x prompt tokens (earliest
    deadline first, short prompts overtake long ones); 0 is first come, first served."""

    def __post_init__(self) -> None:
        in_range("fleet.replicas", self.replicas, 1)
        in_range("fleet.readers", self.readers, 0)
        in_range("fleet.transfer_s_per_token", self.transfer_s_per_token, 0)
        in_range("fleet.deadline", self.deadline, 0)
        in_range("fleet.cached_share", self.cached_share, 0, 0 if self.prefix_cache else 1)
        one_of("fleet.router", self.router, ROUTERS)


@dataclass(frozen=True)
class Run:
    """What became of every request, and the steps of every replica."""

    requests: Requests
    """What arrived."""
    fleet: Fleet
    """What served it."""
    started: Array
    """First scheduled at, s; NaN where it never was."""
    first: Array
    """First token at, s."""
    finished: Array
    """Last token at, s; NaN where the request fits no cache."""
    hits: NDArray[np.int64]
    """Prompt tokens found in a prefix cache."""
    preempted: NDArray[np.int64]
    """How often each request was put back."""
    logs: tuple[Log, ...]
    """Steps of each decoding replica (of each replica without readers)."""
    reader_logs: tuple[Log, ...] = ()
    """Steps of each reader."""


def simulate(
    requests: Requests,
    costs: StepCosts,
    fleet: Fleet | None = None,
    seed: int = 0,
    reader_costs: StepCosts | None = None,
) -> Run:
    """Serve all requests to their end.

    `costs` are the step seconds of a replica (`reader_costs` of a reader, else the same); `seed`
    draws the random router and accepted drafts. Raises ConfigError where the scheduler's batch is
    larger than the tables of the costs.
    """
    fleet = fleet or Fleet()
    in_range("scheduler.most", fleet.scheduler.most, 1, costs.most)
    if fleet.readers:
        return _split(requests, costs, fleet, seed, reader_costs or costs)
    rounds, growth = _rounds(requests, fleet.speculation, seed)
    jobs = _jobs(requests, fleet, rounds, growth)
    logs = _serve(jobs, requests.arrival, costs, fleet, fleet.replicas, requests.block, seed)
    return _run(requests, fleet, jobs, logs)


def _serve(
    jobs: Jobs,
    arrival: Array,
    costs: StepCosts,
    fleet: Fleet,
    replicas: int,
    block: int,
    seed: int,
) -> tuple[Log, ...]:
    prefix = block if fleet.prefix_cache else 0
    pool = [Replica(jobs, costs, fleet.scheduler, prefix) for _ in range(replicas)]
    router = Router(fleet.router, pool, jobs, seed)
    for request, now in enumerate(arrival.tolist()):
        chosen = router.choose(request, now)
        chosen.advance(now)
        chosen.add(request)
    for replica in pool:
        replica.advance(math.inf)
    return tuple(replica.log for replica in pool)


def _split(
    requests: Requests, costs: StepCosts, fleet: Fleet, seed: int, reader_costs: StepCosts
) -> Run:
    """Readers first, then decoders, whose arrivals are the ends of reading and sending."""
    rounds, growth = _rounds(requests, fleet.speculation, seed)
    read = _jobs(requests, fleet, np.zeros_like(rounds), growth)
    logs = _serve(read, requests.arrival, reader_costs, fleet, fleet.readers, requests.block, seed)
    first = np.asarray(read.first)
    ready = first + requests.prompt * fleet.transfer_s_per_token
    order = [int(i) for i in np.argsort(ready, kind="stable") if rounds[i] and ready[i] < math.inf]
    jobs = _jobs(requests, fleet, rounds, growth)
    jobs.started, jobs.first, jobs.hits = read.started, read.first, read.hits
    jobs.finished = [
        math.nan if left else end for left, end in zip(rounds, read.finished, strict=True)
    ]
    jobs.prompt = [0] * len(requests)
    jobs.key = [float(time) for time in ready]
    jobs.preempted = read.preempted
    decoded = _serve_in(jobs, order, ready, costs, fleet, seed)
    return _run(requests, fleet, jobs, decoded, logs)


def _serve_in(
    jobs: Jobs, order: list[int], ready: Array, costs: StepCosts, fleet: Fleet, seed: int
) -> tuple[Log, ...]:
    pool = [Replica(jobs, costs, fleet.scheduler) for _ in range(fleet.replicas)]
    router = Router(fleet.router, pool, jobs, seed)
    for request in order:
        now = float(ready[request])
        chosen = router.choose(request, now)
        chosen.advance(now)
        chosen.add(request)
    for replica in pool:
        replica.advance(math.inf)
    return tuple(replica.log for replica in pool)


def _rounds(
    requests: Requests, speculation: Speculation, seed: int
) -> tuple[NDArray[np.int64], Array]:
    """Decoding steps of each request after its first token, and tokens of each of its steps.

    A step yields 1 + the drafted tokens accepted before the first miss (Leviathan et al., arXiv
    2211.17192, eq. 1); a request's steps are those whose tokens reach its length.
    """
    more = requests.output - 1
    if not speculation.drafted:
        return more, np.ones(len(more))
    draw = np.random.default_rng((seed, 2))
    alpha = speculation.accepted
    rounds, left = np.zeros_like(more), more.copy()
    while np.any(left > 0):
        here = left > 0
        run = draw.geometric(1 - alpha, len(more)) if alpha < 1 else np.full(len(more), 1 << 30)
        left = left - np.where(here, np.minimum(run, speculation.drafted + 1), 0)
        rounds += here
    return rounds, np.where(rounds > 0, more / np.maximum(rounds, 1), 1.0)


def _jobs(requests: Requests, fleet: Fleet, rounds: NDArray[np.int64], growth: Array) -> Jobs:
    count = len(requests)
    key = requests.arrival + fleet.deadline * requests.prompt
    return Jobs(
        prompt=requests.prompt.tolist(),
        held=(requests.prompt + 1).tolist(),
        rounds=rounds.tolist(),
        growth=growth.tolist(),
        key=key.tolist(),
        known=((requests.prompt - 1) * fleet.cached_share).astype(np.int64).tolist(),
        blocks=list(requests.blocks) or [()] * count,
        started=[math.nan] * count,
        first=[math.nan] * count,
        finished=[math.nan] * count,
        hits=[0] * count,
        preempted=[0] * count,
    )


def _run(
    requests: Requests,
    fleet: Fleet,
    jobs: Jobs,
    logs: tuple[Log, ...],
    reader_logs: tuple[Log, ...] = (),
) -> Run:
    return Run(
        requests, fleet, np.asarray(jobs.started), np.asarray(jobs.first),
        np.asarray(jobs.finished), np.asarray(jobs.hits), np.asarray(jobs.preempted), logs,
        reader_logs,
    )  # fmt: skip
