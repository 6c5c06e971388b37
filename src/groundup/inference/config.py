"""The `[inference]` table of a stack file."""

from __future__ import annotations

from dataclasses import dataclass

from groundup.facts.check import in_range, one_of


@dataclass(frozen=True)
class InferenceConfig:
    """How the trained model is served."""

    quantise: str = "int8"
    """`int8` (weights, one scale per output row) or `none`; the plan also prices `fp8`."""

    prompt_tokens: int = 384
    """Mean tokens of a prompt, for the plan."""

    output_tokens: int = 120
    """Mean tokens of an answer, for the plan."""

    accelerators_per_replica: int = 1
    """Accelerators that hold one copy of the model when serving, for the plan."""

    batch: int = 1
    """Requests decoded together on one replica, for the plan."""

    def __post_init__(self) -> None:
        one_of("inference.quantise", self.quantise, ("none", "int8", "fp8"))
        in_range("inference.prompt_tokens", self.prompt_tokens, 1)
        in_range("inference.output_tokens", self.output_tokens, 1)
        in_range("inference.accelerators_per_replica", self.accelerators_per_replica, 1)
        in_range("inference.batch", self.batch, 1)
