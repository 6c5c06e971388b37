import csv
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from groundup.fabs.nodes import (
    cost_per_transistor,
    defect_density,
    node_capacity,
    node_names,
    wafer_price,
)
from groundup.fabs.series import at_year, decimal_year, years_of
from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import NoDataError

FACTS = load_catalogue()
TABLE = Path(__file__).resolve().parents[1] / "data" / "chip_cost.csv"
LINES = [line for line in TABLE.read_text().splitlines() if not line.startswith("#")]
ROWS = {row["name"]: row for row in csv.DictReader(LINES)}


@pytest.mark.parametrize(
    ("name", "node"),
    [("N5 wafer", "n5"), ("N7 wafer", "n7"), ("N28 wafer", "n28"), ("N4 wafer (2026)", "n4")],
)
def test_wafer_prices_of_their_day(name, node):
    row = ROWS[name]
    price = wafer_price(node, FACTS, 0, float(row["date"])).value
    assert float(row["low"]) <= price <= float(row["high"])


def test_defects_of_their_day():
    start = float(ROWS["N5 D0 at the start"]["date"])
    assert defect_density("n5", FACTS, 0, start).value == pytest.approx(0.105, rel=0.02)
    assert defect_density("n7", FACTS, 0, 2018.3 + 0.75).value == pytest.approx(0.09, rel=0.01)
    # three quarters before volume both were reported near 0.33, which was not used for n5
    before = defect_density("n5", FACTS, 4000, start - 0.75)
    assert before.low <= float(ROWS["N5 and N7 D0 before"]["value"]) <= before.high
    assert before.value == pytest.approx(0.33, rel=0.2)


def test_a_node_is_learned_and_stays_learned():
    dates = (2020.0, 2020.5, 2021.0, 2022.0, 2026.0, 2030.0)
    found = [defect_density("n5", FACTS, 0, when).value for when in dates]
    assert found == sorted(found, reverse=True)
    assert found[-1] == pytest.approx(found[-2], rel=1e-3)
    assert found[-1] == pytest.approx(0.07, rel=0.02)


def test_series_pass_through_their_facts_and_hold_outside():
    prefix = "fabs.cowos.capacity_by"
    years = years_of(prefix, FACTS)
    assert years == sorted(years)
    for year in years:
        assert at_year(prefix, float(year), FACTS).value == pytest.approx(
            FACTS[f"{prefix}.y{year}"].value
        )
    assert at_year(prefix, 2000.0, FACTS).value == pytest.approx(13_000)
    assert at_year(prefix, 2050.0, FACTS).value == pytest.approx(120_000)
    middle = at_year(prefix, 2026.5, FACTS).value
    assert middle == pytest.approx((75_000 * 120_000) ** 0.5)


def test_many_dates_are_rows_of_the_same_draws():
    dates = np.array([2024.0, 2025.3, 2026.9])
    table = at_year("fabs.cowos.capacity_by", dates, FACTS, 100)
    assert table.samples.shape == (3, 101)
    for row, when in enumerate(dates):
        one = at_year("fabs.cowos.capacity_by", float(when), FACTS, 100)
        np.testing.assert_allclose(table.samples[row], one.samples)


def test_what_is_not_on_record_is_no_data():
    with pytest.raises(NoDataError, match="i18a"):
        wafer_price("i18a", FACTS)
    with pytest.raises(NoDataError, match="a16"):
        defect_density("a16", FACTS)
    with pytest.raises(NoDataError, match="capacity of node sf2"):
        node_capacity("sf2", FACTS)
    with pytest.raises(NoDataError, match=r"fabs\.nothing\.y"):
        at_year("fabs.nothing", 2026.0, FACTS)


def test_a_node_of_a_family_shares_its_lines_and_price():
    assert node_capacity("n4", FACTS, 0, 2023.0).value == pytest.approx(150_000)
    assert wafer_price("n4", FACTS, 0, 2026.0).value == pytest.approx(19_000)
    assert {"n28", "n16", "n7", "n5", "n3", "n2", "a16", "sf2", "i18a"} <= set(node_names(FACTS))


def test_transistors_stopped_getting_cheaper():
    ratio = cost_per_transistor("n5", FACTS).value / cost_per_transistor("n7", FACTS).value
    assert ratio == pytest.approx((16988 / 138.2) / (9346 / 96.3))


def test_decimal_years():
    assert decimal_year(date(2026, 1, 1)) == 2026.0
    assert decimal_year(date(2026, 7, 2)) == pytest.approx(2026.5, abs=0.002)
