"""What one good die costs: wafer price over good dies, for checking published module costs."""

from __future__ import annotations

from groundup.fabs.dies import gross_dies, negative_binomial_yield
from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Estimate, derived, given


def die_cost(area: Estimate, node: str, facts: Catalogue, samples: int = 0) -> Estimate:
    """USD per good die: wafer price / (gross dies x yield).

    `area` in mm2/die or an equal unit; NoDataError where the node has no price or defect density.
    """
    price = facts.estimate(f"fabs.node.{node}.wafer_price", samples)
    density = facts.estimate(f"fabs.node.{node}.defect_density", samples)
    clustering = facts.estimate("fabs.yield.clustering", samples)
    defects = (area * given(1.0, "die", "one die") * density).to("1")
    good = gross_dies(area.to("mm2/die").samples) * negative_binomial_yield(
        defects.samples, clustering.samples
    )
    dies = derived(good, "die/wafer", "fabs.good_dies", "gross dies x yield", (area, density))
    return (price / dies).named("fabs.die_cost", "wafer price / good dies")
