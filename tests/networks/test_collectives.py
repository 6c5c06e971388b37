import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.networks.collectives import (
    Channel,
    all_gather,
    all_to_all,
    best_all_reduce,
    broadcast,
    bus_bandwidth,
    hierarchical_all_reduce,
    in_network_all_reduce,
    point_to_point,
    reduce_scatter,
    ring_all_reduce,
    ring_traffic,
    seconds_of,
    tree_all_reduce,
)

NIC = Channel(10e-6, 50e9)
payloads = st.floats(1e3, 1e11)
ranks = st.sampled_from([2, 3, 8, 32, 1024])


def ring_by_simulation(ranks, payload, alpha, beta):
    """Ring all-reduce done step by step on chunks: seconds, and whether all ranks hold the sum."""
    data = np.arange(ranks * ranks, dtype=float).reshape(ranks, ranks)  # rank, chunk
    goal, seconds = data.sum(0), 0.0
    for step in range(2 * (ranks - 1)):
        sent = data.copy()
        for rank in range(ranks):
            chunk = (rank - step) % ranks
            target = (rank + 1) % ranks
            add = step < ranks - 1
            value = sent[rank, chunk]
            data[target, chunk] = data[target, chunk] + value if add else value
        seconds += alpha + payload / ranks / beta
    return seconds, bool((data == goal).all())


@pytest.mark.parametrize("n", [2, 3, 4, 8])
def test_ring_takes_what_its_steps_take(n):
    seconds, summed = ring_by_simulation(n, 1e9, 10e-6, 50e9)
    assert summed
    assert float(ring_all_reduce(1e9, n, NIC)) == pytest.approx(seconds)


def test_published_traffic():
    assert float(ring_traffic(8)) == 1.75
    assert float(ring_traffic(1024)) == pytest.approx(1.998, abs=1e-3)


def test_reduce_scatter_and_gather_are_halves_of_a_ring():
    whole = ring_all_reduce(1e9, 8, NIC)
    assert float(reduce_scatter(1e9, 8, NIC) + all_gather(1e9, 8, NIC)) == pytest.approx(whole)


def test_trees_win_small_and_rings_large_at_many_ranks():
    kinds, seconds = best_all_reduce(np.array([1e3, 1e13]), 1024, NIC)
    assert kinds.tolist() == [1.0, 0.0]
    assert seconds[0] == tree_all_reduce(1e3, 1024, NIC)


def test_switches_that_add_nearly_double_the_bus_bandwidth():
    payload = 1e12
    ring = bus_bandwidth(payload, 8, ring_all_reduce(payload, 8, NIC))
    added = bus_bandwidth(payload, 8, in_network_all_reduce(payload, 8, NIC))
    assert float(added / ring) == pytest.approx(1.75, rel=1e-3)
    assert best_all_reduce(payload, 8, NIC, NIC)[0] == 2


def test_hierarchical_bounds_of_the_measured_machine():
    # 4 GiB on 4 x 8 B200: 741 GB/s inside, 50 GB/s NICs; 16.1 ms overlapped, 26.25 serial
    inside, out = Channel(0.0, 740.64e9), Channel(0.0, 50e9)
    low = hierarchical_all_reduce(2**32, 8, 4, inside, out, overlapped=True)
    high = hierarchical_all_reduce(2**32, 8, 4, inside, out)
    assert float(low) * 1e3 == pytest.approx(16.1, abs=0.05)
    assert float(high) * 1e3 == pytest.approx(26.25, abs=0.05)
    assert low < 22.05e-3 < high


@given(payloads, payloads, ranks)
def test_more_bytes_never_take_less_time(a, b, n):
    channel = Channel(5e-6, 100e9, 1e7)
    for kind in (ring_all_reduce, tree_all_reduce, in_network_all_reduce, all_to_all, broadcast):
        assert kind(min(a, b), n, channel) <= kind(max(a, b), n, channel) * (1 + 1e-12)


@given(payloads, ranks)
def test_hierarchy_overlapped_is_never_slower(payload, n):
    inside = Channel(1e-6, 450e9, 1e7)
    both = [hierarchical_all_reduce(payload, 8, n, inside, NIC, x) for x in (True, False)]
    assert both[0] <= both[1]


@given(payloads, ranks)
def test_bus_bandwidth_stays_below_the_link(payload, n):
    found = bus_bandwidth(payload, n, ring_all_reduce(payload, n, NIC))
    assert found < 50e9
    assert float(seconds_of(payload, n, found)) == pytest.approx(
        float(ring_all_reduce(payload, n, NIC))
    )


def test_one_call_covers_payloads_by_ranks():
    made = ring_all_reduce(np.logspace(3, 10, 50)[:, None], np.array([2, 8, 64])[None], NIC)
    assert made.shape == (50, 3)


def test_half_of_the_bandwidth_at_half():
    channel = Channel(0.0, 100e9, 64e6)
    assert float(point_to_point(64e6, channel)) == pytest.approx(64e6 / 50e9)
