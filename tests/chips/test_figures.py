from dataclasses import replace

import pytest

from groundup.chips.config import ChipsConfig
from groundup.chips.design import with_design
from groundup.chips.figures import figures, measured_products
from groundup.chips.plan import demand
from groundup.chips.this_machine import outline
from groundup.facts.catalogue import load_catalogue
from groundup.facts.estimate import Estimate, given
from groundup.facts.figures import Curves, Table
from groundup.facts.layer import Ask

FACTS = load_catalogue()


def by_title(name, facts=FACTS, config=None):
    asked = {"accelerators": given(8.0, "accelerator", "n")}
    config = config or ChipsConfig(accelerator=name)
    ask = demand(config, Ask(name, asked), facts)
    return {figure.title: figure for figure in figures(config, ask, facts)}


@pytest.mark.parametrize("name", ["h100-sxm", "tpu-v5p", "groq-lpu1", "mi300x", "grace"])
def test_between_three_and_seven_whole_figures(name):
    made = by_title(name)
    assert 3 <= len(made) <= 7
    for figure in made.values():
        if isinstance(figure, Table):
            assert all(len(row) == len(figure.columns) for row in figure.rows)
        else:
            assert all(len(line.x) == len(line.y) > 0 for line in figure.lines)


def test_the_roofline_has_all_formats_and_its_dots_lie_below():
    roof = next(f for title, f in by_title("h100-sxm").items() if "attain" in title)
    words = {line.name.split()[0] for line in roof.lines if not line.dots}
    assert words == {"bf16", "fp8", "fp32", "int8"}
    bf16 = next(line for line in roof.lines if line.name.startswith("bf16"))
    dots = [line for line in roof.lines if line.dots]
    assert len(dots) == 3
    assert all(line.y[0] < max(bf16.y) for line in dots)


def test_an_unmeasured_machine_leaves_its_roofline_out():
    assert not any("attain" in title for title in by_title("this-machine"))


def test_a_measured_machine_shows_its_measurements():
    machine = replace(
        outline(),
        flop_per_s={"fp32": 1e11},
        copy_bytes_per_s=1e10,
        disk_bytes_per_s=1e9,
        spread={"memory copy": 0.1, "disk write": 0.2, "matrix product fp32": 0.05},
        readings={"triad": {"value": 9.0, "unit": "GB/(s*accelerator)", "spread": 0.02}},
    )
    made = by_title("this-machine", FACTS.with_facts(machine.facts()))
    assert 3 <= len(made) <= 7
    table = made["What was measured on this machine"]
    rows = {row[0]: row for row in table.rows}
    assert rows["triad"][1].value == 9.0
    assert rows["peak.fp32.dense"][3] == "5 %"


def test_the_catalogue_shows_estimates_and_gaps():
    table = next(f for title, f in by_title("h100-sxm").items() if title.startswith("Accelerators"))
    cells = {row[0]: row for row in table.rows}
    h100 = cells["NVIDIA H100 SXM"]
    assert isinstance(h100[3], Estimate)
    assert h100[8].value == pytest.approx(1.41, abs=0.01)
    assert cells["Google TPU v5p"][7] is None  # the power is not published
    assert len(cells) >= 50


def test_products_are_the_published_ones():
    products = list(measured_products(FACTS))
    assert len(products) == 18
    table = next(f for title, f in by_title("h100-sxm").items() if "matrix product" in title)
    assert len(table.rows) == 18


def test_a_designed_chip_has_tokens_per_dollar_of_its_own():
    config = ChipsConfig(accelerator="designed", design_area_mm2=800.0, design_node="n5")
    made = by_title("designed", with_design(config, FACTS), config)
    tokens = next(f for title, f in made.items() if title.startswith("Tokens"))
    assert isinstance(tokens, Curves)
    assert tokens.lines[0].name == "a chip that does not exist yet"
    space = next(f for title, f in made.items() if "does not exist yet, by area" in title)
    assert all(a <= b <= c for a, b, c in zip(*_band(space), strict=True))


def _band(curves):
    line = curves.lines[0]
    return line.low, line.y, line.high
