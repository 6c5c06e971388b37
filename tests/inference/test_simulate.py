from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.inference.one_step import gaps, serve

from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import ConfigError, DataError, NoDataError
from groundup.inference.arrivals import gamma, poisson
from groundup.inference.batching import steps_until
from groundup.inference.queueing import md1_wait, mg1_ps_stay, mm1_wait, mm1_wait_quantile, mmc_wait
from groundup.inference.requests import Requests
from groundup.inference.routers import ROUTERS
from groundup.inference.scheduler import POLICIES, Scheduler
from groundup.inference.simulate import Fleet, Run, Speculation, simulate
from groundup.inference.simulated import Slo, summarise
from groundup.inference.step_costs import StepCosts, affine, tabled
from groundup.inference.traces import published, sessions

FACTS = load_catalogue()
COSTS = affine(
    256, step=8e-3, per_request=5e-5, per_context=2e-8, per_prompt_token=2e-5, per_pair=1e-10
)


def mixed(count: int, rate: float, seed: int = 0) -> Requests:
    draw = np.random.default_rng(seed)
    prompt = np.maximum(draw.lognormal(6.3, 1.0, count), 1).astype(np.int64)
    output = np.maximum(draw.lognormal(4.8, 0.8, count), 1).astype(np.int64)
    return Requests(poisson(count, rate, seed), prompt, output)


def alike(count: int, rate: float, prompt: int, output: int, seed: int = 0) -> Requests:
    return Requests(poisson(count, rate, seed), np.full(count, prompt), np.full(count, output))


def one(**rules: float | str) -> Fleet:
    return Fleet(1, Scheduler(**rules))  # type: ignore[arg-type]


# -- the oracle: the same rules, one step and one request at a time ------------------------------


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(
    ("rate", "cache", "budget", "most"),
    [(3, 1e9, 2048, 256), (18, 40_000, 512, 64), (30, 16_000, 256, 16), (18, 9_000, 2048, 256)],
)
def test_equals_the_plain_simulation(
    policy: str, rate: float, cache: float, budget: int, most: int
) -> None:
    check_against_plain(mixed(150, rate), Scheduler(most, budget, policy, cache))


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    rate=st.floats(0.5, 60),
    cache=st.floats(2_000, 60_000),
    budget=st.integers(16, 4096),
    most=st.integers(1, 64),
    policy=st.sampled_from(POLICIES),
)
def test_equals_the_plain_simulation_anywhere(
    seed: int, rate: float, cache: float, budget: int, most: int, policy: str
) -> None:
    check_against_plain(mixed(40, rate, seed), Scheduler(most, budget, policy, cache))


def check_against_plain(requests: Requests, rules: Scheduler) -> None:
    run = simulate(requests, COSTS, Fleet(1, rules))
    plain = serve(requests, COSTS, rules)
    first = [s.times[0] if s.written == s.output else np.nan for s in plain]
    last = [s.times[-1] if s.written == s.output else np.nan for s in plain]
    np.testing.assert_allclose(run.finished, last, rtol=1e-9)
    served = np.isfinite(run.finished)
    np.testing.assert_allclose(run.first[served], np.asarray(first)[served], rtol=1e-9)
    np.testing.assert_allclose(run.started, [s.started for s in plain], rtol=1e-9)
    assert run.preempted.tolist() == [s.preempted for s in plain]
    if served.all():
        np.testing.assert_allclose(every_gap(run), gaps(plain), rtol=1e-7)


def every_gap(run: Run) -> np.ndarray:
    """All gaps of a run, sorted, from its runs of steps."""
    found = []
    for log in run.logs:
        for _, count, first, rise, steps, _, _ in log.steps:
            found += [first + rise * at for at in range(steps) for _ in range(count)]
        found += [seconds for _, count, seconds in log.gaps for _ in range(count)]
    return np.sort(np.asarray(found))


