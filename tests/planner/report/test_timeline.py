from __future__ import annotations

import math

import pytest
from tests.planner.report.reading import read_svg, shapes, texts

from groundup.facts.figures import Span, Timeline
from groundup.planner.report.svg import text_width
from groundup.planner.report.timeline import draw_timeline

SPANS = (
    Span("order <now>", 0, 0, "day one"),
    Span("wafers", 0, 4, "cycle time"),
    Span("grid & queue", 2, 36, "the utility's study, then the line and the substation"),
    Span("late", 34, 36, "a"),
)


def test_labels_and_notes_stand_once() -> None:
    said = texts(read_svg(draw_timeline(Timeline("t", "month", SPANS))))
    for label in (
        "order <now>",
        "wafers",
        "grid & queue",
        "0: day one",
        "0 – 4: cycle time",
        "month",
    ):
        assert said.count(label) == 1


def test_bars_are_as_long_as_their_spans() -> None:
    root = read_svg(draw_timeline(Timeline("t", "month", SPANS)))
    wafers, grid, late = shapes(root, "rect", "part")
    month = float(wafers["width"]) / 4
    assert float(grid["width"]) == pytest.approx(34 * month, abs=0.05)
    assert float(late["x"]) - float(wafers["x"]) == pytest.approx(34 * month, abs=0.05)
    assert len(shapes(root, "polygon", "part")) == 1  # a moment is a diamond


def test_all_words_are_inside() -> None:
    root = read_svg(draw_timeline(Timeline("t", "month", SPANS)))
    width = float((root.get("viewBox") or "").split()[2])
    for place, said in zip(shapes(root, "text"), texts(root), strict=True):
        wide = text_width(said) if len(said) < 60 else 0.0
        shift = {"start": 0.0, "middle": 0.5, "end": 1.0}[place.get("text-anchor", "start")]
        left = float(place["x"]) - shift * wide
        assert left >= -1
        assert left + wide <= width + 8


def test_years_are_not_counted_from_zero_or_shortened() -> None:
    said = texts(read_svg(draw_timeline(Timeline("t", "year", (Span("a", 2021, 2024.5),)))))
    assert "0" not in said
    assert "2021 – 2024.5" in said


def test_spans_without_end_are_left_out() -> None:
    assert draw_timeline(Timeline("t", "month", (Span("a", 0, math.inf),))) == ""


def test_spans_of_one_kind_share_a_colour() -> None:
    spans = tuple(
        Span(f"{way}: {what}", i, i + 1)
        for i, way in enumerate(("grid", "gas", "sun"))
        for what in ("wait", "ramp")
    )
    drawn = shapes(read_svg(draw_timeline(Timeline("t", "month", spans))), "rect", "part")
    assert [bar["class"] for bar in drawn] == ["part f0", "part f1"] * 3
