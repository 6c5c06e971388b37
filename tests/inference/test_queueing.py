from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.inference.queueing import (
    erlang_c,
    gather_wait,
    kingman_wait,
    littles_number,
    md1_wait,
    mg1_ps_stay,
    mg1_wait,
    mm1_wait,
    mm1_wait_quantile,
    mmc_wait,
    steady_batch,
)

loads = st.floats(0.01, 0.98)


def chain(rate: float, service: float, servers: int, states: int = 4000) -> tuple[float, float]:
    """Chance to wait and mean wait in M/M/c from the balance equations, written out."""
    log = [0.0]
    for at in range(1, states):
        log.append(log[-1] + math.log(rate * service / min(at, servers)))
    weight = np.exp(np.asarray(log) - max(log))
    share = weight / weight.sum()
    queue = np.maximum(np.arange(states) - servers, 0)
    return float(share[servers:].sum()), float((queue * share).sum() / rate)


@pytest.mark.parametrize(("servers", "load"), [(1, 0.5), (3, 0.7), (10, 0.9), (100, 0.95)])
def test_erlang_is_the_birth_and_death_chain(servers: int, load: float) -> None:
    waits, wait = chain(load * servers, 1.0, servers)
    assert erlang_c(load * servers, 1.0, servers) == pytest.approx(waits, rel=1e-6)
    assert mmc_wait(load * servers, 1.0, servers) == pytest.approx(wait, rel=1e-5)


def test_erlang_of_tables() -> None:
    """Published: C(2, 1) = 1/3; thousands of servers stay finite."""
    assert erlang_c(1.0, 1.0, 2) == pytest.approx(1 / 3)
    assert 0 < erlang_c(4900.0, 1.0, 5000) < 1


@given(loads)
def test_one_server_is_the_special_case(load: float) -> None:
    assert mmc_wait(load, 1.0, 1) == pytest.approx(float(mm1_wait(load, 1.0)))
    assert float(md1_wait(load, 1.0)) == pytest.approx(float(mm1_wait(load, 1.0)) / 2)
    assert float(kingman_wait(load, 1.0, 1.0, 0.5)) == pytest.approx(float(mg1_wait(load, 1, 0.5)))
    stay = float(mm1_wait(load, 1.0)) + 1.0
    assert float(mg1_ps_stay(load, 1.0)) == pytest.approx(stay)
    assert float(littles_number(load, stay)) == pytest.approx(load / (1 - load))


@given(loads, st.floats(0.5, 0.999))
def test_quantile_inverts_the_tail(load: float, share: float) -> None:
    wait = mm1_wait_quantile(load, 1.0, share)
    above = load * math.exp(-(1 - load) * wait)
    assert above == pytest.approx(1 - share) if wait else above <= 1 - share + 1e-12


@given(loads, st.integers(2, 50))
def test_pooling_helps(load: float, servers: int) -> None:
    assert mmc_wait(load * servers, 1.0, servers) <= mmc_wait(load, 1.0, 1) + 1e-12


def test_no_steady_state_is_infinite() -> None:
    assert np.isinf(mm1_wait([1.0, 2.0], 1.0)).all()
    assert np.isinf(mg1_ps_stay(1.5, 1.0))
    assert math.isinf(mmc_wait(5, 1.0, 5))
    assert erlang_c(9, 1.0, 5) == 1.0
    assert math.isinf(mm1_wait_quantile(2, 1, 0.9))
    assert math.isinf(steady_batch(10, 200, 0.01, 0.001, 0.0))
    assert math.isinf(steady_batch(10, 200, 0.01, 0.0, 0.1))


def test_steady_batch_balances_arrivals_and_tokens() -> None:
    batch = steady_batch(5, 200, 0.01, 1e-4, 0.02)
    step = 0.01 + 1e-4 * batch
    assert batch / step * (1 - 5 * 0.02) == pytest.approx(5 * 200)  # tokens made = tokens asked
    assert float(gather_wait(3.0, 0.1)) == 0.05
