import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.fabs.dies import (
    gross_dies,
    murphy_yield,
    negative_binomial_yield,
    packed_dies,
    poisson_yield,
    stack_yield,
)


def test_gross_dies_of_the_h100():
    # 814 mm2 on 300 mm: 63.5 by the formula; web pages that say 86 forget the edge
    assert gross_dies(814.0) == pytest.approx(63.5, abs=0.05)
    assert math.pi * 150**2 / 814 == pytest.approx(86.8, abs=0.1)


def test_published_murphy_yields():
    # AnandTech 2019 on TSMC's 5 nm test chip: 17.92 mm2 at 80 % yield is D0 = 1.271 per cm2,
    # and a 100 mm2 die would then yield 32.0 %
    assert murphy_yield(0.1792 * 1.271) == pytest.approx(0.80, abs=0.001)
    assert murphy_yield(1.0 * 1.271) == pytest.approx(0.320, abs=0.001)


def test_published_stack_yield():
    # 16 layers at 99.5 % a die and 99.8 % a bond give about 90 %
    assert stack_yield(0.995, 0.998, 16) == pytest.approx(0.896, abs=0.001)


def test_packing_agrees_with_the_formula_where_dies_are_small():
    exact = packed_dies(5.0, 5.0, edge_mm=0.0, scribe_mm=0.0)
    assert exact == pytest.approx(float(gross_dies(25.0)), rel=0.01)


def test_packing_counts_by_hand():
    # one die of the wafer's inscribed square; four quadrant squares
    assert packed_dies(200.0, 200.0, edge_mm=0.0, scribe_mm=0.0) == 1
    assert packed_dies(106.0, 106.0, edge_mm=0.0, scribe_mm=0.0) == 4
    assert packed_dies(300.0, 10.0, edge_mm=0.0, scribe_mm=0.0) == 0


def test_packing_of_a_reticle_sized_die():
    # 814 mm2 at the reticle's 26 mm width, 3 mm edge: 60 to 68 by hand-counted wafer maps
    assert 60 <= packed_dies(26.0, 814 / 26, scribe_mm=0.1) <= 68


@given(st.floats(1.0, 800.0), st.floats(1.0, 800.0))
def test_larger_dies_are_fewer(a, b):
    assert gross_dies(min(a, b)) >= gross_dies(max(a, b)) >= 0


defects = st.floats(0.0, 20.0)


@given(defects, defects)
@pytest.mark.parametrize("model", [poisson_yield, murphy_yield, negative_binomial_yield])
def test_more_defects_never_yield_more(model, a, b):
    low, high = sorted((a, b))
    assert 0 <= model(high) <= model(low) + 1e-12 <= 1 + 1e-12


@given(st.floats(0.01, 20.0))
def test_clustering_helps_and_vanishes_in_the_limit(ad):
    assert poisson_yield(ad) < murphy_yield(ad)
    assert poisson_yield(ad) < negative_binomial_yield(ad, 3.0)
    assert negative_binomial_yield(ad, 1e9) == pytest.approx(float(poisson_yield(ad)), rel=1e-5)


def test_arrays_and_perfect_processes():
    areas = np.linspace(1, 858, 1000)
    np.testing.assert_allclose(gross_dies(areas)[7], gross_dies(areas[7]))
    for model in (poisson_yield, murphy_yield, negative_binomial_yield):
        assert model(0.0) == 1.0
