"""HBM: price of a gigabyte at a date, whole stacks, wafers."""

from __future__ import annotations

import numpy as np

from groundup.fabs.dies import gross_dies
from groundup.fabs.series import at_year, years_of
from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Estimate, derived


def memory_price(
    generation: str, facts: Catalogue, samples: int = 0, date: float | None = None
) -> Estimate:
    """USD/GB of a generation (`hbm3e`) at the decimal year `date`; of any HBM where it has none."""
    series = f"fabs.hbm.{generation}.price"
    if date is not None and years_of(series, facts):
        return at_year(series, date, facts, samples, f"fabs.{generation}_price")
    return facts.estimate("fabs.hbm.price", samples)


def whole_stacks(layers: Estimate, facts: Catalogue, samples: int = 0) -> Estimate:
    """Good share of stacks from DRAM wafer to known-good stack, for stacks of `layers` dies.

    The published yield is of 8-high stacks; every further layer must be good and bonded well:
    yield x (layer x bond)^(layers - 8).
    """
    observed = facts.estimate("fabs.hbm.stack_yield", samples)
    known = facts.estimate("fabs.hbm.reference_layers", samples)
    layer = facts.estimate("fabs.hbm.layer_yield", samples)
    bond = facts.estimate("fabs.hbm.layer_bond", samples)
    extra = layers.to("die/stack").samples - known.samples
    found = np.minimum(observed.samples * (layer.samples * bond.samples) ** extra, 1.0)
    formula = "yield of 8 layers x (layer yield x bond yield)^(layers - 8)"
    return derived(found, "1", "fabs.hbm_yield", formula, (observed, known, layer, bond, layers))


def memory_wafers(
    stacks: Estimate, layers: Estimate, facts: Catalogue, samples: int = 0
) -> dict[str, Estimate]:
    """DRAM wafers for `stacks` of `layers` dies: `hbm_gross_dies`, `hbm_yield`, `hbm_wafers`."""
    area = facts.estimate("fabs.hbm.die_area", samples)
    diameter = facts.estimate("fabs.wafer.diameter", samples)
    dies = gross_dies(area.to("mm2/die").samples, diameter.to("mm").samples)
    formula = "pi r^2/A - pi d/sqrt(2 A)"
    inputs = (area, diameter)
    gross = derived(dies, "die/wafer", "fabs.hbm_gross_dies", formula, inputs, "de Vries 2005")
    good = whole_stacks(layers, facts, samples)
    needed = (stacks * layers).named("fabs.hbm_dies")
    formula = "stacks x dies per stack / (gross dies x stack yield)"
    wafers = (needed / (gross * good)).named("fabs.hbm_wafers", formula)
    return {"hbm_gross_dies": gross, "hbm_yield": good, "hbm_wafers": wafers}
