"""The `[inference]` table of a stack file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class InferenceConfig:
    """How the trained model is served."""

    quantise: str = "int8"
    """`int8` (weights, one scale per output row) or `none`; the plan also prices `fp8`."""

    prompt_tokens: int = 400
    """Mean tokens of a prompt, for the plan."""

    output_tokens: int = 120
    """Mean tokens of an answer, for the plan."""

    accelerators_per_replica: int = 1
    """Accelerators that hold one copy of the model when serving, for the plan."""

    batch: int = 1
    """Requests decoded together on one replica, for the plan."""
