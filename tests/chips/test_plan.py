import pytest

from groundup.chips.config import ChipsConfig
from groundup.chips.plan import demand, limit
from groundup.facts.catalogue import load_catalogue
from groundup.facts.estimate import given
from groundup.facts.layer import Ask

FACTS = load_catalogue()


def ask(chip="h100-sxm", count=16_384.0, hours=30.84e6):
    return Ask(chip, {
        "accelerators": given(count, "accelerator", "n"),
        "accelerator_hours": given(hours, "accelerator*h", "hours"),
        "capital_rate": given(0.0, "1", "straight-line write-off"),
    })  # fmt: skip


def test_dies_and_stacks_go_down():
    down = demand(ChipsConfig(accelerator="h200-sxm"), ask("h200-sxm", 10.0), FACTS)
    assert (down["logic_dies"].value, down["hbm_stacks"].value) == (10, 60)
    assert down["hbm_capacity"].to("GB").value == 1440
    assert down.labels == {"logic_node": "n5", "hbm": "hbm3e", "package": "cowos-s"}
    assert down["interposer_area"].to("mm2/accelerator").value == 2150


def test_stacks_by_accelerator():
    for chip, stacks in (("h100-sxm", 5), ("h200-sxm", 6), ("b200", 8)):
        assert demand(ChipsConfig(), ask(chip, 1.0), FACTS)["hbm_stacks"].value == stacks


def test_deepseek_v3_rent_is_met():
    # 2.788 million H800-hours at 2 USD: 5.576 MUSD, arXiv:2412.19437 table 1
    config = ChipsConfig(accelerator="h800-sxm", count=2048, usd_per_hour=2.0)
    made = limit(config, ask("h800-sxm", 2048.0, 2.788e6), FACTS)
    assert made.cost.to("MUSD").value == pytest.approx(5.576)


def test_owned_accelerators_cost_their_write_off():
    made = limit(ChipsConfig("h100-sxm", 16_384), ask(hours=16_384 * 24 * 365.25), FACTS, 500)
    capex = made.details["capex"]
    assert capex.value == pytest.approx(16_384 * 31_904)
    assert made.cost.value == pytest.approx(capex.value / 5)
    assert made.cost.low < made.cost.value < made.cost.high
    assert made.details["peak_bf16"].to("EFLOP/s").value == pytest.approx(16.2, abs=0.05)


def test_matrix_products_are_planned_below_the_peak():
    made = limit(ChipsConfig("h100-sxm", 8), ask(count=8.0), FACTS, 200)
    share = made.details["matmul_bf16"].value / made.details["peak_bf16"].value
    assert share == pytest.approx(0.806, abs=0.01)
    assert "matmul_fp32" not in made.details
    bare = limit(ChipsConfig("tpu-v5p", 8), ask("tpu-v5p", 8.0), FACTS)
    assert "peak_bf16" in bare.details
    assert "matmul_bf16" not in bare.details  # no power on record, no law


def test_count_in_the_stack_file_limits():
    made = limit(ChipsConfig("h100-sxm", 8192), ask(), FACTS)
    assert made.headroom.value == 0.5
    assert "chips.count" in made.binds


def test_no_price_is_no_cost():
    assert limit(ChipsConfig("tpu-v5p", 8), ask("tpu-v5p", 8.0), FACTS).cost is None


@pytest.mark.parametrize(
    "chip", ["a100-80gb", "h100-sxm", "h800-sxm", "h200-sxm", "b200", "mi300x"]
)
def test_a_year_of_an_owned_accelerator_is_cheaper_than_a_year_of_rent(chip):
    made = limit(ChipsConfig(chip, 1), ask(chip, 1.0, 24 * 365.25), FACTS)
    dearest_rent = FACTS["chips.h100-sxm.rent"].conflicts[0].value * 24 * 365.25
    assert 1000 < made.cost.to("USD").value < dearest_rent
