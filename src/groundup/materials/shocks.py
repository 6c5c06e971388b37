"""From lost materials to lost months: which part each material holds back, and which floor.

Edges are specific to a material: gallium reaches an accelerator through lasers, power stages and
radio parts, never through CMOS wafers, and no material cuts a floor that does not use it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import ConfigError, NoDataError
from groundup.facts.estimate import Array, Estimate, derived
from groundup.facts.layer import Ask
from groundup.materials.catalogue import STEPS, materials, parts, steps, suppliers, uses
from groundup.materials.market import Shock, served

__all__ = ["FLOORS", "STEPS", "Path", "Shock", "country_shocks", "layer_supply", "paths"]

FLOORS = ("fabs", "chips", "networks", "sites")
"""Floors whose monthly output materials hold back."""
_OPTICAL = ("transceiver", "fibre")


@dataclass(frozen=True)
class Path:
    """How one material holds back one floor."""

    material: str
    """Short name of the material."""
    via: str
    """The part that needs it."""
    layer: str
    """Floor whose output the part holds back."""
    shares: Estimate
    """Share of a normal month's output left, were this the only path; rows = months."""


def country_shocks(
    country: str, lost: float, start: int, months: int, facts: Catalogue
) -> tuple[Shock, ...]:
    """The same loss of everything that one country or firm supplies, as far as it is on record.

    NoDataError where nothing of it is on record.
    """
    found = tuple(
        Shock(name, step, country, lost, start, months)
        for name in materials()
        for step in steps(name, facts)
        if country in suppliers(name, step, facts)
    )
    if not found:
        raise NoDataError(f"no supplier `{country}` on record in any step of any material")
    return found


def paths(
    shocks: Sequence[Shock], ask: Ask, facts: Catalogue, months: int, samples: int = 0
) -> tuple[Path, ...]:
    """Every way by which the shocks reach a floor, the worst first.

    Output of a part = 1 - use x shortage `lag` months before (work in progress still comes out).
    Parts that the plan does not have (optics without a network) hold back nothing. Raises
    ConfigError for less than a month, NoDataError for an unknown material or supplier.
    """
    if months < 1:
        raise ConfigError(f"months = {months!r}; allowed is at least 1")
    found = [
        Path(name, part, floor, share)
        for name in sorted({shock.material for shock in shocks})
        for part, share in _parts_left(name, shocks, ask, facts, months, samples)
        for floor in parts()[part].floors
    ]
    return tuple(sorted(found, key=lambda path: float(path.shares.values.min())))


def layer_supply(
    shocks: Sequence[Shock], ask: Ask, facts: Catalogue, months: int, samples: int = 0
) -> Mapping[str, Estimate]:
    """Share (0 to 1) of a normal month's output that each floor can make; rows = months.

    `supply_left` of all the ways that the shocks take.
    """
    return supply_left(paths(shocks, ask, facts, months, samples), months, samples)


def supply_left(found: Sequence[Path], months: int, samples: int = 0) -> Mapping[str, Estimate]:
    """Share (0 to 1) of a normal month's output that these ways leave each floor; rows = months.

    Leontief: a floor makes what its scarcest part allows, and chips nothing without their dies.
    Keys are `FLOORS`; all 1 where no way leads to a floor.
    """
    left: dict[str, Array] = {floor: np.ones((months, samples + 1)) for floor in FLOORS}
    reached: dict[str, list[Estimate]] = {floor: [] for floor in FLOORS}
    for path in found:
        left[path.layer] = np.minimum(left[path.layer], path.shares.samples)
        reached[path.layer].append(path.shares)
    left["chips"] = np.minimum(left["chips"], left["fabs"])
    return {
        floor: derived(
            left[floor], "1", f"materials.supply.{floor}",
            "the scarcest part's output as a share of a normal month", tuple(reached[floor]),
        )
        for floor in FLOORS
    }  # fmt: skip


def _parts_left(
    name: str, shocks: Sequence[Shock], ask: Ask, facts: Catalogue, months: int, samples: int
) -> list[tuple[str, Estimate]]:
    """Output left of every part that needs a material."""
    there = served(name, shocks, facts, months, samples).samples
    short = _own_stock(1.0 - _outbid(there, ask), ask)
    found = []
    for part in uses(name, facts):
        if not _has(part, ask):
            continue
        use = facts.estimate(f"materials.{name}.use.{part}", samples)
        lag = round(facts.estimate(f"materials.part.{part}.lag").to("month").value)
        share = 1.0 - use.to("1").samples * _later(short, lag)
        label = f"materials.path.{name}.{part}"
        formula = f"1 - use x shortage {lag} months before"
        found.append((part, derived(share, "1", label, formula, (use,))))
    return found


def _outbid(there: Array, ask: Ask) -> Array:
    """Share served to this stack: `material_priority` of what others go short of, if any is left.

    A stack takes little of any market, so that what it outbids others for is hardly missed.
    """
    if "material_priority" not in ask:
        return there
    priority = ask["material_priority"].to("1").samples[..., -1:]
    return np.where(there > 0, there + priority * (1.0 - there), there)


def _own_stock(short: Array, ask: Ask) -> Array:
    """Shortage left after the stack's own stock, in months of its use, is drawn."""
    if "material_stock" not in ask:
        return short
    left = np.broadcast_to(ask["material_stock"].to("month").value, short.shape[1:]).copy()
    after = np.empty_like(short)
    for month in range(len(short)):
        drawn = np.minimum(left, short[month])
        after[month] = short[month] - drawn
        left -= drawn
    return after


def _later(short: Array, lag: int) -> Array:
    """A shortage moved `lag` months later."""
    if lag == 0:
        return short
    pause = np.zeros_like(short[: min(lag, len(short))])
    return np.concatenate([pause, short[: max(0, len(short) - lag)]])


def _has(part: str, ask: Ask) -> bool:
    """Whether the plan has this part; an ask that says nothing of optics is taken to have them."""
    if part in _OPTICAL and "transceivers" in ask:
        return bool(ask["transceivers"].samples.max() > 0)
    return True
