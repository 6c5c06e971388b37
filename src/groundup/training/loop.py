"""The trainer: one loop for every model, exact to resume, and on time.

A step reads batch(step), which must be a pure function of the step, so nothing but the step number
is needed to go on where a killed run stopped; the weights after it are bit for bit the same.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from groundup.facts.errors import ArtifactError
from groundup.training.checkpoint import read_checkpoint, remove_checkpoints, write_checkpoint
from groundup.training.guard import Guard
from groundup.training.metrics import MetricsFile
from groundup.training.optim import Optimisers
from groundup.training.schedule import Schedule

Batch = TypeVar("Batch")
Model = TypeVar("Model", bound=nn.Module)
Progress = Callable[[str, float, float], None]


@dataclass(frozen=True)
class TrainSettings:
    """How to train, apart from what."""

    schedule: Schedule
    """Steps and learning-rate factor."""

    tokens_per_step: int
    """Tokens (or examples) of one step, for rates and progress."""

    label: str = "train"
    """Name of the run in progress lines."""

    identity: str = ""
    """Fingerprint of everything that fixes the run; a checkpoint with another is refused."""

    clip: float = 1.0
    """Largest gradient norm; longer gradients are scaled down to it."""

    checkpoint_seconds: float = 20.0
    """Seconds between two checkpoints."""

    max_seconds: float | None = None
    """Training time after which the decay must have ended: when the machine is slower than
    planned the decay starts early instead of the run ending late."""


def train(
    model: Model,
    loss: Callable[[Model, Batch], Tensor],
    batch: Callable[[int], Batch],
    optimisers: Optimisers,
    settings: TrainSettings,
    out: Path,
    progress: Progress,
) -> dict[str, float | int | str]:
    """Train `model` in place and return the metrics; goes on from a checkpoint in `out`.

    `loss(model, batch)` gives a scalar in nats. Writes metrics.jsonl and checkpoints under `out`.
    After the last step the checkpoint stays until `finish` removes it, so a caller that is killed
    while it writes its result does not train again. KeyboardInterrupt leaves a checkpoint.
    Raises ArtifactError when the checkpoint belongs to another run.
    """
    run = _Run(model, loss, batch, optimisers, settings, out, progress)
    run.restore()
    model.train()
    try:
        while run.step < run.schedule.steps:
            run.advance()
    except KeyboardInterrupt:
        run.save()
        raise
    run.save()
    run.metrics.close()
    return run.summary()


def finish(out: Path) -> None:
    """Remove the checkpoints once the result of the run is safely on disk."""
    remove_checkpoints(out)


HURRY = 0.9
"""Share of `max_seconds` after which a decay that is too slow is cut short."""


class _Run(Generic[Model, Batch]):
    """Everything that changes while training."""

    def __init__(
        self,
        model: Model,
        loss: Callable[[Model, Batch], Tensor],
        batch: Callable[[int], Batch],
        optimisers: Optimisers,
        settings: TrainSettings,
        out: Path,
        progress: Progress,
    ) -> None:
        self.model, self.loss, self.batch = model, loss, batch
        self.optimisers, self.settings = optimisers, settings
        self.out, self.progress = out, progress
        self.schedule, self.guard = settings.schedule, Guard()
        self.step, self.seconds, self.recent, self.pace = 0, 0.0, 0.0, 0.0
        self.shortened = False
        self.saved_at = time.perf_counter()
        out.mkdir(parents=True, exist_ok=True)
        self.metrics = MetricsFile(out / "metrics.jsonl")

    def advance(self) -> None:
        """One step: batch, loss, gradient, guard, update, metrics, perhaps a checkpoint."""
        start = time.perf_counter()
        factor = self.schedule.factor(self.step)
        self.optimisers.set_factor(factor)
        value = self.loss(self.model, self.batch(self.step))
        value.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip)
        loss, gradient_norm = float(value.detach()), float(norm)
        accepted = self.guard.accepts(loss, gradient_norm)
        if accepted:
            self.optimisers.step()
        self.optimisers.zero_grad()
        self.step += 1
        spent = time.perf_counter() - start
        self.seconds += spent
        self._report(loss, gradient_norm, factor, spent, accepted)
        self._keep_time(spent)
        if time.perf_counter() - self.saved_at >= self.settings.checkpoint_seconds:
            self.save()

    def _report(
        self, loss: float, norm: float, factor: float, spent: float, accepted: bool
    ) -> None:
        tokens = self.settings.tokens_per_step
        self.recent = loss if self.step == 1 else 0.95 * self.recent + 0.05 * loss
        self.metrics.write(
            {
                "step": self.step,
                "seconds": round(self.seconds, 4),
                "loss": loss,
                "tokens": self.step * tokens,
                "tokens_per_s": round(tokens / spent, 1),
                "learning_rate_factor": round(factor, 6),
                "gradient_norm": round(norm, 5),
                "skipped": 0 if accepted else 1,
            }
        )
        label = f"{self.settings.label}, loss {self.recent:.3f}"
        self.progress(label, self.step * tokens, self.schedule.steps * tokens)

    def _keep_time(self, spent: float) -> None:
        """End by `max_seconds`: begin the decay early, and hurry its end where that is too late."""
        limit, s = self.settings.max_seconds, self.schedule
        self.pace = 0.9 * self.pace + 0.1 * spent if self.pace else spent
        if limit is None or self.step < 5:
            return
        if self.step < s.steps - s.decay:
            self._begin_decay(limit, self.seconds / self.step)
        elif self.seconds >= HURRY * limit and self.step < s.steps:
            self._hurry_decay(limit)

    def _begin_decay(self, limit: float, pace: float) -> None:
        """Start the decay now when the planned one, at the mean pace, would end after `limit`."""
        s = self.schedule
        if not self.shortened and self.seconds + (s.decay + 1) * pace >= limit:
            left = max(1, min(s.decay, int((limit - self.seconds) / pace)))
            warmup = min(s.warmup, self.step)
            self.schedule = replace(s, steps=self.step + left, warmup=warmup, decay=left)
            self.shortened = True

    def _hurry_decay(self, limit: float) -> None:
        """Let the rate fall on from where it is, but in the steps that the recent pace allows.

        Only near the end: a slow moment before that may pass, and what is cut is not taken back.
        """
        s, planned = self.schedule, self.schedule.steps - self.step
        left = max(1, int((limit - self.seconds) / self.pace))
        if left < planned:
            steps = self.step + left
            decay = min(steps, max(left, math.ceil(left / s.factor(self.step)) - 1))
            self.schedule = replace(
                s, steps=steps, warmup=min(s.warmup, steps - decay), decay=decay
            )
            self.shortened = True

    def save(self) -> None:
        """Write a checkpoint of the state after the last finished step."""
        self.metrics.flush()
        write_checkpoint(
            self.out,
            {
                "identity": self.settings.identity,
                "step": self.step,
                "seconds": self.seconds,
                "recent": self.recent,
                "end": [self.schedule.steps, self.schedule.warmup, self.schedule.decay],
                "guard": self.guard.state_dict(),
                "model": self.model.state_dict(),
                "optimisers": self.optimisers.state_dict(),
                "generator": torch.get_rng_state(),
            },
        )
        self.saved_at = time.perf_counter()

    def restore(self) -> None:
        """Go on from the newest checkpoint; without one, start at step 0."""
        state = read_checkpoint(self.out)
        if state is None:
            self.metrics.keep_through(0)
            return
        if state["identity"] != self.settings.identity:
            raise ArtifactError(
                f"{self.out}: its checkpoint is of another run ({state['identity']!r}, wanted "
                f"{self.settings.identity!r}); delete the directory or choose another"
            )
        self._take(state)
        self.metrics.keep_through(self.step)

    def _take(self, state: dict[str, Any]) -> None:
        self.step, self.seconds, self.recent = state["step"], state["seconds"], state["recent"]
        steps, warmup, decay = state["end"]
        self.shortened = steps != self.schedule.steps
        self.schedule = replace(self.schedule, steps=steps, warmup=warmup, decay=decay)
        self.guard = Guard(**state["guard"])
        self.model.load_state_dict(state["model"])
        self.optimisers.load_state_dict(state["optimisers"])
        torch.set_rng_state(state["generator"])

    def summary(self) -> dict[str, float | int | str]:
        """Flat metrics of the whole run."""
        tokens = self.step * self.settings.tokens_per_step
        return {
            "steps": self.step,
            "tokens": tokens,
            "seconds": round(self.seconds, 3),
            "tokens_per_s": round(tokens / self.seconds, 1) if self.seconds else 0.0,
            "loss": round(self.recent, 5),
            "skipped_steps": self.guard.skipped,
            "shortened": int(self.shortened),
        }
