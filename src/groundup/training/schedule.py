"""Learning-rate schedule: warm up, stay, decay (WSD)."""

from __future__ import annotations

from dataclasses import dataclass

from groundup.facts.errors import ConfigError


@dataclass(frozen=True)
class Schedule:
    """Factor of the peak learning rate over a run of `steps` steps.

    Linear warm-up, a plateau, then a linear decay to `floor`. The plateau does not depend on the
    end, so a run can be ended early by starting the decay now (Hu et al. 2024, arXiv:2404.06395;
    Hägele et al. 2024, arXiv:2405.18392).
    """

    steps: int
    """Optimiser steps in all."""

    warmup: int = 0
    """Steps of linear warm-up."""

    decay: int = 0
    """Steps of linear decay at the end."""

    floor: float = 0.0
    """Factor that the decay ends at."""

    def __post_init__(self) -> None:
        if self.steps < 1 or self.warmup < 0 or self.decay < 0:
            raise ConfigError(f"schedule {self}: steps must be at least 1, the others at least 0")
        if self.warmup + self.decay > self.steps:
            raise ConfigError(f"schedule {self}: warmup + decay must not exceed steps")

    def factor(self, step: int) -> float:
        """Factor of step `step` (the first is 0), in (0, 1]."""
        rising = (step + 1) / self.warmup if step < self.warmup else 1.0
        left = self.steps - step
        falling = left / (self.decay + 1) if left <= self.decay else 1.0
        return min(rising, self.floor + (1 - self.floor) * falling)


def plan_schedule(steps: int, warmup: float = 0.02, decay: float = 0.4) -> Schedule:
    """A schedule with warm-up and decay given as shares of `steps`."""
    return Schedule(steps, int(steps * warmup), int(steps * decay))
