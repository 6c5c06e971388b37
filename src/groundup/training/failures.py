"""Failures, checkpoints and slow machines: the share of time that a training run really trains.

Everything here is arrays in SI units that broadcast, so that one code path serves one plan, ten
thousand draws and a search; `goodput` is the same for the plan's estimates, with units.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Array, Estimate, sqrt

YOUNG = "Young 1974, CACM 17(9):530; Daly 2006, FGCS 22(3):303, first order"


@dataclass(frozen=True)
class Goodput:
    """How failures and checkpoints stretch a run."""

    between_failures: Estimate
    """Mean time between failures of the whole job."""
    interval: Estimate
    """Best time from one checkpoint to the next."""
    share: Estimate
    """Useful time over elapsed time, 0 to 1."""


def goodput(
    accelerators: Estimate, failure_rate: Estimate, write: Estimate, restart: Estimate
) -> Goodput:
    """Young's interval t = sqrt(2 d M) and the time lost to writing, redoing and restarting.

    M = 1 / (failure rate x accelerators), d the time of one write, R of a restart:
    elapsed / useful = 1 + d/t + t/(2M) + R/M. `failure_rate` is in 1/(accelerator*h).
    """
    between = (1.0 / (failure_rate * accelerators)).to("h")
    between = between.named("training.between_failures", "1 / (failure_rate x accelerators)")
    interval = sqrt(2.0 * write.to("h") * between)
    interval = interval.named("training.checkpoint_interval", "sqrt(2 x write x between)", YOUNG)
    lost = write / interval + interval / (2.0 * between) + restart / between
    share = (1.0 / (1.0 + lost)).named(
        "training.goodput",
        "1 / (1 + write/interval + interval/(2 x between) + restart/between)",
        YOUNG,
    )
    return Goodput(between, interval.to("min"), share)


@dataclass(frozen=True)
class Checkpoint:
    """What one way of keeping checkpoints costs; seconds."""

    stall: Array
    """Training stands still for so long while a checkpoint is taken."""
    lag: Array
    """From then until it can be used: work of this time is lost too when a failure comes."""
    load: Array
    """Reading it back after a failure."""
    shortest: Array
    """Least time from one checkpoint to the next: the last one has to be through."""


def blocking(size: Array, store_rate: Array) -> Checkpoint:
    """Training waits until the store has all of it; `size` bytes, `store_rate` bytes/s, of a job.

    The way of the first large runs (PaLM, BLOOM, OPT).
    """
    seconds = np.asarray(size) / store_rate
    return Checkpoint(seconds, np.zeros_like(seconds), seconds, seconds)


def asynchronous(size: Array, host_rate: Array, store_rate: Array) -> Checkpoint:
    """Training waits for the copy to the hosts' memory only; writing goes on behind it.

    Two steps as in MegaScale (Jiang et al. 2024, arXiv:2402.15627, section 4.4); `host_rate` and
    `store_rate` are bytes/s of the whole job.
    """
    copied, stored = np.asarray(size) / host_rate, np.asarray(size) / store_rate
    return Checkpoint(copied, stored, stored, np.maximum(copied, stored))


def in_memory(size: Array, host_rate: Array, peer_rate: Array) -> Checkpoint:
    """A copy in the own host's memory and one in a peer's; a failed machine reads from its peer.

    Wang et al. 2023, GEMINI, SOSP, section 4: the traffic goes between the training's own, and a
    checkpoint is there with every few steps. `peer_rate`: bytes/s of the whole job's network.
    """
    copied, sent = np.asarray(size) / host_rate, np.asarray(size) / peer_rate
    return Checkpoint(copied, sent, sent, copied + sent)


def young(stall: Array, between: Array) -> Array:
    """Best interval to first order, s: sqrt(2 d M) (Young 1974, CACM 17(9):530)."""
    return np.sqrt(2 * np.asarray(stall) * between)


def daly(stall: Array, between: Array) -> Array:
    """Best interval, s, to higher order (Daly 2006, FGCS 22(3):303, equation 37).

    sqrt(2dM) (1 + sqrt(d/2M)/3 + (d/2M)/9) - d for d < 2M, else M: useful work between checkpoints.
    """
    ratio = np.asarray(stall) / (2 * np.asarray(between))
    series = young(stall, between) * (1 + np.sqrt(ratio) / 3 + ratio / 9) - stall
    return np.asarray(np.where(ratio < 1, series, between))


def stretch(interval: Array, kept: Checkpoint, between: Array, restart: Array) -> Array:
    """Elapsed over useful time, at least 1 (Daly 2006, equation 20).

    M exp(R/M) (exp((t + d)/M) - 1) / t: failures are a Poisson process with mean time `between`
    that goes on through checkpoints and restarts. R is detection and `restart`, reading back, and
    the work of the lag done again.
    """
    again = (np.asarray(restart) + kept.load + kept.lag) / between
    return np.asarray(
        np.asarray(between) * np.exp(again) * np.expm1((interval + kept.stall) / between) / interval
    )


def best_interval(kept: Checkpoint, between: Array) -> Array:
    """Daly's interval, not below the shortest that this way of keeping checkpoints allows, s."""
    return np.maximum(daly(kept.stall, between), kept.shortest)


def effective_time(kept: Checkpoint, between: Array, restart: Array) -> Array:
    """Share of elapsed time that trains (ETTR, Kokolis et al. 2024, arXiv:2410.21680), 0 to 1.

    At the best interval; without time in a queue.
    """
    return 1 / stretch(best_interval(kept, between), kept, between, restart)


def between_failures(rate: Array, accelerators: Array) -> Array:
    """Mean time between failures of a job, s, from failures per accelerator and second."""
    return np.asarray(1 / (np.asarray(rate) * accelerators))


def slowest(count: Array, spread: Array) -> Array:
    """Time of the slowest of `count` machines over their mean, each with relative `spread`.

    Expected maximum of normal draws by Blom's score, Phi^-1((n - 3/8)/(n + 1/4)) (Blom 1958): a
    synchronous step waits for it.
    """
    number = np.asarray(count, float)
    score = np.vectorize(_score, otypes=[float])((number - 0.375) / (number + 0.25))
    return np.asarray(1 + spread * score)


def _score(share: float) -> float:
    return NormalDist().inv_cdf(share)


CLUSTERS = ("llama3", "rsc1", "rsc2", "opt", "bloom")
"""Published fleets whose failure rates are facts, `training.failures.<name>`."""


def failure_rate(facts: Catalogue, samples: int = 0, cluster: str = "") -> Estimate:
    """Failures that stop a job, 1/(accelerator*h): of a published cluster, else of all of them.

    NoDataError for a cluster that is not on record.
    """
    key = f"training.failures.{cluster}" if cluster else "training.failure_rate"
    return facts.estimate(key, samples)
