import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.fabs.dies import gross_dies, packed, packed_dies, packed_logic


def test_gross_dies_of_the_h100():
    # 814 mm2 on 300 mm: 63.5 by the formula; web pages that say 86 forget the edge
    assert gross_dies(814.0) == pytest.approx(63.5, abs=0.05)
    assert math.pi * 150**2 / 814 == pytest.approx(86.8, abs=0.1)


@pytest.mark.parametrize(
    ("area", "dies"), [(800, 58.792982698), (400, 129.984269718), (100, 571.712434412),
                       (814, 57.596497950), (880, 52.485969668), (960, 47.265724844)]
)  # fmt: skip
def test_gross_dies_of_chiplet_actuary(area, dies):
    # N_die_total and N_package_total of Chiplet Actuary (commit 2c91fb9) with its parameter.ini:
    # 5 mm edge loss, 0.2 mm scribe lane
    assert gross_dies(area, edge_mm=5.0, scribe_mm=0.2) == pytest.approx(dies, rel=1e-9)


def by_hand(width, height, radius, pitch_x, pitch_y, steps):
    """Every die of every grid position, corner by corner."""
    best = 0
    reach = int(radius / min(pitch_x, pitch_y)) + 2
    for i in range(steps):
        for j in range(steps):
            found = 0
            for column in range(-reach, reach):
                for row in range(-reach, reach):
                    x, y = (column + i / steps) * pitch_x, (row + j / steps) * pitch_y
                    corners = [(x + a, y + b) for a in (0, width) for b in (0, height)]
                    found += all(math.hypot(*corner) <= radius + 1e-9 for corner in corners)
            best = max(best, found)
    return best


@settings(max_examples=15, deadline=None)
@given(st.floats(12.0, 60.0), st.floats(12.0, 60.0), st.floats(0.0, 0.5))
def test_the_grid_is_what_enumeration_finds(width, height, scribe):
    counted = packed_dies(width, height, diameter_mm=150.0, scribe_mm=scribe, steps=3)
    assert counted == by_hand(width, height, 72.0, width + scribe, height + scribe, 3)


def test_packing_agrees_with_the_formula_where_dies_are_small():
    exact = packed_dies(5.0, 5.0, edge_mm=0.0, scribe_mm=0.0)
    assert exact == pytest.approx(float(gross_dies(25.0)), rel=0.01)


def test_packing_counts_by_hand():
    # one die of the wafer's inscribed square; four quadrant squares
    assert packed_dies(200.0, 200.0, edge_mm=0.0, scribe_mm=0.0) == 1
    assert packed_dies(106.0, 106.0, edge_mm=0.0, scribe_mm=0.0) == 4
    assert packed_dies(300.0, 10.0, edge_mm=0.0, scribe_mm=0.0) == 0


def test_packing_of_a_reticle_sized_die():
    # 814 mm2 at the reticle's 26 mm width: 67 or 68 with a 3 mm edge
    assert packed_dies(26.0, 814 / 26, scribe_mm=0.1) in (67, 68)
    assert packed_logic(814.0) == packed_dies(26.0, 814 / 26)
    assert packed_dies(26.0, 814 / 26, edge_mm=5.0) < packed_dies(26.0, 814 / 26, edge_mm=0.0)


def test_many_areas_are_counted_at_a_few_and_interpolated():
    areas = np.linspace(1500.0, 2900.0, 20_000)
    found = packed(areas)
    assert found[0] == packed(1500.0)
    assert found[-1] == packed(2900.0)
    exact = packed(areas[::500])
    assert np.abs(found[::500] - exact).max() <= 2  # steps of the count are one to three wide


@given(st.floats(1.0, 800.0), st.floats(1.0, 800.0))
def test_larger_dies_are_fewer(a, b):
    assert gross_dies(min(a, b)) >= gross_dies(max(a, b)) >= 0


def test_arrays():
    areas = np.linspace(1, 858, 1000)
    np.testing.assert_allclose(gross_dies(areas)[7], gross_dies(areas[7]))
