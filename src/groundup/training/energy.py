"""Power of an accelerator in a training step, from what its time goes into, and energy of a run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Array, Estimate
from groundup.training.step_time import StepTime

BUSY = ("matmul", "attention", "pointwise", "recompute", "optimiser")
"""Parts of a step in which the chip computes or streams its memory; in the others it waits."""


@dataclass(frozen=True)
class Draw:
    """Power as shares of the design power; all broadcast with steps."""

    busy: Array
    """While it computes."""
    waiting: Array
    """While it waits inside collectives, transfers or for other stages."""
    idle: Array
    """While nothing runs: checkpoints, restarts."""


def draw_of(facts: Catalogue, samples: int = 0) -> Draw:
    """The facts `training.power.*` as 1 + `samples` draws."""
    return Draw(
        *(
            facts.estimate(f"training.power.{name}", samples).samples
            for name in ("busy", "waiting", "idle")
        )
    )


def busy_share(step: StepTime) -> Array:
    """Share of a step in which the chip computes, 0 to 1."""
    busy = sum(np.asarray(getattr(step, name)) for name in BUSY)
    return np.asarray(busy / step.total)


def step_power(step: StepTime, design_power: Array, draw: Draw) -> Array:
    """Mean power of an accelerator in a step, W: busy and waiting time at their own power."""
    share = busy_share(step)
    return np.asarray(design_power * (share * draw.busy + (1 - share) * draw.waiting))


def run_energy(
    power: Array, design_power: Array, hours: Array, goodput: Array, draw: Draw
) -> Array:
    """Joules of `hours` accelerator-hours, of which a share `goodput` trains and the rest idles.

    Work that is lost and done again counts as training at full power only where `goodput` counts
    it as trained; the rest is taken as idle, so this is a lower bound at bad goodput.
    """
    mean = goodput * np.asarray(power) + (1 - goodput) * design_power * draw.idle
    return np.asarray(mean * np.asarray(hours) * 3600)


def accelerator_energy(hours: Estimate, design_power: Estimate, facts: Catalogue) -> Estimate:
    """Energy of the accelerators alone by the average of published runs, kWh.

    `hours` in accelerator*h, `design_power` in W/accelerator; for runs whose step is not known.
    """
    samples = max(hours.samples.shape[-1], design_power.samples.shape[-1]) - 1
    share = facts.estimate("training.power.average", samples)
    found = (hours * design_power * share).to("kWh")
    return found.named("training.accelerator_energy", "hours x design power x average share")
