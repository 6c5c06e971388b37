"""The `[chips]` table of a stack file."""

from __future__ import annotations

from dataclasses import dataclass

from groundup.facts.check import in_range
from groundup.facts.errors import ConfigError


@dataclass(frozen=True)
class ChipsConfig:
    """The accelerator that everything runs on."""

    accelerator: str = "this-machine"
    """Name in the catalogue of chips (`h100-sxm`, `h200-sxm`, `b200`, ...) or `this-machine`,
    which is measured, or `designed`, which the keys `design_*` describe.
    """

    count: int = 1
    """Number of accelerators (for `this-machine`: 1, meaning the whole machine)."""

    usd_per_hour: float | None = None
    """Rental price of one accelerator-hour in US dollars; without it the price is built from capex
    and power.
    """

    design_area_mm2: float | None = None
    """`designed` only: area of all compute dies together, mm2; more than a reticle field is cut
    into several dies."""

    design_node: str = "n3"
    """`designed` only: process node class of the compute dies (`n16`, `n12`, `n7`, `n6`, `n5`,
    `n4`, `n3`)."""

    design_clock_ghz: float = 1.8
    """`designed` only: clock of the tensor units, GHz."""

    design_sram_mb: float = 100.0
    """`designed` only: memory on the compute dies, MB; it takes area from arithmetic."""

    design_hbm: str = "hbm3e"
    """`designed` only: generation of the memory stacks (`hbm2e`, `hbm3`, `hbm3e`, `hbm4`)."""

    design_hbm_stacks: int = 8
    """`designed` only: number of memory stacks."""

    design_stack_gb: float | None = None
    """`designed` only: capacity of a stack, GB; without it the generation's usual one."""

    design_link_gb_per_s: float = 1800.0
    """`designed` only: all scale-up links together, both ways, GB/s (NVLink 5 has 1800)."""

    design_tensor_share: float | None = None
    """`designed` only: share of the transistors (memory left out) that are multiply-adds; without
    it what GPUs of that density have (2 to 4 %)."""

    def __post_init__(self) -> None:
        in_range("chips.count", self.count, 1)
        if self.usd_per_hour is not None:
            in_range("chips.usd_per_hour", self.usd_per_hour, 0)
        self._check_design()

    def _check_design(self) -> None:
        if self.accelerator == "designed" and self.design_area_mm2 is None:
            raise ConfigError(
                "chips.design_area_mm2 is not set: a designed accelerator needs the area of its "
                "compute dies, e.g. design_area_mm2 = 814 (allowed: 10 to 50000)"
            )
        if self.design_area_mm2 is not None:
            in_range("chips.design_area_mm2", self.design_area_mm2, 10, 50_000)
        in_range("chips.design_clock_ghz", self.design_clock_ghz, 0.1, 5)
        in_range("chips.design_sram_mb", self.design_sram_mb, 0, 100_000)
        in_range("chips.design_link_gb_per_s", self.design_link_gb_per_s, 0.1)
        in_range("chips.design_hbm_stacks", self.design_hbm_stacks, 0, 64)
        if self.design_stack_gb is not None:
            in_range("chips.design_stack_gb", self.design_stack_gb, 1, 128)
        if self.design_tensor_share is not None:
            in_range("chips.design_tensor_share", self.design_tensor_share, 0.001, 0.5)
