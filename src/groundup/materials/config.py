"""The `[materials]` table of a stack file."""

from __future__ import annotations

from dataclasses import dataclass

from groundup.facts.check import in_range


@dataclass(frozen=True)
class MaterialsConfig:
    """What the stack assumes of the supply of raw materials."""

    share_of_world_supply: float = 0.01
    """Largest share of a year's world output of any material this stack may take (0 to 1)."""

    def __post_init__(self) -> None:
        in_range("materials.share_of_world_supply", self.share_of_world_supply, 0, 1)