def test_knots_of_a_tabled_law_change_no_step() -> None:
    def decode(batch: np.ndarray, context: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        return 5e-3 + 1e-5 * batch + np.maximum(1e-7 * context, 2e-3) + 1e-5 * tokens

    def prefill(tokens: np.ndarray, past: np.ndarray) -> np.ndarray:
        return 5e-3 + 1e-5 * tokens + 1e-10 * tokens * (past + tokens / 2)

    costs = tabled(decode, prefill, 64, 60_000, 4096)
    requests, rules = mixed(120, 10), Scheduler(64, 512, "chunked", 50_000)
    run = simulate(requests, costs, Fleet(1, rules))
    plain = serve(requests, costs, rules)
    np.testing.assert_allclose(run.finished, [s.times[-1] for s in plain], rtol=1e-9)
    assert costs.decode(8, 30_000) == pytest.approx(5e-3 + 8e-5 + 3e-3, rel=1e-3)
    assert costs.mixed(0, 0, 1000, 1000 * 1500) == pytest.approx(
        float(prefill(np.asarray(1000.0), np.asarray(1000.0))), rel=1e-3
    )


@given(st.floats(1e-4, 1), st.floats(0, 1e-2), st.floats(1e-6, 100))
def test_steps_until_is_the_smallest_count(first: float, rise: float, seconds: float) -> None:
    count = steps_until(first, rise, seconds)
    assert count * first + rise * count * (count - 1) / 2 >= seconds
    fewer = count - 1
    assert count == 1 or fewer * first + rise * fewer * (fewer - 1) / 2 < seconds


# -- closed forms --------------------------------------------------------------------------------


def test_one_at_a_time_with_constant_service_is_md1() -> None:
    costs = affine(1, per_prompt_token=1e-3)
    for load in (0.3, 0.7):
        run = simulate(alike(40_000, load / 0.1, 100, 1), costs, one(most=1, budget=100))
        waits = run.started - run.requests.arrival
        assert waits.mean() == pytest.approx(float(md1_wait(load / 0.1, 0.1)), rel=0.05)


def test_one_at_a_time_with_exponential_service_is_mm1() -> None:
    draw = np.random.default_rng(1)
    count, load = 60_000, 0.6
    prompt = np.maximum(np.ceil(draw.exponential(10_000, count)), 1).astype(np.int64)
    costs = affine(1, per_prompt_token=1e-5)
    requests = Requests(poisson(count, load / 0.1), prompt, np.ones(count, np.int64))
    run = simulate(requests, costs, one(most=1, budget=10**7))
    waits = run.started - requests.arrival
    assert waits.mean() == pytest.approx(float(mm1_wait(load / 0.1, 0.1)), rel=0.06)
    assert np.quantile(waits, 0.9) == pytest.approx(mm1_wait_quantile(6.0, 0.1, 0.9), rel=0.06)


@pytest.mark.parametrize("spread", [0.0, 1.0])
def test_a_step_proportional_to_its_batch_is_processor_sharing(spread: float) -> None:
    """Insensitive: the mean stay depends on the mean service alone."""
    draw = np.random.default_rng(2)
    count, load, mean = 30_000, 0.6, 200
    output = draw.exponential(mean, count) if spread else np.full(count, mean)
    output = np.maximum(np.rint(output), 1).astype(np.int64) + 1
    costs = affine(256, per_request=1e-3)  # one token of one request takes 1 ms
    service = float(output.mean() - 1) * 1e-3
    requests = Requests(poisson(count, load / service), np.ones(count, np.int64), output)
    run = simulate(requests, costs)
    stays = run.finished - requests.arrival
    assert stays.mean() == pytest.approx(float(mg1_ps_stay(load / service, service)), rel=0.06)


def test_steps_of_constant_length_are_many_servers() -> None:
    """At most c requests and steps that cost the same whatever the batch: M/M/c."""
    draw = np.random.default_rng(3)
    count, servers, mean = 50_000, 4, 400
    output = draw.geometric(1 / mean, count) + 1
    service = mean * 1e-3
    rate = 0.6 * servers / service
    requests = Requests(poisson(count, rate), np.ones(count, np.int64), output)
    run = simulate(requests, affine(servers, step=1e-3), one(most=servers))
    waits = run.started - requests.arrival
    assert waits.mean() == pytest.approx(mmc_wait(rate, service, servers), rel=0.1)


# -- laws ----------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 1000),
    rate=st.floats(1, 80),
    replicas=st.integers(1, 4),
    router=st.sampled_from(ROUTERS),
    readers=st.integers(0, 2),
)
def test_every_request_ends_and_order_of_times_holds(
    seed: int, rate: float, replicas: int, router: str, readers: int
) -> None:
    requests = mixed(80, rate, seed)
    fleet = Fleet(replicas, Scheduler(cache=30_000), router, readers=readers)
    run = simulate(requests, COSTS, fleet, seed)
    assert np.isfinite(run.finished).all()
    assert (requests.arrival <= run.started + 1e-12).all()
    assert (run.started < run.first).all()
    assert (run.first <= run.finished).all()


