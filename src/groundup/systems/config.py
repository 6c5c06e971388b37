"""The `[systems]` table of a stack file."""

from __future__ import annotations

from dataclasses import dataclass

from groundup.facts.check import one_of


@dataclass(frozen=True)
class SystemsConfig:
    """How work is launched on the machines and how its energy is read."""

    launcher: str = "local"
    """`local`, `torchrun`, `slurm` or `kubernetes`; only `local` is run by this release."""

    energy: str = "auto"
    """`auto` (RAPL when readable, else an estimate that says so), `rapl` or `estimate`."""

    def __post_init__(self) -> None:
        one_of("systems.launcher", self.launcher, ("local", "torchrun", "slurm", "kubernetes"))
        one_of("systems.energy", self.energy, ("auto", "rapl", "estimate"))
