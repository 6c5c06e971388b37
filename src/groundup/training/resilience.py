"""What failures, checkpoints, spares and slow machines cost a planned run."""

from __future__ import annotations

import numpy as np

from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Array, Estimate, derived, given
from groundup.facts.layer import Ask
from groundup.training.config import TrainingConfig
from groundup.training.failures import (
    Checkpoint,
    asynchronous,
    best_interval,
    between_failures,
    blocking,
    effective_time,
    in_memory,
    slowest,
)
from groundup.training.spares import out_for_repair, spares

_DALY = "Daly 2006, FGCS 22(3):303, equations 20 and 37"
_SHORT = 0.01
"""Share of the time in which spares may be short."""


def with_resilience(
    config: TrainingConfig,
    ask: Ask,
    accelerators: Estimate,
    productive: Estimate,
    facts: Catalogue,
    samples: int = 0,
) -> Ask:
    """The ask with failures, checkpoints, the share of the time that trains, and spares.

    `productive` are the accelerator-hours without failures; hands down `goodput`, `failures`,
    `between_failures`, `checkpoint_size`, `checkpoint_write`, `checkpoint_interval`,
    `spare_accelerators`.
    """
    rate = facts.estimate("training.failure_rate", samples)
    restart = facts.estimate("training.restart", samples)
    size = (facts.estimate("training.checkpoint_bytes", samples) * ask["parameters"]).to("TB")
    size = size.named("training.checkpoint_size", "bytes of a parameter's states x parameters")
    count = accelerators.to("accelerator").samples
    between = derived(
        between_failures(rate.to("1/(accelerator*s)").samples, count) / 3600, "h",
        "training.between_failures", "1 / (failure_rate x accelerators)", (rate, accelerators),
    )  # fmt: skip
    kept, inputs = checkpoint(config, size, count, facts, samples)
    seconds = between.samples * 3600
    write = derived(kept.stall, "s", "training.checkpoint_write",
                    f"time that training stands still for a checkpoint ({config.checkpoint})",
                    (size, accelerators, *inputs))  # fmt: skip
    interval = derived(
        best_interval(kept, seconds) / 60, "min", "training.checkpoint_interval",
        "best interval for write and between_failures", (write, between), _DALY,
    )  # fmt: skip
    share = derived(
        effective_time(kept, seconds, restart.to("s").samples), "1", "training.goodput",
        "useful over elapsed time: checkpoints, work done again, restarts",
        (write, interval, between, restart), _DALY,
    )  # fmt: skip
    return ask.with_(
        goodput=share,
        checkpoint_interval=interval,
        checkpoint_write=write,
        checkpoint_size=size,
        between_failures=between,
        failures=(rate * productive / share).named("training.failures", "rate x hours"),
        spare_accelerators=spare(accelerators, rate, facts),
    )


def checkpoint(
    config: TrainingConfig, size: Estimate, count: Array, facts: Catalogue, samples: int
) -> tuple[Checkpoint, tuple[Estimate, ...]]:
    """Seconds of the stack's way of keeping checkpoints, and the rates behind them."""
    store = facts.estimate("training.checkpoint_bandwidth", samples)
    host = facts.estimate("training.host.rate", samples)
    whole = size.to("byte").samples
    to_store = store.to("byte/(s*accelerator)").samples * count
    to_host = host.to("byte/s").samples * count
    if config.checkpoint == "blocking":
        return blocking(whole, to_store), (store,)
    if config.checkpoint == "in-memory":
        return in_memory(whole, to_host, to_host), (host,)
    return asynchronous(whole, to_host, to_store), (host, store)


def spare(accelerators: Estimate, rate: Estimate, facts: Catalogue) -> Estimate:
    """Accelerators that must stand ready so that failed ones are hardly ever missed (nominal)."""
    repair, away = (
        facts.estimate("training.repair.away"),
        facts.estimate("training.repair.share_away"),
    )
    out = out_for_repair(
        rate.to("1/(accelerator*h)").samples[..., :1] * away.samples,
        accelerators.to("accelerator").samples[..., :1],
        repair.to("h").samples,
    )
    return derived(
        spares(out, _SHORT), "accelerator", "training.spare_accelerators",
        "99 % quantile of those out for repair: Poisson with mean rate x share x count x repair",
        (rate, accelerators, repair, away),
    )  # fmt: skip


def straggling(used: float, facts: Catalogue, samples: int = 0) -> Estimate:
    """How much longer the slowest of the job's accelerators takes than of the fitted runs'.

    The step-time laws were fitted to smaller jobs, whose slowest machine they contain.
    """
    spread = facts.estimate("training.stragglers.spread", samples)
    fitted = facts.estimate("training.stragglers.fitted_at")
    many = np.asarray([max(used, 1.0)])
    ratio = slowest(many, spread.samples) / slowest(fitted.samples, spread.samples)
    return derived(
        np.maximum(ratio, 1.0), "1", "training.straggling",
        "slowest of the job's accelerators over slowest of the fitted runs'",
        (spread, fitted, given(used, "accelerator", "accelerators of the layout", "layout")),
    )  # fmt: skip
