"""One material's market month by month: what is lost, stocks, idle capacity, substitutes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from groundup.facts.catalogue import Catalogue
from groundup.facts.check import suggest
from groundup.facts.errors import ConfigError, NoDataError
from groundup.facts.estimate import Array, Estimate, derived
from groundup.materials.catalogue import STEPS, material, property_of, steps, suppliers

_BALANCE = (
    "share of the use that is served: what is made + idle capacity coming on line + stock, "
    "the rest by substitutes"
)


@dataclass(frozen=True)
class Shock:
    """A supplier loses a share of its output for some months."""

    material: str
    """Short name of the material."""
    step: str
    """`mining`, `refining`, `production` or `share`."""
    supplier: str
    """Country or company, the last word of its fact's key."""
    lost: float
    """Share of the supplier's output that is lost, 0 to 1."""
    start: int
    """First month of the loss, 0 for the month of the order."""
    months: int
    """How long it lasts."""

    def __post_init__(self) -> None:
        name = f"shock of {self.material}"
        if self.step not in STEPS:
            raise ConfigError(f"{name}: step {self.step!r}; allowed is one of: {', '.join(STEPS)}")
        if not 0 <= self.lost <= 1:
            raise ConfigError(f"{name}: lost = {self.lost!r}; allowed is 0 to 1")
        if self.start < 0 or self.months < 0:
            raise ConfigError(
                f"{name}: start = {self.start!r}, months = {self.months!r}; allowed is at least 0"
            )


def served(
    name: str,
    shocks: Sequence[Shock],
    facts: Catalogue,
    months: int,
    samples: int = 0,
) -> Estimate:
    """Share of a material's normal use that is served in each month, rows = months.

    The market makes what is not lost; other suppliers bring idle capacity on line over
    `spare_time`; stocks of `stock` months are drawn before anyone goes short, and filled again
    from what is over; substitutes take over `substitution` of the use in `substitution_time`. Both
    ramps are linear from the first month of loss. A balance of quantities, not of prices; every
    user is cut alike. NoDataError for an unknown material, step or supplier.
    """
    material(name)
    draws = samples + 1
    made = np.ones((months, draws)) - lost_output(name, shocks, facts, months, samples)
    first = _first_month(name, shocks, months)
    spare = _ramped(name, "spare", first, facts, months, samples)
    replaced = _ramped(name, "substitution", first, facts, months, samples)
    stock = property_of(name, "stock", facts, samples).to("month").samples
    delivered = _deliver(made + spare, 1.0 - replaced, np.broadcast_to(stock, (draws,)))
    share = np.minimum(1.0, delivered + replaced)
    return derived(share, "1", f"materials.served.{name}", _BALANCE, ())


def lost_output(
    name: str, shocks: Sequence[Shock], facts: Catalogue, months: int, samples: int = 0
) -> Array:
    """Share of world output lost in each month, shape (months, draws), the worst step counting.

    Losses of several suppliers of one step add, those of one supplier up to its whole share.
    """
    mine = [shock for shock in shocks if shock.material == name]
    lost = np.zeros((months, samples + 1))
    for step in sorted({shock.step for shock in mine}):
        of_step = np.zeros_like(lost)
        for who in sorted({shock.supplier for shock in mine if shock.step == step}):
            cut = np.zeros(months)
            for shock in mine:
                if (shock.step, shock.supplier) == (step, who):
                    cut[shock.start : shock.start + shock.months] += shock.lost
            share = _supplier_share(name, step, who, facts, samples)
            of_step += np.minimum(cut, 1.0)[:, np.newaxis] * share
        lost = np.maximum(lost, np.minimum(of_step, 1.0))
    return lost


def _supplier_share(name: str, step: str, who: str, facts: Catalogue, samples: int) -> Array:
    key = f"materials.{name}.{step}.{who}"
    if key not in facts:
        known = suppliers(name, step, facts)
        near = suggest(who, known)
        there = ", ".join(known) or f"none; steps on record: {', '.join(steps(name, facts))}"
        raise NoDataError(f"no supplier `{key}`; {near}{name} {step} on record: {there}")
    return facts.estimate(key, samples).to("1").samples


def _first_month(name: str, shocks: Sequence[Shock], months: int) -> int:
    """Month in which the first loss begins; `months` where there is none."""
    active = [s.start for s in shocks if s.material == name and s.lost > 0 and s.months > 0]
    return min(active, default=months)


def _ramped(
    name: str, quantity: str, first: int, facts: Catalogue, months: int, samples: int
) -> Array:
    """A share that grows linearly from 0 in month `first` over `<quantity>_time`."""
    level = property_of(name, quantity, facts, samples).to("1").samples
    time = property_of(name, f"{quantity}_time", facts, samples).to("month").samples
    since = np.maximum(0.0, np.arange(months) - first)[:, np.newaxis]
    return np.asarray(level * np.minimum(1.0, since / time))


def _deliver(flow: Array, wanted: Array, stock: Array) -> Array:
    """What reaches users each month out of flow and stock; what is over fills the stock again."""
    delivered = np.empty(np.broadcast_shapes(flow.shape, wanted.shape))
    full, left = stock, np.array(stock, dtype=np.float64)
    for month in range(len(delivered)):
        there = flow[month] + left
        delivered[month] = np.minimum(wanted[month], there)
        left = np.minimum(full, there - delivered[month])
    return delivered
