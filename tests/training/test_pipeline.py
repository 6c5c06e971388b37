import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.training.layouts import layout

from groundup.training.layout import GPIPE, ONE_F_ONE_B, ZERO_BUBBLE, ZERO_BUBBLE_DEEP
from groundup.training.pipeline import bubble, idle_share, in_flight, in_flight_last

MANY = st.integers(1, 512)


@pytest.mark.parametrize(("virtual", "published"), [(1, 7 / 15), (2, 7 / 23), (4, 7 / 39)])
def test_bubble_of_the_interleaved_paper(virtual, published):
    """Narayanan et al. 2021: (p - 1)/m of the ideal time, 1/v of it interleaved."""
    one = layout(pipeline=8, batch=8, virtual=virtual)
    assert float(idle_share(one)) == pytest.approx(published)


def test_zero_bubble_table():
    """Qi et al. 2023, table 2: (p-1)(F+B-W) and (p-1)(F+B-2W), memory p and 2p - 1."""
    forward, backward, weight = 1.0, 1.1, 0.9
    whole = 64 * (forward + backward + weight)
    for kind, left, kept in (
        (ZERO_BUBBLE, forward + backward - weight, 8),
        (ZERO_BUBBLE_DEEP, forward + backward - 2 * weight, 15),
    ):
        one = layout(pipeline=8, batch=64, schedule=kind)
        share = float(bubble(one, forward, backward, weight))
        assert share == pytest.approx(7 * left / whole)
        assert float(in_flight(one)) == kept


def test_interleaving_keeps_more():
    """Korthikanti et al., section 4.2.3: 1 + (p - 1)/(p m) of the plain memory."""
    plain, three = (layout(pipeline=35, batch=280, virtual=v) for v in (1, 3))
    assert float(in_flight(three) / in_flight(plain)) == pytest.approx(1 + 34 / (35 * 3))


@given(MANY, MANY, st.integers(1, 8), st.sampled_from([0, 1, 2, 3]))
def test_nothing_exceeds_the_micro_batches_there_are(ranks, count, virtual, kind):
    one = layout(pipeline=ranks, batch=count, virtual=virtual, schedule=kind)
    assert 0 <= float(idle_share(one)) < 1
    assert float(in_flight_last(one)) <= float(in_flight(one)) <= count
    if ranks == 1:
        assert float(bubble(one)) == 0


@given(MANY, MANY)
def test_schedules_rank_as_they_should(ranks, count):
    shares = [
        float(idle_share(layout(pipeline=ranks, batch=count, schedule=kind)))
        for kind in (GPIPE, ONE_F_ONE_B, ZERO_BUBBLE)
    ]
    assert shares[0] == shares[1] >= shares[2]


def test_rows_and_layouts_broadcast():
    grid = layout(
        pipeline=np.array([[1.0], [4.0], [8.0]]), batch=np.array([8.0, 64.0]), accelerators=8
    )
    assert idle_share(grid).shape == (3, 2)
    assert in_flight(grid).shape == (3, 2)
