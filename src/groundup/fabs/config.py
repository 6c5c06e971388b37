"""The `[fabs]` table of a stack file."""

from __future__ import annotations

from dataclasses import dataclass

from groundup.facts.check import in_range


@dataclass(frozen=True)
class FabsConfig:
    """Which share of the world's leading-edge capacity this stack can book."""

    share_of_capacity: float = 0.05
    """Share of the node's and the packaging lines' yearly capacity that can be booked (0 to 1)."""

    order_months: float = 12.0
    """Months between the order and the last delivered accelerator."""

    def __post_init__(self) -> None:
        in_range("fabs.share_of_capacity", self.share_of_capacity, 1e-9, 1)
        in_range("fabs.order_months", self.order_months, 0.1)
