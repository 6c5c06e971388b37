import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.networks import torus
from groundup.networks.torus import bisection_links, links, most_endpoints


def neighbours(shape):
    """Links of a torus, counted chip by chip."""
    found = set()
    for chip in itertools.product(*map(range, shape)):
        for axis, side in enumerate(shape):
            other = list(chip)
            other[axis] = (chip[axis] + 1) % side
            if tuple(other) != chip:
                found.add(frozenset((chip, tuple(other))))
    return found


def test_tpu_v4_pod_as_published():
    # arXiv:2304.01433: 4 096 chips in 64 cubes, 48 circuit switches, 96 optical links a cube
    built = torus.torus(4096.0, 128)
    assert int(built.core) == 48
    assert int(built.core_cables) == 64 * 96 == 6144
    assert most_endpoints(128) == 4096


def test_copper_and_fibre_make_the_whole_torus():
    # two fibres meet in a circuit switch and make one link
    built = torus.torus(4096.0, 128)
    assert int(built.leaf_cables) + int(built.core_cables) // 2 == links((16, 16, 16)) == 3 * 4096


@given(st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 5)))
def test_links_are_those_counted_chip_by_chip(shape):
    assert links(shape) == len(neighbours(shape))


@pytest.mark.parametrize("shape", [(4, 4, 4), (2, 2, 2), (4, 4, 8), (1, 4, 6), (2, 4, 4)])
def test_bisection_is_what_the_middle_plane_cuts(shape):
    axis = shape.index(max(shape))
    half = shape[axis] // 2
    cut = [link for link in neighbours(shape) if len({c[axis] < half for c in link}) == 2]
    assert bisection_links(shape) == len(cut)


def test_more_cubes_than_ports_take_more_pods():
    assert int(torus.torus(4097.0, 128).core) == 96
    assert int(torus.torus(1.0, 128).core) == 0
