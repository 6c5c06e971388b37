from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from groundup.middleware.normal import below, quantile

LIBRARY = NormalDist()


@examples(st.floats(-8, 8))
def test_share_below_agrees_with_the_library(z):
    assert float(below(z)) == pytest.approx(LIBRARY.cdf(z), rel=1e-9, abs=1e-15)


@examples(st.floats(1e-12, 1 - 1e-12))
def test_quantile_agrees_with_the_library(share):
    assert float(quantile(share)) == pytest.approx(LIBRARY.inv_cdf(share), rel=1e-8, abs=1e-9)


def test_ends_are_infinite_and_shapes_stay():
    assert quantile([0.0, 1.0]).tolist() == [-np.inf, np.inf]
    assert below(np.zeros((2, 3))).shape == (2, 3)
