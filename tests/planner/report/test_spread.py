from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.planner.report.spread import spread

ITEMS = st.lists(st.tuples(st.floats(-50, 250), st.floats(0.5, 30)), min_size=1, max_size=12)


@given(ITEMS)
def test_nothing_overlaps_and_all_stays_inside_if_it_fits(items: list[tuple[float, float]]) -> None:
    centres, sizes = [c for c, _ in items], [s for _, s in items]
    high = max(200.0, sum(sizes))
    placed = spread(centres, sizes, 0.0, high)
    order = sorted(range(len(items)), key=lambda i: placed[i])
    for a, b in pairwise(order):
        assert placed[b] - placed[a] >= (sizes[a] + sizes[b]) / 2 - 1e-6
    assert all(s / 2 - 1e-6 <= p <= high - s / 2 + 1e-6 for p, s in zip(placed, sizes, strict=True))


@given(ITEMS)
def test_keeps_the_order(items: list[tuple[float, float]]) -> None:
    centres = [c for c, _ in items]
    placed = spread(centres, [s for _, s in items], 0.0, 1000.0)
    order = sorted(range(len(items)), key=lambda i: (centres[i], i))
    assert [placed[i] for i in order] == sorted(placed)


def test_what_does_not_collide_is_left_where_it_is() -> None:
    assert spread([30.0, 10.0, 90.0], [10.0, 10.0, 10.0], 0.0, 100.0) == [30.0, 10.0, 90.0]


def test_two_that_collide_give_way_equally() -> None:
    assert spread([50.0, 50.0], [10.0, 10.0], 0.0, 100.0) == pytest.approx([45.0, 55.0])
