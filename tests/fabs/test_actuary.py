"""The whole bill of a package against Chiplet Actuary (DAC 2022), run with its parameter.ini.

Numbers: its commit 2c91fb9, two 400 mm2 dies of 5 nm in its SI and FO packages; `cost_RE()` is raw
dies, defective dies, raw package, defective packages, wasted good dies, in USD.
"""

import dataclasses

import pytest

from groundup.fabs.bill import module_cost
from groundup.fabs.dies import gross_dies
from groundup.fabs.yields import negative_binomial_yield
from groundup.facts.catalogue import load_catalogue
from groundup.facts.estimate import given
from groundup.facts.layer import Ask

FACTS = load_catalogue()
DIES = 265.38547436262445 + 140.67042240163386
SILICON = (58.90510077774104, 35.5548926736533, 48.41221567790106)
FAN_OUT = (49.388376121868745, 19.56500140088107, 21.013523767862527)


def with_values(values):
    """The catalogue with other values of some facts, without doubt."""
    changed = [
        dataclasses.replace(FACTS[key], value=value, low=value, high=value, conflicts=())
        for key, value in values.items()
    ]
    return FACTS.with_facts(changed)


def bill(bond, defects, levels, wafer_price, area, substrate):
    """Our bill of the package with its parameters; per-wafer count and bumps as it has them."""
    good = float(negative_binomial_yield(0.11 * 4, 10.0))
    per_wafer = float(gross_dies(area, edge_mm=5.0, scribe_mm=0.2))
    carrier = wafer_price + 0.005 * area * per_wafer  # its bumps are paid by area
    facts = with_values({
        "fabs.node.n28.wafer_price": DIES / 2 * float(gross_dies(400.0)) * good,
        "fabs.node.n28.defect_density": 0.11,
        "fabs.yield.clustering": 10.0,
        "fabs.yield.coverage": 1.0,
        "fabs.package.h100-sxm.per_wafer": per_wafer,
        "fabs.packaging.cowos-s.interposer_price": carrier,
        "fabs.packaging.cowos-s.service_price": carrier,
        "fabs.packaging.cowos-s.defect_density": defects,
        "fabs.packaging.clustering": levels,
        "fabs.packaging.cowos-s.bond_yield": bond,
        "fabs.packaging.attach_yield": 0.99,
        "fabs.packaging.substrate_price": 0.005,
    })  # fmt: skip
    kept = type(facts)([f for f in facts if not f.key.startswith("fabs.harvest")])
    quantities = {
        "accelerators": given(1.0, "accelerator", "one"),
        "logic_dies": given(2.0, "die", "dies"),
        "logic_die_area": given(400.0, "mm2/die", "area"),
        "interposer_area": given(area, "mm2/accelerator", "interposer"),
        "substrate_area": given(substrate, "mm2/accelerator", "substrate"),
    }
    labels = {"logic_node": "n28", "package": "cowos-s"}
    return module_cost(Ask("h100-sxm", quantities, labels), kept)


@pytest.mark.parametrize(
    ("package", "parameters"),
    [
        (SILICON, (0.95, 0.06, 6.0, 1937.0, 880.0, 3520.0)),
        (FAN_OUT, (0.98, 0.05, 3.0, 1200.0, 960.0, 3840.0)),
    ],
    ids=["silicon interposer", "fan-out"],
)
def test_the_bill_is_chiplet_actuarys_bill(package, parameters):
    parts = bill(*parameters)
    raw, defective, wasted = package
    assert parts["die"].value == pytest.approx(DIES)
    ours = parts["total"].value - parts["test"].value  # it has no test
    assert ours == pytest.approx(DIES + raw + defective + wasted, rel=1e-9)
    carrier = raw - parts["substrate"].value
    failed = parts["interposer"].value - carrier  # bad interposers are in the interposer's price
    assert failed + parts["waste"].value == pytest.approx(defective + wasted, rel=1e-9)
