import numpy as np
import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import NoDataError
from groundup.facts.estimate import given
from groundup.training.failures import (
    CLUSTERS,
    Checkpoint,
    asynchronous,
    best_interval,
    between_failures,
    blocking,
    daly,
    effective_time,
    failure_rate,
    goodput,
    in_memory,
    slowest,
    stretch,
    young,
)

FACTS = load_catalogue()


def test_closed_form_of_young() -> None:
    # sqrt(2 x 60 s x 3.09 h) is 19 minutes, and 10.4 % is lost without restarts
    found = goodput(
        given(16384.0, "accelerator", "n", "here"),
        given(1 / (3.09 * 16384), "1/(accelerator*h)", "rate", "here"),
        given(60.0, "s", "write", "here"),
        given(0.0, "s", "restart", "here"),
    )
    assert found.interval.value == pytest.approx(19.2, rel=0.01)
    assert 1 / found.share.value - 1 == pytest.approx(0.104, rel=0.01)


@examples(st.floats(1, 600), st.floats(1e-6, 1e-4), st.integers(64, 200_000))
def test_youngs_interval_is_the_best_one(write: float, rate: float, count: int) -> None:
    found = goodput(
        given(float(count), "accelerator", "n", "here"),
        given(rate, "1/(accelerator*h)", "rate", "here"),
        given(write, "s", "write", "here"),
        given(300.0, "s", "restart", "here"),
    )
    between = 3600 / (rate * count)

    def elapsed(interval: float) -> float:
        return 1 + write / interval + interval / (2 * between) + 300 / between

    best = found.interval.value * 60
    assert 1 / found.share.value == pytest.approx(elapsed(best), rel=1e-6)
    assert elapsed(best) <= min(elapsed(best * 0.9), elapsed(best * 1.1)) + 1e-12


def simulated(interval, stall, between, restart, segments, seed):
    """Elapsed over useful time of a run whose failures come one by one, also while it restarts."""
    draw = np.random.default_rng(seed)
    elapsed, next_failure = 0.0, draw.exponential(between)
    for _ in range(segments):
        work = interval + stall
        while elapsed + work > next_failure:
            elapsed = next_failure
            next_failure += draw.exponential(between)
            work = interval + stall + restart
        elapsed += work
    return elapsed / (segments * interval)


@pytest.mark.parametrize(
    ("interval", "stall", "between", "restart"),
    [(1150, 60, 11124, 600), (600, 300, 1800, 900), (60, 1, 1800, 200), (4000, 30, 3000, 100)],
)
def test_stretch_is_that_of_simulated_failures(interval, stall, between, restart) -> None:
    kept = Checkpoint(*(np.asarray(x) for x in (stall, 0.0, 0.0, 0.0)))
    ours = float(stretch(interval, kept, between, restart))
    runs = [simulated(interval, stall, between, restart, 4000, seed) for seed in range(8)]
    noise = np.std(runs) / np.sqrt(len(runs))
    assert abs(ours - np.mean(runs)) < max(4 * noise, 0.004 * ours)


@examples(st.floats(1, 1000), st.floats(600, 1e6))
def test_dalys_interval_is_the_minimum(stall: float, between: float) -> None:
    kept = Checkpoint(*(np.asarray(x) for x in (stall, 0.0, 0.0, 0.0)))
    found = float(stretch(daly(stall, between), kept, between, 100.0))
    grid = np.geomspace(stall / 50, between * 5, 4000)
    least = float(stretch(grid, kept, between, 100.0).min())
    # the series is Daly's own, within 0.2 % of the minimum for stalls that are below M / 2
    assert found <= least * (1.002 if stall < between / 2 else 1.2)
    if stall < between / 100:
        assert daly(stall, between) == pytest.approx(young(stall, between), rel=0.08)


def test_better_checkpoints_lose_less() -> None:
    # 405B at 14 B a parameter on 16,384: the store as Llama 3's, PCIe to hosts, NICs to peers
    size, count = 405e9 * 14, 16384
    between = between_failures(1.973e-5 / 3600, count)
    ways = [
        blocking(size, 2e12),
        asynchronous(size, 25e9 * count, 2e12),
        in_memory(size, 25e9 * count, 40e9 * count),
    ]
    shares = [float(effective_time(way, between, 300.0)) for way in ways]
    assert shares == sorted(shares)
    assert 0.90 < shares[0] < shares[-1] < 0.99  # "more than 90 %", arXiv:2407.21783 section 3.3.4
    assert (best_interval(ways[1], between) >= ways[1].shortest).all()


@examples(st.floats(1e-6, 1e-3), st.integers(8, 1_000_000), st.floats(0.1, 600))
def test_more_machines_never_train_a_larger_share(rate: float, count: int, stall: float) -> None:
    kept = blocking(np.asarray(stall), np.asarray(1.0))
    one, two = (
        effective_time(kept, between_failures(rate / 3600, n), 60.0) for n in (count, 2 * count)
    )
    assert two <= one <= 1


@pytest.mark.parametrize(("count", "hours"), [(16384, 1.8), (131072, 0.23)])
def test_projected_time_between_failures_of_a_fleet(count: int, hours: float) -> None:
    # arXiv:2410.21680, section III, projections: jobs of 16,384 and 131,072 GPUs at RSC-1's rate
    rate = failure_rate(FACTS, cluster="rsc1").to("1/(accelerator*s)").value
    found = float(between_failures(np.asarray(rate), np.asarray(count))) / 3600
    assert found == pytest.approx(hours, rel=0.03)


def test_clusters_on_record() -> None:
    rates = [failure_rate(FACTS, cluster=name).value for name in CLUSTERS]
    spread = failure_rate(FACTS, samples=100)
    assert min(rates) < spread.value < max(rates)
    with pytest.raises(NoDataError):
        failure_rate(FACTS, cluster="moon")


@pytest.mark.parametrize("count", [8, 100, 2048])
def test_slowest_of_normal_machines(count: int) -> None:
    draws = np.random.default_rng(1).normal(1.0, 0.02, (4000, count)).max(axis=1)
    assert float(slowest(count, 0.02)) == pytest.approx(draws.mean(), abs=6e-4)


def test_one_code_path_for_a_point_and_draws() -> None:
    counts, stalls = np.array([[100.0], [10_000.0]]), np.linspace(1, 60, 5)
    kept = blocking(stalls, np.asarray(1.0))
    many = effective_time(kept, between_failures(5e-9, counts), 60.0)
    assert many.shape == (2, 5)
    single = blocking(np.asarray(stalls[3]), np.asarray(1.0))
    assert many[1, 3] == pytest.approx(
        float(effective_time(single, between_failures(5e-9, 1e4), 60))
    )
