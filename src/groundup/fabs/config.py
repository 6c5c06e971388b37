"""The `[fabs]` table of a stack file."""

from __future__ import annotations

from dataclasses import dataclass

from groundup.fabs.yields import MODELS
from groundup.facts.check import in_range, one_of

REGIONS = ("us", "europe", "southeast-asia", "taiwan")
"""Regions for which the time to build a fab is on record with its permits."""


@dataclass(frozen=True)
class FabsConfig:
    """When the chips are ordered, and which share of the world's lines this stack can book."""

    share_of_capacity: float = 0.05
    """Share of the node's and the packaging lines' yearly capacity that can be booked (0 to 1)."""

    order_months: float = 12.0
    """Months during which the booked lines make the order."""

    order_date: float = 2026.0
    """Decimal year of the order (2026.5 is July 2026): prices, defects and capacity are of then."""

    queue_months: float = 0.0
    """Months that the order waits before its first wafer starts."""

    yield_model: str = "negative-binomial"
    """Yield model: `negative-binomial`, `poisson`, `murphy`, `seeds`, `seeds-root` or
    `bose-einstein`.
    """

    region: str = "taiwan"
    """Where a fab for this order would be built: `us`, `europe`, `southeast-asia`, `taiwan`."""

    def __post_init__(self) -> None:
        in_range("fabs.share_of_capacity", self.share_of_capacity, 1e-9, 1)
        in_range("fabs.order_months", self.order_months, 0.1)
        in_range("fabs.order_date", self.order_date, 2015, 2040)
        in_range("fabs.queue_months", self.queue_months, 0)
        one_of("fabs.yield_model", self.yield_model, MODELS)
        one_of("fabs.region", self.region, REGIONS)
