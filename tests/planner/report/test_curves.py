from __future__ import annotations

import math
from itertools import pairwise

import pytest
from tests.planner.report.reading import read_svg, shapes, texts

from groundup.facts.figures import Curves, Line
from groundup.planner.report.curves import draw_curves


def points(polyline: dict[str, str]) -> list[tuple[float, float]]:
    return [tuple(map(float, pair.split(","))) for pair in polyline["points"].split()]  # type: ignore[misc]


def test_labels_stand_once_and_markup_is_text() -> None:
    names = ["<b>bold</b>", "A & B", "ünïcødé"]
    lines = tuple(Line(n, (0.0, 1.0), (float(i), 2.0 * i)) for i, n in enumerate(names))
    said = texts(read_svg(draw_curves(Curves("t < u", "time [h]", "power [MW]", lines))))
    for name in (*names, "time [h]", "power [MW]"):
        assert said.count(name) == 1


def test_a_power_law_is_straight_on_log_axes() -> None:
    x = tuple(10.0**i for i in range(6))
    figure = Curves("t", "x", "y", (Line("a", x, tuple(3 * v**2 for v in x)),), True, True)
    (curve,) = shapes(read_svg(draw_curves(figure)), "polyline", "curve")
    found = points(curve)
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(found)]
    assert slopes == pytest.approx([slopes[0]] * 5, abs=2e-3)
    assert slopes[0] < 0


def test_a_band_encloses_its_line() -> None:
    line = Line("a", (0.0, 1.0, 2.0), (1.0, 2.0, 1.5), (0.5, 1.0, 1.0), (2.0, 3.0, 2.5))
    root = read_svg(draw_curves(Curves("t", "x", "y", (line,))))
    (curve,), (band,) = shapes(root, "polyline", "curve"), shapes(root, "polygon", "band")
    edges = points(band)
    for (x, y), (above_x, above), (below_x, below) in zip(
        points(curve), edges[:3], edges[:2:-1], strict=True
    ):
        assert above_x == below_x == x
        assert above < y < below


def test_measured_points_have_whiskers_and_no_line() -> None:
    line = Line("a", (1.0, 2.0), (1.0, 2.0), (0.5, 1.5), (1.5, 2.5), dots=True)
    root = read_svg(draw_curves(Curves("t", "x", "y", (line,))))
    assert len(shapes(root, "line", "whisker")) == 2
    assert not shapes(root, "polyline", "curve")


def test_what_cannot_be_drawn_is_left_out() -> None:
    line = Line("a", (1.0, 2.0, 3.0, 4.0), (0.0, math.nan, 10.0, 100.0))
    root = read_svg(draw_curves(Curves("t", "x", "y", (line,), y_log=True)))
    assert len(points(shapes(root, "polyline", "curve")[0])) == 2
    assert (
        draw_curves(Curves("t", "x", "y", (Line("a", (1.0,), (math.nan,)), Line("b", (), ()))))
        == ""
    )


@pytest.mark.parametrize("count", [1, 5, 12, 25])
def test_names_of_many_lines_do_not_touch(count: int) -> None:
    lines = tuple(Line(f"line {i}", (0.0, 1.0), (0.0, 1.0)) for i in range(count))
    root = read_svg(draw_curves(Curves("t", "x", "y", lines)))
    heights = sorted(float(e["y"]) for e in shapes(root, "text", "label") if float(e["x"]) > 300)
    assert len(heights) == count
    assert all(b - a >= 13 for a, b in pairwise(heights))
    assert heights[-1] <= float((root.get("viewBox") or "").split()[3])


def test_measured_points_share_the_colour_of_their_model() -> None:
    lines = (
        Line("8 GPUs", (1.0, 2.0), (1.0, 2.0), dots=True),
        Line("8 GPUs, model", (1.0, 2.0), (1.0, 2.0)),
        Line("16 GPUs", (1.0, 2.0), (2.0, 3.0)),
    )
    root = read_svg(draw_curves(Curves("t", "x", "y", lines)))
    first, second = (e["class"] for e in shapes(root, "polyline", "curve"))
    assert {e["class"] for e in shapes(root, "circle", "dot")} == {"dot f0"}
    assert "s0" in first.split()
    assert "s0" not in second.split()


def test_a_crowded_log_axis_keeps_its_decades() -> None:
    line = Line("a name so long that there is little room for the axis", (1000.0, 1e6), (1.0, 2.0))
    said = texts(read_svg(draw_curves(Curves("t", "x", "y", (line,), x_log=True))))
    assert {"1000", "10k", "100k", "1M"} <= set(said)
    assert "20k" not in said or "50k" in said
