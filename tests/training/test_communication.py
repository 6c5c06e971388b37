import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.training.cases import H100, LAWS

from groundup.networks.collectives import Channel, all_gather
from groundup.networks.collectives import all_to_all as exchanged
from groundup.training.communication import (
    all_to_all_seconds,
    exposed,
    gather_seconds,
    inside,
    send_seconds,
)

A = np.asarray
SIZES = st.sampled_from([2.0, 4.0, 8.0, 16.0, 64.0, 512.0])


def test_a_gather_inside_of_a_domain_is_the_ring_of_the_networks_floor():
    ring = all_gather(1e9, 8, Channel(0.0, float(450e9 * LAWS.up_share[0])))

    ours = gather_seconds(A(1e9), A(8.0), A(1.0), H100, LAWS)

    assert ours[0] == pytest.approx(float(ring), rel=5e-3)  # beside it: latency of three steps


def test_a_gather_between_domains_of_one_rank_each_is_the_ring_over_cards():
    ring = all_gather(1e9, 16, Channel(0.0, float(50e9 * LAWS.out_share[0])))

    ours = gather_seconds(A(1e9), A(16.0), A(8.0), H100, LAWS)

    assert ours[0] == pytest.approx(float(ring), rel=2e-3)


def test_an_exchange_inside_of_a_domain_is_that_of_the_networks_floor():
    """Copies to several ranks of one domain are all sent: nothing is saved there."""
    plain = exchanged(1e9, 8, Channel(0.0, float(450e9 * LAWS.up_share[0])))

    ours = all_to_all_seconds(A(1e9), A(1.0), A(8.0), A(1.0), H100, LAWS)

    assert ours[0] == pytest.approx(float(plain), rel=1e-2)


def test_domains_that_copies_reach_agree_with_throwing_them():
    rng = np.random.default_rng(0)
    thrown = rng.integers(0, 4, (200_000, 8))  # 8 copies over 4 domains of 8
    away = np.mean([len(set(row) - {0}) for row in thrown[:20_000]])
    seconds = all_to_all_seconds(A(8e9), A(8.0), A(32.0), A(1.0), H100, LAWS)

    assert seconds[0] == pytest.approx(away * 1e9 / (50e9 * LAWS.out_share[0]), rel=0.02)


@given(SIZES, st.sampled_from([1.0, 2.0, 8.0]), st.floats(1e6, 1e12))
def test_gathers_grow_with_size_distance_and_payload(size, stride, payload):
    one = gather_seconds(A(payload), A(size), A(stride), H100, LAWS)

    assert one > 0
    assert gather_seconds(A(2 * payload), A(size), A(stride), H100, LAWS) > one
    assert gather_seconds(A(payload), A(size), A(2 * stride), H100, LAWS) >= one * 0.999


def test_alone_nothing_is_sent():
    assert gather_seconds(A(1e9), A(1.0), A(1.0), H100, LAWS)[0] == 0


def test_ranks_of_a_domain():
    assert inside(A(16.0), A(1.0), H100)[0] == 8
    assert inside(A(16.0), A(4.0), H100)[0] == 2
    assert inside(A(4.0), A(64.0), H100)[0] == 1


def test_stages_of_one_domain_send_over_its_links():
    near, far = (send_seconds(A(1e9), A(span), H100, LAWS)[0] for span in (4.0, 64.0))

    assert far / near == pytest.approx(9 * LAWS.up_share[0] / LAWS.out_share[0], rel=0.01)


@given(st.floats(0.0, 10.0), st.floats(0.0, 10.0), st.floats(0.0, 1.0))
def test_what_is_exposed_is_between_the_share_and_all(seconds, window, share):
    left = exposed(A(seconds), A(window), A(share))

    assert seconds * share - 1e-12 <= left <= seconds + 1e-12
