"""The computed shuffle is a bijection, covers each epoch once, and differs by epoch and seed."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.training.order import permuted, shuffled


@settings(deadline=None)
@given(size=st.integers(1, 3000), key=st.integers(0, 2**63))
def test_permutation_is_a_bijection(size, key):
    image = permuted(np.arange(size), size, key)
    assert sorted(image.tolist()) == list(range(size))


@settings(deadline=None)
@given(size=st.integers(5, 500), seed=st.integers(0, 2**31), start=st.integers(0, 300))
def test_any_position_is_found_without_the_ones_before(size, seed, start):
    stream = shuffled(np.arange(start + 20), size, seed)
    assert np.array_equal(stream[start:], shuffled(np.arange(start, start + 20), size, seed))


def test_each_epoch_is_another_permutation():
    stream = shuffled(np.arange(3000), 1000, seed=7).reshape(3, 1000)
    for epoch in stream:
        assert sorted(epoch.tolist()) == list(range(1000))
    assert not np.array_equal(stream[0], stream[1])
    assert not np.array_equal(stream[0], shuffled(np.arange(1000), 1000, seed=8))


def test_the_shuffle_mixes():
    """Neighbours land far apart: the correlation of position and image is near zero."""
    image = permuted(np.arange(20000), 20000, 3)
    assert abs(np.corrcoef(np.arange(20000), image)[0, 1]) < 0.03
