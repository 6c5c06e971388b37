from __future__ import annotations

import math

import pytest
from tests.planner.report.reading import read_html

from groundup.facts.estimate import given
from groundup.facts.figures import Table
from groundup.planner.report.derivation import Derivations
from groundup.planner.report.table import draw_table, is_wide, plain


def test_cells_of_every_kind() -> None:
    cost = (given(3.0, "USD", "chip <price>") * 2.0).named("bill")
    rows = (("a & b", 1.5, None, cost), ("<c>", math.nan, "https://x.example/y", math.inf))
    read = read_html(draw_table(Table("heads <b>", ("n", "v [MW]", "t", "e"), rows), Derivations()))
    for said in ("heads <b>", "a & b", "<c>", "1.5", "$6", "no bound"):
        assert said in [word.strip() for word in read.words]
    assert read.text.count("no data") == 2
    assert "chip <price>" in read.text
    assert read.tags.count("caption") == 1
    assert [v for tag, name, v in read.attributes if tag == "th" and name == "scope"] == [
        "col", "col", "col", "col", "row", "row",
    ]  # fmt: skip


def test_an_empty_table_says_so() -> None:
    read = read_html(draw_table(Table("t", ("a", "b"), ()), Derivations()))
    assert "no data" in read.text


def test_numbers_stand_at_the_right_with_a_key_to_sort_by() -> None:
    read = read_html(draw_table(Table("t", ("a", "b [kg]"), (("x", 12345.0),)), Derivations()))
    assert ("td", "class", "number") in read.attributes
    assert ("th", "class", "number") in read.attributes
    assert ("td", "data-v", "12345") in read.attributes


@pytest.mark.parametrize(
    ("value", "column", "text"),
    [
        (2024.0, "year", "2024"), (12345.6, "kg", "12,346"), (1.2e9, "price [USD]", "1.2B"),
        (1.2e9, "power [W]", "1.2G"), (0.0, "", "0"), (-3.25, "", "-3.25"), (989.4, "", "989.4"),
        (2.5e-7, "", "2.5×10⁻⁷"),
    ],
)  # fmt: skip
def test_numbers_read_well(value: float, column: str, text: str) -> None:
    assert plain(value, column) == text


def test_long_tables_take_the_whole_width() -> None:
    assert not is_wide(Table("t", ("a", "b"), (("x", 1.0),)))
    assert is_wide(Table("t", ("a", "b"), (("x" * 40, "y" * 40),)))


@pytest.mark.parametrize(
    ("unit", "column", "text"),
    [
        ("month", "stock [day]", "91.3"),
        ("TFLOP/(s*accelerator)", "peak [GFLOP/s]", "3000"),
        ("W/accelerator", "power [W]", "3"),
        ("USD", "price [kg]", "$3"),
        ("month", "stock [whatever]", "91.3 days"),
        ("1", "index", "3"),
    ],
)
def test_estimates_follow_the_unit_of_their_column(unit: str, column: str, text: str) -> None:
    rows = (("x", given(3.0, unit, "given value")),)
    document = draw_table(Table("t", ("a", column), rows), Derivations())
    assert f'<summary><span class="value">{text}</span></summary>' in document


def test_a_dash_in_a_column_of_numbers_stands_at_the_right() -> None:
    read = read_html(draw_table(Table("t", ("a", "b"), (("x", 1.0), ("y", "–"))), Derivations()))
    assert ("td", "class", "number none") in read.attributes
    assert "no data" not in read.text
