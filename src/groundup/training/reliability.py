"""Failures, checkpoints and the share of time that a training run really trains."""

from __future__ import annotations

from dataclasses import dataclass

from groundup.facts.estimate import Estimate, sqrt

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
