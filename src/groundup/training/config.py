"""The `[training]` table of a stack file."""

from __future__ import annotations

from dataclasses import dataclass

from groundup.facts.check import in_range, one_of


@dataclass(frozen=True)
class TrainingConfig:
    """Optimiser, layout and safety of a training run."""

    optimiser: str = "muon"
    """`muon` (matrices by Muon, the rest by AdamW) or `adamw`."""

    precision: str = "bf16"
    """Number format of matrix products that the plan prices: `bf16` or `fp8`."""

    tensor_parallel: int = 1
    """Accelerators that share one layer's matrices."""

    pipeline_parallel: int = 1
    """Stages that the layers are cut into."""

    context_parallel: int = 1
    """Accelerators that share one sequence."""

    batch_tokens: int = 0
    """Tokens of one optimiser step; 0 lets the recipe choose."""

    sequence: int = 0
    """Tokens of one training sequence; 0 lets the recipe choose."""

    checkpoint_seconds: float = 20.0
    """Seconds between two checkpoints of a run on this machine."""

    deadline_days: float | None = None
    """Days within which training must end; the planner compares it with what the layers allow."""

    def __post_init__(self) -> None:
        one_of("training.optimiser", self.optimiser, ("muon", "adamw"))
        one_of("training.precision", self.precision, ("bf16", "fp8"))
        in_range("training.tensor_parallel", self.tensor_parallel, 1)
        in_range("training.pipeline_parallel", self.pipeline_parallel, 1)
        in_range("training.context_parallel", self.context_parallel, 1)
        in_range("training.batch_tokens", self.batch_tokens, 0)
        in_range("training.sequence", self.sequence, 0)
        in_range("training.checkpoint_seconds", self.checkpoint_seconds, 0.1)
        if self.deadline_days is not None:
            in_range("training.deadline_days", self.deadline_days, 0)
