import csv
import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.facts.errors import DataError
from groundup.planner.validation.bars import published_file
from groundup.planner.validation.row import (
    COLUMNS,
    REQUIRED,
    Row,
    between,
    number_in,
    read_rows,
    rows_in,
    within,
)

HEAD = "name,kind,metric,value,unit,source"


def read(text):
    return tuple(rows_in(text, "table.csv"))


def test_published_table_is_read_whole():
    lines = published_file().read_text(encoding="utf-8").splitlines(keepends=True)
    plain = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    found = read_rows(published_file())
    assert len(found) == len(plain) > 1000
    for row, told in zip(found, plain, strict=True):
        assert {column: getattr(row, column) for column in COLUMNS} == told
    assert found[-1].line == len(lines)
    assert all(row.number("value") is not None and row.source for row in found)


def test_columns_may_be_missing_unknown_and_in_any_order():
    (row,) = read("source,extra,unit,value,metric,kind,name\nS,x,s,3,m,k,n\n")
    assert (row.name, row.kind, row.value, row.source, row.hardware) == ("n", "k", "3", "S", "")
    assert row.number("n_chips") is None


def test_comments_blank_lines_mark_of_byte_order_and_line_ends(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_bytes(f"\ufeff# a\r\n{HEAD}\r\n\r\n#b\r\n,,,,,\r\nn,k,m,1,s,S\r\n".encode())
    (row,) = read_rows(path)
    assert (row.name, row.line, row.file) == ("n", 6, "runs.csv")


def test_quoted_cells_hold_commas_and_lines():
    (row,) = read(f'{HEAD},notes\nn,k,m,1,s,"A, B","two\nlines"\n')
    assert row.source == "A, B"
    assert row.notes == "two\nlines"
    assert row.line == 3


@pytest.mark.parametrize(
    ("text", "value"),
    [("1007", 1007), ("1,089", 1089), ("2,788,000.5", 2788000.5), ("2.5e12", 2.5e12), ("~9", 9),
     (">= 95%", 95), ("1 234", 1234), ("-3", -3), (".5", 0.5), ("1_000", 1000), ("1E-3", 1e-3),
     ("", None), ("n/a", None), ("1024+128", None), ("p1/d8", None), ("out372.1", None),
     ("7-8", None), ("nan", None), ("inf", None), ("1,08", None)],
)  # fmt: skip
def test_numbers_as_tables_write_them(text, value):
    assert number_in(text) == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_python_prints_is_read_back(value):
    assert number_in(repr(value)) == value


@given(st.integers(min_value=0, max_value=10**15))
def test_thousands_separators_change_nothing(value):
    assert number_in(f"{value:,}") == value


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "is empty"), ("name,kind\na,b\n", r"table.csv:1.*`metric`.*`source`.*add"),
     (f"{HEAD}\nn,k,m,1,s,S,more\n", r"table.csv:2: has 7 cells.*quotes"),
     (f"{HEAD},name\n", "`name` is named twice"),
     (f'{HEAD}\n"n,k,m,1,s,S\n', r"table.csv:2: is not CSV.*close")],
)  # fmt: skip
def test_what_is_no_table_says_where_and_what_to_do(text, said):
    with pytest.raises(DataError, match=said):
        read(text)


def test_missing_and_binary_files_are_refused(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_rows(tmp_path / "none.csv")
    (tmp_path / "bad.csv").write_bytes(b"\xff\xfe\x00n")
    with pytest.raises(DataError, match="UTF-8"):
        read_rows(tmp_path / "bad.csv")


def test_a_short_row_has_empty_cells():
    (row,) = read(f"{HEAD}\nn,k\n")
    assert row.value == ""
    assert row.source == ""
    assert set(REQUIRED) <= set(COLUMNS)


def test_interval_of_a_factor_is_the_normal_one():
    draws = 10 * np.exp(0.2 * np.random.default_rng(0).standard_normal(400_000))
    found = within(10.0, 0.2, "x")
    assert found.low == pytest.approx(np.quantile(draws, 0.05), rel=0.01)
    assert found.high == pytest.approx(np.quantile(draws, 0.95), rel=0.01)


@settings(max_examples=50)
@given(st.floats(1e-9, 1e12), st.floats(0, 3))
def test_an_interval_holds_its_value(value, sigma):
    found = within(value, sigma, "x")
    assert found.low <= found.value <= found.high
    assert math.sqrt(found.low * found.high) == pytest.approx(value)


def test_ends_may_be_given_in_any_order():
    assert between(2.0, 3.0, 1.0, "x").low == 1.0
    assert between(5.0, 1.0, 3.0, "x").high == 5.0


def test_every_column_of_a_row_is_text():
    assert all(field.type == "str" for field in dataclasses.fields(Row)
               if field.name != "line")  # fmt: skip
    assert Path(published_file()).suffix == ".csv"
