"""The `[chips]` table of a stack file."""

from __future__ import annotations

from dataclasses import dataclass

from groundup.facts.check import in_range


@dataclass(frozen=True)
class ChipsConfig:
    """The accelerator that everything runs on."""

    accelerator: str = "this-machine"
    """Name in the catalogue of chips (`h100-sxm`, `h200-sxm`, `b200`, ...) or `this-machine`,
    which is measured.
    """

    count: int = 1
    """Number of accelerators (for `this-machine`: 1, meaning the whole machine)."""

    usd_per_hour: float | None = None
    """Rental price of one accelerator-hour in US dollars; without it the price is built from capex
    and power.
    """

    def __post_init__(self) -> None:
        in_range("chips.count", self.count, 1)
        if self.usd_per_hour is not None:
            in_range("chips.usd_per_hour", self.usd_per_hour, 0)
