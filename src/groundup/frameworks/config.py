"""The `[frameworks]` table of a stack file."""

from __future__ import annotations

from dataclasses import dataclass

from groundup.facts.check import in_range, one_of


@dataclass(frozen=True)
class FrameworksConfig:
    """Device, number format and determinism, decided in one place."""

    device: str = "auto"
    """`auto`, `cpu` or `cuda`."""

    dtype: str = "auto"
    """`auto` (bfloat16 where the device has it), `bfloat16` or `float32`."""

    threads: int = 0
    """CPU threads for tensor work; 0 takes one per usable core, or a single one where a short test
    finds that faster (on a busy machine)."""

    seed: int = 20260101
    """Seed of every random generator of a run."""

    def __post_init__(self) -> None:
        one_of("frameworks.device", self.device, ("auto", "cpu", "cuda"))
        one_of("frameworks.dtype", self.dtype, ("auto", "bfloat16", "float32"))
        in_range("frameworks.threads", self.threads, 0)
