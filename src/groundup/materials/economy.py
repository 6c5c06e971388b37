"""What a stop of Chinese gallium or germanium exports costs the United States in a year.

The question and the published answer are those of Nassar and others 2024, USGS Open-File Report
2024-1057. The model here is smaller: an equilibrium of price and quantity outside China with
constant elasticities, then the value added of the industries that go short, then their buyers.
Nothing was fitted numerically. But the reasoned ranges (elasticities, scrap, idle capacity that is
usable, downstream ratio, sales) were set by people who knew the report's results: agreement shows
that the result is plausible by these paths, it is no independent confirmation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Estimate, exp, given, log, maximum, minimum, total
from groundup.materials.catalogue import material

METALS = ("gallium", "germanium")
"""Metals with a market on record under `materials.<metal>.market`."""
SEMICONDUCTORS = ("radio", "lasers", "leds", "devices")
"""Uses that are semiconductor device manufacturing (NAICS 334413)."""
_REPORT = "after Nassar et al. 2024, USGS OFR 2024-1057; constant elasticities are ours"


@dataclass(frozen=True)
class Restriction:
    """A year without a share of China's exports of one metal."""

    metal: str
    """`gallium` or `germanium`."""
    short: Estimate
    """Share of the supply outside China that is lost after idle capacity is used, 0 to 1."""
    price: Estimate
    """Price after / price before."""
    quantity: Estimate
    """Share of normal use that users outside China go without."""
    direct: Mapping[str, Estimate]
    """Value added that each use loses, USD a year."""
    downstream: Estimate
    """Value added that buyers of those devices lose, USD a year."""
    dearer: Estimate
    """What the metal still bought costs more, USD a year; a transfer, not in the loss."""

    @property
    def loss(self) -> Estimate:
        """Value added lost in the country, USD a year."""
        lost = total([*self.direct.values(), self.downstream])
        return lost.named(f"materials.loss.{self.metal}", "loss of the makers and of their buyers")


def restriction(
    metal: str, facts: Catalogue, samples: int = 0, cut: float | Estimate = 1.0
) -> Restriction:
    """The year of a `cut` (0 to 1) of China's exports; NoDataError without a market on record.

    short = (cut exports - usable idle capacity) / (exports + primary) x (1 - recycled)
    price = (1 - short)^(-1 / (demand + supply elasticity))
    users go without 1 - price^(-demand elasticity); each use loses that share of its value added.
    """
    material(metal)
    short = _short(metal, facts, samples, cut)
    demand = facts.estimate("materials.elasticity.demand", samples)
    supply = facts.estimate("materials.elasticity.supply", samples)
    power = log(1.0 - short) / (demand + supply)
    price = exp(-power).named(f"materials.{metal}.price_ratio", "(1 - short)^(-1/(e_d+e_s))")
    quantity = (1.0 - exp(power * demand)).named(
        f"materials.{metal}.without", "1 - price^(-demand elasticity)", _REPORT
    )
    direct = _direct(metal, quantity, facts, samples)
    buyers = total(direct.values()) * facts.estimate("materials.economy.downstream", samples)
    downstream = buyers.to("USD/year").named(
        f"materials.{metal}.downstream", "loss of the makers x downstream ratio"
    )
    used = facts.estimate(f"materials.{metal}.market.us_use", samples) * (1.0 - quantity)
    dearer = used * facts.estimate(f"materials.{metal}.market.price", samples) * (price - 1.0)
    return Restriction(
        metal, short, price, quantity, direct, downstream,
        dearer.to("USD/year").named(f"materials.{metal}.dearer", "use left x price rise"),
    )  # fmt: skip


def semiconductor_share(restrictions: tuple[Restriction, ...]) -> Estimate:
    """Share of the whole loss that semiconductor device makers bear, 0 to 1."""
    devices = [
        lost for r in restrictions for use, lost in r.direct.items() if use in SEMICONDUCTORS
    ]
    whole = total([r.loss for r in restrictions])
    return (total(devices) / whole).to("1").named("materials.loss.semiconductors")


def joint_loss(restrictions: tuple[Restriction, ...]) -> Estimate:
    """Loss of several restrictions at once, USD a year: their sum, for they share no use."""
    return total([r.loss for r in restrictions]).named("materials.loss.joint")


def _short(metal: str, facts: Catalogue, samples: int, cut: float | Estimate) -> Estimate:
    """Share of the metal supply outside China that is gone, idle capacity and scrap counted."""
    market = f"materials.{metal}.market"
    exports = facts.estimate(f"{market}.exports", samples)
    primary = facts.estimate(f"{market}.primary", samples)
    idle = facts.estimate(f"{market}.capacity", samples) - primary
    idle = maximum(idle, given(0.0, "t/year", "no idle capacity"))
    gone = exports * cut - idle * facts.estimate("materials.elasticity.usable", samples)
    gone = maximum(gone, given(0.0, "t/year", "nothing is gone"))
    virgin = 1.0 - facts.estimate(f"{market}.recycled", samples)
    short = (gone / (exports + primary)).to("1") * virgin
    return minimum(short, given(0.99, "1", "almost all")).named(
        f"materials.{metal}.short",
        "(exports cut - idle capacity)/(exports + primary) x share that is not from scrap",
        _REPORT,
    )


def _direct(metal: str, quantity: Estimate, facts: Catalogue, samples: int) -> dict[str, Estimate]:
    """Value added lost by use: sales x made in the country x value added x share gone without."""
    prefix = f"materials.{metal}.us."
    names = sorted({key.removeprefix(prefix).split(".")[0] for key in facts.keys(prefix)})
    added = facts.estimate("materials.economy.value_added", samples)
    return {
        name: (
            facts.estimate(f"{prefix}{name}.sales", samples)
            * facts.estimate(f"{prefix}{name}.made", samples)
            * added
            * quantity
        )
        .to("USD/year")
        .named(f"materials.{metal}.loss.{name}", "sales x made here x value added x share without")
        for name in names
    }
