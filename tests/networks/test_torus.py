import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.facts.catalogue import load_catalogue
from groundup.networks import torus
from groundup.networks.collectives import Channel
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


def test_tpu_v6e_pod_as_published():
    # cloud.google.com TPU v6e: 256 chips, 800 GB/s both ways over 4 ports; all-reduce bandwidth of
    # a pod 102.4 TB/s, bisection 3.2 TB/s
    facts = load_catalogue()
    ports = facts["networks.ici.tpu-v6e.links"].value
    one_way = facts["networks.ici.tpu-v6e.rate"].value / 2
    assert ports * one_way * 2 == 800
    pod = (16, 16, 1)
    assert bisection_links(pod) * one_way == 3200
    payload = 1e15
    seconds = float(torus.all_reduce(payload, pod, Channel(0.0, one_way * 1e9)))
    sent = 2 * 255 / 256 * payload * 256 / seconds  # by all chips together
    assert sent == pytest.approx(102.4e12)


def test_a_line_of_chips_is_a_ring_both_ways():
    link = Channel(1e-6, 50e9)
    assert float(torus.all_reduce(1e9, (8, 1, 1), link)) == pytest.approx(14e-6 + 1.75e9 / 100e9)
    assert float(torus.all_reduce(1e9, (1, 1, 1), link)) == 0.0
