"""The `[materials]` table of a stack file."""

from __future__ import annotations

from dataclasses import dataclass

from groundup.facts.check import in_range


@dataclass(frozen=True)
class MaterialsConfig:
    """What the stack assumes of the supply of raw materials."""

    share_of_world_supply: float = 0.01
    """Largest share of a year's world output of any material this stack may take (0 to 1)."""
    priority: float = 0.0
    """How far makers of this stack's parts outbid others in a shortage: 0 all are cut alike, 1
    they are served first (0 to 1)."""
    stock_months: float = 0.0
    """Months of every material that this stack's makers hold on top of what the market holds."""

    def __post_init__(self) -> None:
        in_range("materials.share_of_world_supply", self.share_of_world_supply, 0, 1)
        in_range("materials.priority", self.priority, 0, 1)
        in_range("materials.stock_months", self.stock_months, 0, 120)