def test_littles_law_is_exact() -> None:
    requests = mixed(500, 15)
    run = simulate(requests, COSTS)
    times = np.sort(np.concatenate([requests.arrival, run.finished]))
    present = np.searchsorted(requests.arrival, times[:-1], "right") - np.searchsorted(
        np.sort(run.finished), times[:-1], "right"
    )
    area = float((present * np.diff(times)).sum())
    assert area == pytest.approx(float((run.finished - requests.arrival).sum()), rel=1e-9)


def test_tokens_are_conserved() -> None:
    requests = mixed(400, 25)
    run = simulate(requests, COSTS, one(cache=12_000.0))
    assert run.preempted.sum() > 0
    served = np.isfinite(run.finished)
    assert every_gap(run).size >= (requests.output[served] - 1).sum()
    assert every_gap(run).size <= (requests.output - 1).sum()


def test_more_replicas_and_faster_steps_are_never_much_worse() -> None:
    requests = mixed(1500, 40)
    found = [summarise(simulate(requests, COSTS, Fleet(n))) for n in (2, 3, 4, 6)]
    waits = [s.ttft.p99 for s in found]
    assert all(b <= a * 1.05 for a, b in pairwise(waits))
    slow = summarise(simulate(requests, COSTS.slower(1.2), Fleet(3)))
    assert slow.tpot.p50 > found[1].tpot.p50


def test_chunks_lower_the_longest_gaps_and_delay_the_first_token() -> None:
    """Sarathi-Serve, figures 10 to 12: stalls disappear."""
    requests = replace(mixed(800, 6), prompt=np.full(800, 6000))
    whole = summarise(simulate(requests, COSTS, one(policy="prefill-first")))
    pieces = summarise(simulate(requests, COSTS, one(budget=512)))
    assert pieces.gap.p99 < 0.5 * whole.gap.p99
    assert pieces.ttft.p50 > whole.ttft.p50


def test_speculation_takes_fewer_steps() -> None:
    requests = alike(300, 2, 100, 400)
    drafts = Speculation(4, 0.8)
    plain, fast = (
        simulate(requests, COSTS, Fleet(1, speculation=s)) for s in (Speculation(), drafts)
    )
    ratio = (plain.finished - plain.first).mean() / (fast.finished - fast.first).mean()
    assert ratio == pytest.approx((1 - 0.8**5) / (1 - 0.8), rel=0.05)
    assert np.all(simulate(requests, COSTS, Fleet(1, speculation=Speculation(4, 1.0))).finished > 0)


def test_shared_prompts_are_read_once() -> None:
    requests = sessions(alike(600, 8, 2000, 60), 4, system=800, block=16)
    cold = simulate(requests, COSTS)
    warm = simulate(requests, COSTS, Fleet(1, prefix_cache=True))
    assert cold.hits.sum() == 0
    share = warm.hits.sum() / requests.prompt.sum()
    assert share > 0.5
    a, b = summarise(cold), summarise(warm)
    assert b.ttft.mean < 0.7 * a.ttft.mean
    assert b.hit == pytest.approx(share, abs=0.05)


