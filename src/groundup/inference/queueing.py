"""Closed forms of queues, as first guesses and as oracles of the simulation.

All take arrivals a second and seconds, return seconds, and broadcast over numpy arrays. A queue
whose load is 1 or more has no steady state: the answer is infinity, never a number.
Sources: Kleinrock, Queueing Systems vol. 1 (1975), chapters 3 and 5; Harchol-Balter, Performance
Modeling and Design of Computer Systems (2013), chapters 6, 14, 20, 23, 30.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def _steady(load: Array, value: Array) -> Array:
    """`value` where the load is below 1, else infinity."""
    return np.asarray(np.where(load < 1.0, value, np.inf))


def mm1_wait(rate: ArrayLike, service: ArrayLike) -> Array:
    """Mean wait before service in M/M/1: rho s / (1 - rho) (Kleinrock 3.2)."""
    return mg1_wait(rate, service, 1.0)


def md1_wait(rate: ArrayLike, service: ArrayLike) -> Array:
    """Mean wait before service in M/D/1: rho s / (2 (1 - rho))."""
    return mg1_wait(rate, service, 0.0)


def mg1_wait(rate: ArrayLike, service: ArrayLike, variation: ArrayLike) -> Array:
    """Mean wait before service in M/G/1: rho s (1 + c^2) / (2 (1 - rho)).

    Pollaczek and Khinchine (Kleinrock eq. 5.72); `variation` is the coefficient of variation of
    the service times.
    """
    rate, service = np.asarray(rate, float), np.asarray(service, float)
    load = rate * service
    with np.errstate(divide="ignore", invalid="ignore"):
        wait = load * service * (1 + np.asarray(variation, float) ** 2) / (2 * (1 - load))
    return _steady(load, wait)


def mm1_wait_quantile(rate: float, service: float, share: float) -> float:
    """Wait that `share` of the requests of M/M/1 stay below: P(W > t) = rho e^(-(1 - rho) t / s).

    Kleinrock section 5.9; 0 where `share` of them do not wait at all.
    """
    load = rate * service
    if load >= 1:
        return float("inf")
    return max(0.0, float(np.log(load / (1 - share)) * service / (1 - load))) if load else 0.0


def mg1_ps_stay(rate: ArrayLike, service: ArrayLike) -> Array:
    """Mean stay in M/G/1 with processor sharing: s / (1 - rho), whatever the distribution.

    Kleinrock, Queueing Systems vol. 2 (1976), section 4.4. A decoding step whose time is
    proportional to its batch is such a queue.
    """
    rate, service = np.asarray(rate, float), np.asarray(service, float)
    load = rate * service
    with np.errstate(divide="ignore", invalid="ignore"):
        return _steady(load, service / (1 - load))


def erlang_c(rate: float, service: float, servers: int) -> float:
    """Chance that an arrival of M/M/c waits (Erlang's C formula); 1 from full load on.

    Through the recursion of Erlang's B, B(k) = a B(k-1) / (k + a B(k-1)), which stays finite for
    thousands of servers.
    """
    offered = rate * service
    if offered >= servers:
        return 1.0
    blocked = 1.0
    for count in range(1, servers + 1):
        blocked = offered * blocked / (count + offered * blocked)
    load = offered / servers
    return blocked / (1 - load * (1 - blocked))


def mmc_wait(rate: float, service: float, servers: int) -> float:
    """Mean wait before service in M/M/c: C(c, a) s / (c - a)."""
    offered = rate * service
    if offered >= servers:
        return float("inf")
    return erlang_c(rate, service, servers) * service / (servers - offered)


def kingman_wait(
    rate: ArrayLike, service: ArrayLike, arrivals: ArrayLike, services: ArrayLike
) -> Array:
    """Approximate mean wait in G/G/1: rho s / (1 - rho) (ca^2 + cs^2) / 2 (Kingman 1961).

    `arrivals` and `services` are coefficients of variation; exact for M/G/1, an upper estimate
    near saturation for others.
    """
    spread = (np.asarray(arrivals, float) ** 2 + np.asarray(services, float) ** 2) / 2
    return np.asarray(mm1_wait(rate, service) * spread)


def gather_wait(rate: ArrayLike, step: ArrayLike) -> Array:
    """Mean wait for the next step of a server that takes all who came during the last one.

    Service in batches without a limit and steps of constant length: an arrival of a busy server
    waits half a step (Harchol-Balter chapter 23, residual life of a constant).
    """
    return np.asarray(np.asarray(step, float) / 2 + 0.0 * np.asarray(rate, float))


def littles_number(rate: ArrayLike, stay: ArrayLike) -> Array:
    """Mean number in any stable system: arrivals a second x mean stay (Little 1961)."""
    return np.asarray(np.asarray(rate, float) * np.asarray(stay, float))


def steady_batch(
    rate: float, rounds: float, step: float, per_request: float, reading: float
) -> float:
    """Requests that decode together at a load, where every step takes `step` + B x `per_request`.

    Little's law around the decoder: B = rate x rounds x T, with steps stretched by the time that
    reading prompts takes of every second, T = (step + B per_request) / (1 - rate x reading).
    Infinity where no batch keeps up with the load.
    """
    free = 1 - rate * reading
    left = free - rate * rounds * per_request
    return rate * rounds * step / left if free > 0 and left > 0 else float("inf")
