import pytest

from groundup.facts.errors import NoDataError
from groundup.facts.units import factor, parse, same_dimension
from groundup.planner.validation.bars import published_file
from groundup.planner.validation.row import Prediction, Row, read_rows
from groundup.planner.validation.row_units import in_unit_of, unit_of, value_in


def test_every_published_unit_is_known():
    units = {row.unit for row in read_rows(published_file())}
    assert all(parse(unit_of(unit)).scale > 0 for unit in units)


@pytest.mark.parametrize(
    ("text", "unit"),
    [("tok/s/GPU", "token/(s*accelerator)"), ("tokens/sec/chip", "token/(s*accelerator)"),
     ("GPU-h", "accelerator*h"), ("GPU hours", "accelerator*h"),
     ("TFLOP/s/GPU", "TFLOP/(s*accelerator)"),
     ("TFLOPS/GPU", "TFLOP/(s*accelerator)"), ("USD (18-20k)", "USD"), ("% (>)", "%"),
     ("GUSD/yr", "GUSD/year"), ("tCO2e", "tCO2"), ("s/iter", "s"), ("USD/Mtok", "USD/Mtoken"),
     ("fraction (>)", "1"), ("ms", "ms"), ("count/day", "1/day"), ("GiB", "GiB"), ("mm2", "mm^2")],
)  # fmt: skip
def test_words_of_tables_are_units(text, unit):
    assert same_dimension(unit_of(text), unit)
    assert factor(unit_of(text), unit) == pytest.approx(1.0)


def test_unknown_units_are_named():
    with pytest.raises(NoDataError, match=r"'furlong'.*token"):
        unit_of("furlong")


def test_predictions_are_converted_to_the_rows_unit():
    said = Prediction(2.0, 1.0, 3.0, "x", "s")
    found = in_unit_of(Row(unit="ms"), said)
    assert (found.value, found.low, found.high, found.unit) == (2000.0, 1000.0, 3000.0, "ms")
    assert in_unit_of(Row(unit="anything"), Prediction(1, 1, 1, "x")).value == 1
    with pytest.raises(NoDataError, match="answers in s"):
        in_unit_of(Row(unit="GB"), said)


def test_values_in_another_unit():
    assert value_in(Row(value="90", unit="min"), "s") == 5400
    with pytest.raises(NoDataError, match="not a number"):
        value_in(Row(value="soon", unit="s"), "s")
    with pytest.raises(NoDataError, match="'GB'"):
        value_in(Row(value="1", unit="GB"), "s")