def test_a_prefix_router_finds_more_than_chance() -> None:
    requests = sessions(alike(1200, 30, 2000, 60), 6, block=16)
    fleet = Fleet(4, Scheduler(cache=300_000), "random", prefix_cache=True)
    chance = simulate(requests, COSTS, fleet).hits.sum()
    aware = simulate(requests, COSTS, replace(fleet, router="prefix")).hits.sum()
    assert aware > 1.1 * chance


def test_a_small_cache_forgets_prefixes() -> None:
    requests = sessions(alike(600, 4, 2000, 60), 4, block=16)
    hits = [
        int(simulate(requests, COSTS, Fleet(1, Scheduler(cache=c), prefix_cache=True)).hits.sum())
        for c in (20_000, 100_000, 1e9)
    ]
    assert hits[0] < hits[1] < hits[2]


def test_split_pools_protect_gaps_and_pay_for_the_transfer() -> None:
    requests = replace(mixed(800, 8), prompt=np.full(800, 3000))
    both = summarise(simulate(requests, COSTS, Fleet(2)))
    split = Fleet(1, readers=1, transfer_s_per_token=1e-6)
    found = simulate(requests, COSTS, split)
    apart = summarise(found)
    assert apart.gap.p99 < both.gap.p99
    slower = simulate(requests, COSTS, replace(split, transfer_s_per_token=1e-4))
    assert (slower.finished - found.finished).mean() > 0.25  # 3,000 tokens x 0.1 ms, less waiting


def test_deadlines_let_short_prompts_pass() -> None:
    requests = mixed(600, 30)
    fleet = one(most=8, budget=512)
    short = requests.prompt < 300
    fifo = simulate(requests, COSTS, fleet)
    first = simulate(requests, COSTS, replace(fleet, deadline=0.05))
    assert (first.first - requests.arrival)[short].mean() < (fifo.first - requests.arrival)[
        short
    ].mean()


def test_half_a_block_is_the_mean_loss_of_blocks() -> None:
    """With caches of the same bytes, whole blocks and half a block more give the same waits."""
    lengths = np.random.default_rng(0).integers(1, 4000, 20_000)
    whole = np.ceil((lengths + 1) / 16) * 16
    assert whole.mean() == pytest.approx((lengths + 1 + 8).mean(), rel=1e-3)


# -- statistics ------------------------------------------------------------------------------------


def test_overload_is_said() -> None:
    fine, over = (summarise(simulate(mixed(2500, rate), COSTS), Slo(0.5, 0.1)) for rate in (8, 80))
    assert fine.unstable == ""
    assert "exceeds capacity" in over.unstable
    assert not over.meets(Slo(1e9, share=0.5))
    assert fine.meets(Slo(ttft=10, tpot=1))


def test_margins_cover_another_seed() -> None:
    a, b = (summarise(simulate(mixed(4000, 12, seed), COSTS)) for seed in (1, 2))
    assert abs(a.ttft.p50 - b.ttft.p50) < 3 * (a.ttft.margin[1] + b.ttft.margin[1])
    assert 0 < a.ttft.margin[0] < 0.3 * a.ttft.mean
    assert a.busy <= 1
    assert sum(share for _, share in a.batches) == pytest.approx(1)


def test_gap_and_tpot_are_different_things() -> None:
    """A stall is one long gap and little of TPOT."""
    requests = replace(mixed(500, 3), prompt=np.full(500, 8000), output=np.full(500, 500))
    found = summarise(simulate(requests, COSTS, one(policy="prefill-first", budget=8192)))
    assert found.gap.p99 > 5 * found.tpot.p99
    assert found.gap.mean == pytest.approx(found.tpot.mean, rel=0.1)


