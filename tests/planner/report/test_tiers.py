from __future__ import annotations

from itertools import pairwise

import pytest
from tests.planner.report.reading import read_svg, shapes, texts

from groundup.facts.figures import Tier, Tiers
from groundup.planner.report.tiers import draw_tiers


def test_counts_names_and_cables_stand_once_from_the_top_down() -> None:
    figure = Tiers(
        "fat tree",
        (
            Tier("servers", 12500, "8 accelerators", 100000),
            Tier("leaf & more", 1563, "<64> ports up", 99000),
            Tier("spine", 782, ""),
        ),
    )
    said = texts(read_svg(draw_tiers(figure)))
    for label in ("12,500 servers", "100,000 cables", "99,000 cables", "<64> ports up"):
        assert said.count(label) == 1
    names = [text for text in said if text in ("782 spine", "1,563 leaf & more", "12,500 servers")]
    assert names == ["782 spine", "1,563 leaf & more", "12,500 servers"]
    assert said.count("…") == 3


@pytest.mark.parametrize("count", [0, 1, 7, 8])
def test_few_are_all_drawn(count: int) -> None:
    root = read_svg(draw_tiers(Tiers("t", (Tier("switches", count, "64 ports"),))))
    assert len(shapes(root, "rect", "box")) == count
    assert "…" not in texts(root)


def test_boxes_do_not_touch() -> None:
    root = read_svg(draw_tiers(Tiers("t", (Tier("switches", 9000, "64 ports"),))))
    lefts = sorted(float(e["x"]) for e in shapes(root, "rect", "box"))
    width = float(shapes(root, "rect", "box")[0]["width"])
    assert all(b - a > width for a, b in pairwise(lefts))


def test_no_cables_are_drawn_where_there_are_none() -> None:
    tiers = (Tier("a", 4, ""), Tier("b", 2, ""))
    assert not shapes(read_svg(draw_tiers(Tiers("t", tiers))), "line", "cable")
    assert draw_tiers(Tiers("t", ())) == ""
