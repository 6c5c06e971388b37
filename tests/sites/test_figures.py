import math

import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.facts.estimate import Estimate, given
from groundup.facts.figures import Bars, Curves, Flow, Table, Timeline
from groundup.facts.layer import Ask
from groundup.networks import plan as networks
from groundup.networks.config import NetworksConfig
from groundup.sites import plan
from groundup.sites.config import SitesConfig
from groundup.sites.figures import figures

FACTS = load_catalogue()


def made(chip="h100-sxm", count=1e5, samples=0, **config):
    config = SitesConfig(**config)
    ask = Ask(chip, {
        "accelerators": given(count, "accelerator", "n", "test"),
        "accelerator_hours": given(count * 2160.0, "accelerator*h", "hours", "test"),
    })  # fmt: skip
    ask = networks.demand(
        NetworksConfig(), plan.demand(config, ask, FACTS, samples), FACTS, samples
    )
    return plan.limit(config, ask, FACTS, samples), figures(config, ask, FACTS, samples)


def numbers(figure):
    match figure:
        case Flow():
            return [value for _, _, value in figure.links]
        case Curves():
            return [y for line in figure.lines for y in (*line.x, *line.y)]
        case Bars():
            return [value for bar in figure.bars for _, value in bar.parts]
        case Timeline():
            return [time for span in figure.spans for time in (span.start, span.end)]
        case Table():
            cells = [cell for row in figure.rows for cell in row]
            return [cell.value for cell in cells if isinstance(cell, Estimate)]
    raise AssertionError(figure)


@pytest.mark.parametrize("chip", ["a100-80gb", "h100-sxm", "b200", "gb200", "mi300x"])
def test_three_to_seven_figures_of_finite_numbers(chip):
    _, found = made(chip, samples=50)
    assert 3 <= len(found) <= 7
    for figure in found:
        assert figure.title
        assert all(math.isfinite(value) and value >= 0 for value in numbers(figure))


def test_power_flow_is_the_plans_number_and_loses_nothing():
    row, found = made()
    flow = found[0]
    into = {}
    out = {}
    for start, end, value in flow.links:
        out[start] = out.get(start, 0) + value
        into[end] = into.get(end, 0) + value
    assert out["grid"] == pytest.approx(row.needs.to(flow.unit).value)
    for middle in ("machines", "servers"):
        assert out[middle] == pytest.approx(into[middle])


def test_notes_say_tiers_backup_and_water_stress():
    row, found = made(redundancy="2n")
    assert "III 99.982%" in found[0].note
    assert f"{row.details['generators'].value:.0f} generators" in found[0].note
    assert "low to medium" in found[2].note
    assert "no data" in made(region="sg", usd_per_kwh=0.1)[1][2].note


def test_site_line_passes_through_the_plan():
    row, found = made()
    curves = found[1]
    dot = curves.lines[1]
    assert dot.dots
    assert dot.y[0] == pytest.approx(row.needs.to("MW").value)
    assert {line.name for line in curves.lines} >= {"Colossus", "100 000 H100"}


def test_carbon_of_the_plans_region_is_the_plans_carbon():
    row, found = made(region="fr", usd_per_kwh=0.08)
    bars = next(figure for figure in found if isinstance(figure, Bars) and "Carbon" in figure.title)
    here = next(bar for bar in bars.bars if "(this plan)" in bar.label)
    assert dict(here.parts)["running"] == pytest.approx(row.details["carbon"].to("tCO2").value)
    running = [dict(bar.parts)["running"] for bar in bars.bars]
    assert running == sorted(running)


def test_regions_limits_stand_at_the_timeline():
    _, found = made(region="ie")
    timeline = next(figure for figure in found if isinstance(figure, Timeline))
    assert "Dublin" in timeline.note
    assert any("(this plan)" in span.label for span in timeline.spans)


def test_figures_that_have_no_data_are_left_out():
    _, priced = made(region="us")
    _, unpriced = made(region="fr", usd_per_kwh=0.1)
    assert len(priced) == len(unpriced)  # the stack file's price is enough
    row, found = made(chip="h100-sxm", cooling="none")
    assert len(found) == 1
    assert isinstance(found[0], Flow)
    assert row.time is None