def test_goodput_counts_those_who_meet_both_limits() -> None:
    requests = mixed(600, 15)
    run = simulate(requests, COSTS)
    tpot = (run.finished - run.first) / np.maximum(requests.output - 1, 1)
    slo = Slo(ttft=float(np.median(run.first - requests.arrival)), tpot=float(np.median(tpot)))
    found = summarise(run, slo)
    assert 0.05 < found.met < 0.5
    assert found.goodput_per_s == pytest.approx(found.met * found.rate)


def test_requests_longer_than_the_cache_are_counted_as_unserved() -> None:
    requests = replace(mixed(50, 5), prompt=np.r_[np.full(49, 100), 5000])
    found = summarise(simulate(requests, COSTS, one(cache=3000.0)), warm_up=0.0)
    assert found.unserved == 1
    with pytest.raises(NoDataError, match="longer than the cache"):
        summarise(simulate(requests, COSTS, one(cache=20.0)))


def test_errors_name_the_value() -> None:
    with pytest.raises(ConfigError, match=r"scheduler\.policy = 'chunk'.*did you mean 'chunked'"):
        Scheduler(policy="chunk")
    with pytest.raises(ConfigError, match=r"fleet\.router"):
        Fleet(router="best")
    with pytest.raises(ConfigError, match=r"scheduler\.most"):
        simulate(mixed(5, 1), affine(8), one(most=9))
    with pytest.raises(DataError, match="order of arrival"):
        Requests(np.asarray([1.0, 0.0]), np.asarray([1, 1]), np.asarray([1, 1]))


def test_same_seed_same_run() -> None:
    requests = published("azure_conv_2023", 300, FACTS, rate=20.0)
    fleet = Fleet(3, router="random")
    a, b = (simulate(requests, COSTS, fleet, seed=5).finished for _ in range(2))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, simulate(requests, COSTS, fleet, seed=6).finished)


def test_bursts_wait_longer() -> None:
    calm = mixed(3000, 14)
    wild = replace(calm, arrival=gamma(3000, 14, 3.0))
    a, b = summarise(simulate(calm, COSTS)), summarise(simulate(wild, COSTS))
    assert b.ttft.p99 > 1.5 * a.ttft.p99


def test_costs_refuse_bounds_below_one() -> None:
    with pytest.raises(ConfigError, match="at least 1"):
        tabled(lambda b, c, t: b, lambda t, p: t, 0, 10, 10)
    assert isinstance(COSTS.slower(2.0), StepCosts)
    assert COSTS.slower(2.0).decode(4, 100) == pytest.approx(2 * COSTS.decode(4, 100))


def test_readers_are_a_queue_of_their_own() -> None:
    """Prompts of one length on one reader: TTFT is the stay in M/D/1, whatever decodes after it."""
    requests = alike(15_000, 6.0, 100, 5)
    fleet = Fleet(1, Scheduler(64, 100), readers=1)
    reading = affine(64, per_prompt_token=1e-3)
    run = simulate(requests, affine(64, step=1e-4), fleet, reader_costs=reading)
    stay = float(md1_wait(6.0, 0.1)) + 0.1
    assert (run.first - requests.arrival).mean() == pytest.approx(stay, rel=0.05)


def test_margins_cover_the_truth_about_as_often_as_they_say() -> None:
    found = [summarise(simulate(mixed(700, 10, seed), COSTS)).ttft for seed in range(30)]
    truth = np.mean([spread.p50 for spread in found])
    inside = [abs(spread.p50 - truth) <= spread.margin[1] for spread in found]
    assert np.mean(inside) >= 0.75  # 95 % for independent batches; neighbours are alike


def test_a_share_cached_everywhere_is_not_read() -> None:
    requests = alike(300, 2, 2000, 20)
    plain = simulate(requests, COSTS)
    cached = simulate(requests, COSTS, Fleet(1, cached_share=0.75))
    assert cached.hits.sum() == pytest.approx(0.75 * requests.prompt.sum(), rel=1e-3)
    ratio = (cached.first - requests.arrival).mean() / (plain.first - requests.arrival).mean()
    assert ratio < 0.5
