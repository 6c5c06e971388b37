import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.chips.published import rows

from groundup.chips.catalogue import peaks
from groundup.chips.config import ChipsConfig
from groundup.chips.design import design, nodes, with_design
from groundup.chips.plan import demand, limit
from groundup.fabs.bill import module_cost
from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import ConfigError, NoDataError
from groundup.facts.estimate import given as stated
from groundup.facts.layer import Ask

FACTS = load_catalogue()


def config(**keys):
    return ChipsConfig(accelerator="designed", **{"design_area_mm2": 814.0, **keys})


def shipped(name):
    row = next(row for row in rows("designs") if row["chip"] == name)
    # the B200 is N4P: the table of nodes calls that n4
    node = "n4" if name == "b200" else row["node"]
    made = config(
        design_area_mm2=float(row["area"]),
        design_node=node,
        design_clock_ghz=float(row["clock"]),
        design_sram_mb=float(row["sram"]),
        design_hbm=row["hbm"],
        design_hbm_stacks=int(row["stacks"]),
    )
    return row, made


@pytest.mark.parametrize("name", ["a100-80gb", "h100-sxm", "mi300x", "b200"])
def test_shipped_chips_designed_from_their_areas(name):
    row, made = shipped(name)
    found = design(made, FACTS)
    assert found["peak.bf16.dense"].value == pytest.approx(float(row["peak"]), rel=0.25)
    assert found["tdp"].value == pytest.approx(float(row["power"]), rel=0.25)
    assert found["bandwidth"].value == pytest.approx(float(row["bandwidth"]), rel=0.10)


def test_transistors_and_dies():
    found = design(config(design_node="n5"), FACTS)
    assert found["transistors"].value == pytest.approx(80, rel=0.01)  # an H100
    big = design(config(design_area_mm2=1600.0), FACTS)
    assert (found["logic.dies"].value, big["logic.dies"].value) == (1, 2)
    assert big["logic.die_area"].value == 800


@given(st.floats(100, 3000), st.floats(0.5, 3.0), st.sampled_from(["n7", "n5", "n3"]))
def test_more_area_or_clock_is_more_peak_and_power(area, clock, node):
    base = {"design_node": node, "design_sram_mb": 20.0, "design_clock_ghz": clock}
    small = design(config(design_area_mm2=area, **base), FACTS)
    large = design(config(design_area_mm2=area * 1.1, **base), FACTS)
    fast = design(config(design_area_mm2=area, **{**base, "design_clock_ghz": clock * 1.1}), FACTS)
    for quantity in ("peak.bf16.dense", "tdp"):
        assert small[quantity].value < large[quantity].value
        assert small[quantity].value < fast[quantity].value
    # peak is proportional to the clock, and 8-bit is twice it
    ratio = fast["peak.bf16.dense"].value / small["peak.bf16.dense"].value
    assert ratio == pytest.approx(1.1)
    assert small["peak.fp8.dense"].value == pytest.approx(2 * small["peak.bf16.dense"].value)


def test_memory_on_the_dies_takes_arithmetic():
    lean, rich = (design(config(design_sram_mb=size), FACTS) for size in (50.0, 500.0))
    assert rich["peak.bf16.dense"].value < lean["peak.bf16.dense"].value
    with pytest.raises(ConfigError, match="design_sram_mb"):
        design(config(design_sram_mb=5000.0), FACTS)


def test_a_share_of_multiply_adds_may_be_asked_for():
    twice = design(config(design_tensor_share=0.06), FACTS)["peak.bf16.dense"].value
    once = design(config(design_tensor_share=0.03), FACTS)["peak.bf16.dense"].value
    assert twice == pytest.approx(2 * once)


def test_errors_name_key_and_what_is_allowed():
    with pytest.raises(ConfigError, match="design_area_mm2"):
        ChipsConfig(accelerator="designed")
    with pytest.raises(ConfigError, match="design_clock_ghz"):
        config(design_clock_ghz=50.0)
    with pytest.raises(NoDataError, match=r"n2.*n3"):
        design(config(design_node="n2"), FACTS)
    assert {"n7", "n5", "n3"} <= set(nodes(FACTS))


def test_a_stack_plans_with_a_designed_chip_down_to_its_module():
    made = config(design_node="n5", count=1000)
    facts = with_design(made, FACTS)
    assert with_design(ChipsConfig("h100-sxm"), FACTS) is FACTS
    asked = {
        "accelerators": stated(1000.0, "accelerator", "n"),
        "accelerator_hours": stated(1e6, "accelerator*h", "hours"),
        "capital_rate": stated(0.08, "1", "interest"),
    }
    ask = demand(made, Ask("designed", asked), facts, 50)
    assert ask.labels == {"logic_node": "n5", "hbm": "hbm3e", "package": "cowos-l"}
    assert ask["hbm_stacks"].value == 8000
    row = limit(made, ask, facts, 50)
    assert row.details["peak_bf16"].value > row.details["matmul_bf16"].value > 0
    assert row.power.to("kW").value == pytest.approx(1000 * facts["chips.designed.tdp"].value / 1e3)
    assert peaks("designed", facts)["fp8"].value > 0
    # more than an H100's module, for its die is the same and its memory is more
    module = module_cost(ask, facts)["total"].to("USD/accelerator").value
    assert 3000 < module < 12_000
    price = facts["chips.designed.price"]
    assert price.value == pytest.approx(6.25 * module)  # B200: price over module cost
    assert row.details["capex"].to("USD").value == pytest.approx(1000 * price.value)
    assert row.cost.low < row.cost.value < row.cost.high


def test_without_a_price_of_the_module_there_is_no_price():
    made = config(design_node="n5", design_hbm_stacks=0)
    facts = with_design(made, FACTS)
    assert "chips.designed.tdp" in facts
    assert "chips.designed.price" not in facts  # no package is named without memory stacks
