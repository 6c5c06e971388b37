"""Guard against bad steps: a loss that is not finite or jumps is skipped, and said so."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field
from typing import Any

from groundup.facts.errors import GroundupError

HISTORY = 64
"""Losses that the running median is taken over."""

SIGMAS = 6.0
"""A loss this many standard deviations above the mean of the history is a spike; the value of
OLMo's SkipStep optimisers (allenai/OLMo-core, src/olmo_core/optim/skip_step_optimizer.py)."""

MAX_IN_ROW = 16
"""Skipped steps in a row after which the run is hopeless."""


@dataclass
class Guard:
    """State of the guard; goes into the checkpoint so that a resumed run decides the same."""

    losses: list[float] = field(default_factory=list)
    """The newest accepted losses."""

    skipped: int = 0
    """Steps skipped so far."""

    in_row: int = 0
    """Steps skipped since the last accepted one."""

    def accepts(self, loss: float, gradient_norm: float) -> bool:
        """Whether this step may change the weights; raises GroundupError when too many may not."""
        bad = not math.isfinite(loss) or not math.isfinite(gradient_norm) or self._is_spike(loss)
        if not bad:
            self.losses = [*self.losses, loss][-HISTORY:]
            self.in_row = 0
            return True
        self.skipped += 1
        self.in_row += 1
        if self.in_row > MAX_IN_ROW:
            raise GroundupError(
                f"training: {self.in_row} bad steps in a row (loss {loss:g}, gradient norm "
                f"{gradient_norm:g}); lower the learning rate or use frameworks.dtype = 'float32'"
            )
        return False

    def _is_spike(self, loss: float) -> bool:
        if len(self.losses) < HISTORY:
            return False
        spread = max(statistics.stdev(self.losses), 0.01 * abs(statistics.fmean(self.losses)))
        return loss > statistics.fmean(self.losses) + SIGMAS * spread

    def state_dict(self) -> dict[str, Any]:
        """Plain values for a checkpoint."""
        return {"losses": self.losses, "skipped": self.skipped, "in_row": self.in_row}
