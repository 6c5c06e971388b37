from __future__ import annotations

from tests.planner.report.reading import read_svg, shapes, texts

from groundup.facts.figures import Bar, Bars
from groundup.planner.report.bars import draw_bars
from groundup.planner.report.legend import palette
from groundup.planner.report.svg import HALF


def test_few_parts_have_colours_of_their_own_and_others_are_grey() -> None:
    found = palette([Bar("a", (("x", 1.0), ("y", 2.0), ("others", 9.0)))])
    assert found.listed == ("x", "y", "others")
    assert len(set(found.styles.values())) == 3
    assert found.styles["others"] == "rest"


def test_colours_say_nothing_where_each_bar_is_one_part_of_one_name() -> None:
    assert palette([Bar("a", (("", 1.0),)), Bar("b", (("", 2.0),))]).listed == ()
    assert palette([Bar("a", (("need", 1.0),)), Bar("b", (("have", 2.0),))]).listed == ()
    pairs = [Bar(f"{i} {name}", ((name, 1.0),)) for i in range(2) for name in ("need", "have")]
    assert palette(pairs).listed == ("need", "have")


def test_of_many_parts_the_largest_are_coloured_and_the_rest_named_inside() -> None:
    bars = tuple(
        Bar(f"step {i}", (("china", 50.0), (f"land {i}", 30.0), ("others", 20.0)))
        for i in range(30)
    )
    found = palette(bars)
    assert found.listed[0] == "china"
    assert len(found.written) == 25
    root = read_svg(draw_bars(Bars("t", "%", bars)))
    said = texts(root)
    assert said.count("china") == said.count("others") == 1
    for i in range(30):
        assert said.count(f"land {i}") == 1
    assert float((root.get("viewBox") or "").split()[2]) > HALF
    assert len(shapes(root, "rect", "part")) == 90


def test_sums_that_are_round_but_for_the_last_bits_need_no_tick_beyond() -> None:
    parts = tuple((name, 100 / 3 + 1e-13) for name in "abc")
    assert "125" not in texts(read_svg(draw_bars(Bars("t", "%", (Bar("x", parts),)))))
