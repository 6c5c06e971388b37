import numpy as np
import pytest

from groundup.fabs.config import FabsConfig
from groundup.fabs.wafers import logic_wafers, reticle_fields
from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import ConfigError
from groundup.facts.estimate import given
from groundup.facts.layer import Ask

FACTS = load_catalogue()


def ask(area, chip="x", **labels):
    quantities = {
        "logic_dies": given(1000.0, "die", "dies"),
        "logic_die_area": given(area, "mm2/die", "area"),
    }
    return Ask(chip, quantities, {"logic_node": "n5", **labels})


@pytest.mark.parametrize(
    ("area", "low_na", "high_na"),
    [(429.0, 1, 1), (814.0, 1, 2), (1600.0, 2, 4), (2600.0, 4, 7)],
)
def test_fields_of_large_logic(area, low_na, high_na):
    logic = given(area, "mm2", "logic")
    assert reticle_fields(logic, FACTS).value == low_na
    assert reticle_fields(logic, FACTS, high_na=True).value == high_na


def test_a_die_larger_than_a_field_is_refused_with_the_way_out():
    with pytest.raises(ConfigError, match=r"1200 mm2: allowed .* 858 mm2; cut .* at least 2 dies"):
        logic_wafers("logic", ask(1200.0), FabsConfig(), FACTS, 0)
    rows = ask(np.array([400.0, 900.0]))
    with pytest.raises(ConfigError, match="900 mm2"):
        logic_wafers("logic", rows, FabsConfig(), FACTS, 0)


def test_the_h100_is_harvested_and_its_twin_without_record_is_not():
    known, other = (
        logic_wafers("logic", ask(814.0, chip), FabsConfig(), FACTS, 0)
        for chip in ("h100-sxm", "twin")
    )
    assert known["logic_yield"].value == other["logic_yield"].value
    assert other["logic_sellable_yield"].value == other["logic_yield"].value
    # 12 spare SMs on six tenths of the die: what is left to lose are the other four tenths
    assert 0.75 <= known["logic_sellable_yield"].value <= 0.85
    assert known["logic_wafers"].value < other["logic_wafers"].value


def test_a_whole_wafer_is_one_die():
    found = logic_wafers("logic", ask(46_225.0, package="wafer-scale"), FabsConfig(), FACTS, 0)
    assert found["logic_wafers"].value == pytest.approx(1000)
