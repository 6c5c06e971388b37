import math

import numpy as np
import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.facts.estimate import given
from groundup.facts.layer import Ask
from groundup.materials.bill import shares
from groundup.materials.concentration import concentration
from groundup.materials.config import MaterialsConfig
from groundup.materials.plan import demand, limit

FACTS = load_catalogue()


def ask(wafers=1000.0, megawatts=10.0, switches=100.0):
    return Ask("h100-sxm", {
        "accelerators": given(1000.0, "accelerator", "n"),
        "wafers": given(wafers, "wafer", "wafers"),
        "site_power": given(megawatts, "MW", "site"),
        "switches": given(switches, "switch", "switches"),
    })  # fmt: skip


def test_a_300_mm_wafer_weighs_128_grams():
    # 300 mm x 775 um x 2329 kg/m3
    down = demand(MaterialsConfig(), ask(wafers=1.0), FACTS)
    assert down["silicon"].to("g").value == pytest.approx(127.6, abs=0.1)


def test_neon_is_the_industry_average_per_wafer_area():
    # 540 t over 14 165 million square inches: 4.2 g per 300 mm wafer
    wafers = 14_165e6 * 645.16 / (math.pi * 150**2)
    down = demand(MaterialsConfig(), ask(wafers=1.0), FACTS)
    assert down["neon"].to("g").value == pytest.approx(540e6 / wafers, rel=1e-3)


def test_copper_follows_the_site():
    down = demand(MaterialsConfig(), ask(megawatts=80.0), FACTS)
    assert down["copper"].to("t").value == pytest.approx(80 * 27)


def test_concentration_of_near_monopolies():
    assert concentration("gallium", FACTS).value == pytest.approx(9604, abs=2)
    assert concentration("rare-earth", FACTS).value == pytest.approx(8100)
    listed = [18, 17, 15, 12, 10]
    assert concentration("silicon", FACTS).value == pytest.approx(sum(s**2 for s in listed))


def test_the_scarcest_material_binds():
    config = MaterialsConfig(share_of_world_supply=0.01)
    down = demand(config, ask(wafers=1e6, megawatts=1.0), FACTS, 200)
    made = limit(config, down, FACTS, 200)
    assert made.binds == "silicon wafers"
    assert made.needs.to("1").value == max(s.to("1").value for s in shares(down, FACTS).values())
    heavy = demand(config, ask(wafers=10.0, megawatts=5000.0), FACTS, 200)
    made = limit(config, heavy, FACTS, 200)
    assert made.binds == "copper"
    assert made.headroom.value == pytest.approx(0.01 / (5000 * 27 / 27.5e6))
    assert made.needs.high >= 5000 * 50 / 27.5e6  # the doubt about copper per megawatt shows


def test_one_machine_is_no_data_and_says_why_not_gallium():
    lonely = Ask("this-machine", {"accelerators": given(1.0, "accelerator", "n")})
    made = limit(MaterialsConfig(), demand(MaterialsConfig(), lonely, FACTS), FACTS)
    assert made.limit is None
    assert made.binds.startswith("no data")
    assert "CMOS" in made.details["hhi_gallium"].source
    assert made.details["hhi_gallium"].value > 9000


def test_rows_give_the_same_as_single_plans():
    wafers = np.array([1.0, 1e3, 1e7])
    config = MaterialsConfig()
    rows = limit(config, demand(config, ask(wafers=wafers), FACTS, 30), FACTS, 30)
    for row, count in enumerate(wafers):
        single = limit(config, demand(config, ask(wafers=float(count)), FACTS, 30), FACTS, 30)
        np.testing.assert_allclose(rows.needs.samples[row], single.needs.samples)


def test_the_longest_lead_time_of_the_bill_is_told():
    down = demand(MaterialsConfig(), ask(), FACTS)
    made = limit(MaterialsConfig(), down, FACTS)
    longest = max(
        FACTS[f"materials.{name}.lead_time"].value for name in ("silicon", "neon", "helium")
    )
    assert made.details["lead_time"].to("month").value == longest


def test_priority_and_stock_are_handed_to_the_shocks_with_their_source():
    down = demand(MaterialsConfig(priority=0.5, stock_months=3.0), ask(), FACTS)
    assert down["material_priority"].value == 0.5
    assert down["material_stock"].to("month").value == 3
    assert "materials.stock_months" in down["material_stock"].source
    plain = demand(MaterialsConfig(), ask(), FACTS)
    assert "material_priority" not in plain
    assert "material_stock" not in plain


def test_optics_only_where_there_are_modules():
    none = demand(
        MaterialsConfig(), ask().with_(transceivers=given(0.0, "transceiver", "t")), FACTS
    )
    some = demand(
        MaterialsConfig(), ask().with_(transceivers=given(10.0, "transceiver", "t")), FACTS
    )
    assert "gallium" not in none
    assert some["gallium"].to("mg").value == pytest.approx(8.0, abs=0.1)
