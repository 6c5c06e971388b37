"""Links that fail: how many a day, how many are down at once, what a job and a leaf lose."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Array, Estimate, derived


def per_day(count: Estimate, facts: Catalogue, samples: int = 0) -> Estimate:
    """Failures of links between accelerators and leaves a day, one link an accelerator."""
    life = facts.estimate("networks.link.lifetime", samples)
    rate = count.to("accelerator").samples / life.to("day").samples
    text = "links / mean time to failure"
    return derived(rate, "failure/day", "networks.link_failures", text, (count, life))


def down_at_once(failures_a_day: Estimate, facts: Catalogue, samples: int = 0) -> Estimate:
    """Links out of service at any time: failures x time to repair (J. Little, 1961)."""
    repair = facts.estimate("networks.repair.time", samples)
    waiting = (failures_a_day * repair).to("failure")
    return waiting.named("networks.links_down", "failures a day x time to repair")


def interruption_rate(facts: Catalogue, samples: int = 0) -> Estimate:
    """Interruptions of a synchronous job by switch or cable, per accelerator and hour (Llama 3)."""
    happened = facts.estimate("networks.llama3.network_interruptions", samples)
    time = facts.estimate("networks.llama3.days", samples).to("h")
    return happened / (facts.estimate("networks.llama3.accelerators", samples) * time)


def first_failure_hours(links: ArrayLike, lifetime_hours: ArrayLike) -> Array:
    """Mean hours until the first of many independent links fails: lifetime / links.

    100 000 links of five years: 26 minutes.
    """
    return np.asarray(np.asarray(lifetime_hours, float) / np.asarray(links, float))


_COVERED = 0.99
"""Probability that the spares last until they are restocked."""
_SERIES = 500.0
"""A Poisson series is summed up to this mean; e^-mean is no longer a double beyond 745."""
_QUANTILE = 2.326
"""Standard normal quantile of 99 %, for larger means."""


def spares(failures_a_day: float, restock_days: float) -> int:
    """Fewest spares that meet a Poisson demand until restocking in 99 of 100 cases."""
    mean = failures_a_day * restock_days
    if mean > _SERIES:
        return math.ceil(mean + _QUANTILE * math.sqrt(mean))
    count, term = 0, math.exp(-mean)
    total = term
    while total < _COVERED:
        count += 1
        term *= mean / count
        total += term
    return count


def leaf_capacity(uplinks: ArrayLike, failed: ArrayLike) -> Array:
    """Share of a leaf's bandwidth upwards that is left; the whole job runs at its worst leaf."""
    up = np.asarray(uplinks, float)
    return np.asarray(np.maximum(up - np.asarray(failed, float), 0) / up)
