"""Floor 7 in the plan: matrix-product speed that training needs against what kernels reach."""

from __future__ import annotations

from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Estimate
from groundup.facts.layer import Ask, LayerPlan
from groundup.frameworks.config import FrameworksConfig
from groundup.systems.accelerator import Accelerator


def demand(config: FrameworksConfig, ask: Ask, facts: Catalogue, samples: int = 0) -> Ask:
    """Kernels ask nothing more of the systems below than training asked for; passed on."""
    return ask


def limit(
    config: FrameworksConfig,
    ask: Ask,
    facts: Catalogue,
    samples: int = 0,
    *,
    chip: Accelerator,
    number_format: str,
) -> LayerPlan:
    """FLOP/s of one accelerator that training needs against its best measured matrix product."""
    needs = ask["training_speed"]
    there, binds = achievable(chip, number_format, facts, samples)
    details: dict[str, Estimate] = {}
    if there is not None:
        share = there / chip.speed(number_format)
        details["kernel_efficiency"] = share.named(
            "frameworks.kernel_efficiency", "achieved / peak"
        )
    return LayerPlan(7, "frameworks", needs, there, binds, details=details)


def achievable(
    chip: Accelerator, number_format: str, facts: Catalogue, samples: int = 0
) -> tuple[Estimate | None, str]:
    """Best matrix product on record for a chip and format, and what that is; None without data."""
    if chip.measured:
        return chip.speed(number_format), f"best {number_format} matrix product"
    key = f"frameworks.matmul.{chip.name}.{number_format}"
    if key not in facts:
        return None, f"no data: measured {number_format} matrix product on {chip.name}"
    return facts.estimate(key, samples), f"best {number_format} matrix product"
