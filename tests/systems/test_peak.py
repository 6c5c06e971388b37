"""Peak memory of one stretch of work."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from groundup.systems.peak import PeakMemory


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can reset the mark")
def test_a_second_stretch_does_not_see_the_first() -> None:
    size = 200 * 2**20
    with PeakMemory() as big:
        np.ones(size, np.uint8).sum()
    with PeakMemory() as small:
        np.ones(1000, np.uint8).sum()
    assert big.peak_bytes - small.peak_bytes > 0.8 * size
