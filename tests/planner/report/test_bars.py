from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.planner.report.reading import read_svg, shapes, texts

from groundup.facts.figures import Bar, Bars
from groundup.planner.report.bars import draw_bars


@given(st.lists(st.floats(0.01, 1e4), min_size=2, max_size=12))
def test_lengths_are_proportional_to_values(values: list[float]) -> None:
    bars = tuple(Bar(f"bar {i}", (("", v),)) for i, v in enumerate(values))
    drawn = shapes(read_svg(draw_bars(Bars("t", "MW", bars))), "rect", "part")
    lengths = [float(e["width"]) for e in drawn]
    longest = max(values)
    for length, value in zip(lengths, values, strict=True):
        assert length == pytest.approx(max(lengths) * value / longest, abs=0.02)


def test_stacked_parts_touch_and_negative_ones_go_the_other_way() -> None:
    bar = Bar("b", (("a", 2.0), ("b", 3.0), ("c", -4.0)))
    a, b, c = shapes(read_svg(draw_bars(Bars("t", "USD", (bar,)))), "rect", "part")
    zero = float(a["x"])
    assert zero + float(a["width"]) == pytest.approx(float(b["x"]), abs=0.02)
    assert float(c["x"]) + float(c["width"]) == pytest.approx(zero, abs=0.02)
    widths = [Fraction(e["width"]) for e in (a, b, c)]
    assert float(widths[1] / widths[0]) == pytest.approx(1.5, abs=0.01)
    assert float(widths[2] / widths[0]) == pytest.approx(2.0, abs=0.01)


def test_labels_stand_once_and_markup_is_text() -> None:
    bars = (
        Bar("H100 <script>", (("die", 100.0), ("memory & bus", 50.0)), 120.0, 190.0),
        Bar("nothing", ()),
    )
    said = texts(read_svg(draw_bars(Bars("t", "USD/accelerator", bars))))
    for label in ("H100 <script>", "die", "memory & bus", "USD/accelerator", "nothing", "no data"):
        assert said.count(label) == 1
    assert "150 120 – 190" in said


def test_a_whisker_spans_its_interval() -> None:
    bar = Bar("b", (("a", 10.0),), 5.0, 20.0)
    root = read_svg(draw_bars(Bars("t", "MW", (bar,))))
    (part,) = shapes(root, "rect", "part")
    whisker = max(shapes(root, "line", "error"), key=lambda e: float(e["x2"]) - float(e["x1"]))
    one = float(part["width"]) / 10
    assert float(whisker["x1"]) - float(part["x"]) == pytest.approx(5 * one, abs=0.02)
    assert float(whisker["x2"]) - float(part["x"]) == pytest.approx(20 * one, abs=0.02)


def test_an_endless_whisker_does_not_squeeze_the_bars() -> None:
    bars = (Bar("a", (("", 10.0),), 1.0, 1e9), Bar("b", (("", 5.0),)))
    root = read_svg(draw_bars(Bars("t", "MW", bars)))
    assert float(shapes(root, "rect", "part")[0]["width"]) > 50
    assert len(shapes(root, "polyline", "error")) == 1  # an arrow at the cut end
    assert "1G" in " ".join(texts(root))


@pytest.mark.parametrize("value", [0.0, -0.0, 1e-12, 1e15, math.nan, math.inf])
def test_any_value_can_be_drawn(value: float) -> None:
    drawn = draw_bars(Bars("t", "W", (Bar("a", (("x", value), ("y", 1.0))),)))
    read_svg(drawn)
    assert "nan" not in drawn
    assert "inf" not in drawn
