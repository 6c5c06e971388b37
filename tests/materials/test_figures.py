import numpy as np
import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.facts.estimate import Estimate, given
from groundup.facts.figures import Bars, Curves, Table, Timeline
from groundup.facts.layer import Ask
from groundup.materials.config import MaterialsConfig
from groundup.materials.economy import restriction
from groundup.materials.figures import figures
from groundup.materials.plan import demand, limit

FACTS = load_catalogue()
CONFIG = MaterialsConfig()


def walked(samples=0):
    ask = Ask("gb200", {
        "accelerators": given(1e4, "accelerator", "n"),
        "wafers": given(2500.0, "wafer", "wafers"),
        "site_power": given(15.0, "MW", "site"),
        "switches": given(600.0, "switch", "switches"),
        "transceivers": given(4e4, "transceiver", "optics"),
    })  # fmt: skip
    return demand(CONFIG, ask, FACTS, samples)


def of_kind(found, kind):
    return [figure for figure in found if isinstance(figure, kind)]


def test_seven_figures_whose_tables_are_whole():
    found = figures(CONFIG, walked(100), FACTS, 100)
    assert 3 <= len(found) <= 7
    for table in of_kind(found, Table):
        assert table.rows
        assert {len(row) for row in table.rows} == {len(table.columns)}


def test_the_bill_shows_what_the_plan_row_shows():
    ask = walked(100)
    row = limit(CONFIG, ask, FACTS, 100)
    bill = of_kind(figures(CONFIG, ask, FACTS, 100), Table)[0]
    by_name = {cells[1]: cells for cells in bill.rows}
    for name in ("silicon", "neon", "copper", "gallium", "germanium", "lithium"):
        amount = by_name[name][2]
        assert isinstance(amount, Estimate)
        np.testing.assert_array_equal(amount.samples, row.details[name].samples)
    assert by_name["neon"][3].value == pytest.approx(row.details["share_neon"].value)
    assert by_name["gallium"][-1].startswith("China: ban")
    assert by_name["water"][4:7] == (None, None, None)  # nothing on record: no guess


def test_a_machine_without_amounts_has_no_bill():
    lonely = Ask("this-machine", {"accelerators": given(1.0, "accelerator", "n")})
    found = figures(CONFIG, demand(CONFIG, lonely, FACTS), FACTS)
    titles = [figure.title for figure in found]
    assert not any("takes of the earth" in title for title in titles)
    assert len(found) >= 3


def test_concentration_bars_add_to_a_hundred():
    bars = of_kind(figures(CONFIG, walked(), FACTS), Bars)[0]
    for bar in bars.bars:
        assert sum(value for _, value in bar.parts) == pytest.approx(100, abs=0.6)


def test_shock_curves_have_bands_that_hold_the_line():
    (curves,) = of_kind(figures(CONFIG, walked(400), FACTS, 400), Curves)
    assert [line.name for line in curves.lines] == ["fabs", "chips", "networks", "sites"]
    for line in curves.lines:
        assert len(line.x) == len(line.y) == len(line.low) == len(line.high) == 24
        assert all(low <= high + 1e-9 for low, high in zip(line.low, line.high, strict=True))
        assert max(line.high) <= 100 + 1e-9
    assert min(curves.lines[2].y) < min(curves.lines[3].y) < min(curves.lines[0].y)


def test_loss_bars_are_the_model_s_numbers():
    bars = of_kind(figures(CONFIG, walked(200), FACTS, 200), Bars)[1]
    gallium = restriction("gallium", FACTS, 200)
    assert sum(v for _, v in bars.bars[0].parts) == pytest.approx(gallium.loss.value / 1e9)
    assert bars.bars[0].low <= gallium.loss.value / 1e9 <= bars.bars[0].high


def test_controls_run_forward():
    (timeline,) = of_kind(figures(CONFIG, walked(), FACTS), Timeline)
    assert all(span.start <= span.end for span in timeline.spans)
    assert any("gallium" in span.label and 2023.5 < span.start < 2023.7 for span in timeline.spans)
