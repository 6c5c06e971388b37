import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import NoDataError
from groundup.materials.catalogue import STEPS, material, materials, parts, property_of, uses

FACTS = load_catalogue()
PROPERTIES = ("stock", "spare", "spare_time", "substitution", "substitution_time", "lead_time")


def test_the_issue_s_kinds_of_materials_are_there():
    groups = {row.group for row in materials().values()}
    assert groups >= {
        "wafers", "gases", "chemicals", "water", "metals", "optics and power", "magnets",
        "batteries", "packages",
    }  # fmt: skip
    assert len(materials()) >= 30


def test_gallium_is_not_said_to_be_in_logic_wafers():
    assert "not an input of CMOS logic wafers" in material("gallium").caution
    assert "logic-wafer" not in uses("gallium", FACTS)
    assert "memory-wafer" not in uses("gallium", FACTS)


def test_facts_name_only_known_materials_and_parts():
    for key in FACTS.keys("materials."):
        words = key.split(".")
        if words[2] in STEPS:
            assert words[1] in materials(), key
        if words[2] == "use":
            assert words[1] in materials(), key
            assert words[3] in parts(), key


def test_parts_name_floors_below_the_campus():
    assert {floor for part in parts().values() for floor in part.floors} == {
        "fabs", "chips", "networks", "sites",
    }  # fmt: skip


@pytest.mark.parametrize("quantity", PROPERTIES)
def test_unknown_properties_fall_back_to_the_wide_range(quantity):
    default = FACTS[f"materials.default.{quantity}"]
    assert default.confidence == "low"
    assert property_of("ruthenium", quantity, FACTS).fact == default
    for name in materials():
        found = property_of(name, quantity, FACTS, 50)
        assert (found.samples >= 0).all()
        if quantity.endswith("time"):
            assert (found.to("month").samples > 0).all(), name  # divided by


def test_unknown_material_suggests_the_nearest():
    with pytest.raises(NoDataError, match="did you mean 'germanium'"):
        material("germanum")
