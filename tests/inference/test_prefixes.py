from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.facts.catalogue import load_catalogue
from groundup.inference.prefixes import PrefixStore
from groundup.inference.requests import Requests
from groundup.inference.scheduler import Scheduler
from groundup.inference.simulate import Fleet, simulate
from groundup.inference.step_costs import affine
from groundup.inference.trace_file import read_trace
from groundup.inference.traces import sessions, with_means

FACTS = load_catalogue()
COSTS = affine(64, step=5e-3, per_request=5e-5, per_context=1e-8, per_prompt_token=2e-5)
FILE = Path(__file__).parents[1] / "data" / "traces" / "mooncake_conv_first.jsonl"


def found_without_limit(requests: Requests) -> int:
    """Tokens that a cache without limit finds when requests come one after the other."""
    seen: set[int] = set()
    found = 0
    for prompt, blocks in zip(requests.prompt.tolist(), requests.blocks, strict=True):
        for block in blocks[: (prompt - 1) // requests.block]:
            if block not in seen:
                break
            found += requests.block
        seen.update(blocks[: prompt // requests.block])
    return found


def test_an_endless_cache_finds_every_prefix() -> None:
    """One request at a time: exactly those of the plain count, on Mooncake's rows and on ours."""
    apart = sessions(with_means(900, 40, 200, 5.0, FACTS), 4, system=64, block=16)
    for requests in (read_trace(FILE), apart):
        slowly = replace(requests, arrival=np.arange(len(requests)) * 1e4)
        run = simulate(slowly, COSTS, Fleet(1, Scheduler(64), prefix_cache=True))
        assert run.hits.sum() == found_without_limit(requests) > 0


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 100), st.floats(4000, 40_000), st.floats(1, 60), st.integers(1, 3))
def test_a_limited_cache_finds_no_more_and_serves_all(
    seed: int, cache: float, rate: float, replicas: int
) -> None:
    requests = sessions(with_means(500, 40, 80, rate, FACTS, seed=seed, longest=2500), 3, 64)
    fleet = Fleet(replicas, Scheduler(64, cache=cache), "prefix", prefix_cache=True)
    run = simulate(requests, COSTS, fleet)
    assert np.isfinite(run.finished).all()
    more = int(requests.prompt.sum()) * (1 + int(run.preempted.max(initial=0)))
    assert 0 <= run.hits.sum() <= more
    if not run.preempted.any():
        assert run.hits.sum() <= found_without_limit(requests)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 8)), max_size=40), st.integers(0, 20))
def test_the_store_counts_what_it_holds(steps: list[tuple[int, int]], room: int) -> None:
    store, running = PrefixStore(4), []
    for kind, length in steps:
        blocks = tuple(range(kind * 10, kind * 10 + length))
        if running and kind == 5:
            store.release(running.pop())
            continue
        store.hold(blocks)
        running.append(blocks)
        assert store.match(blocks) == length
    held = {block for blocks in running for block in blocks}
    assert store.held_tokens == 4 * len(held)
    store.shrink(room)
    assert store.held_tokens == 4 * len(held)  # what runs stays
    assert store.idle_tokens == 0 or store.held_tokens + store.idle_tokens <= room
    for blocks in running:
        store.release(blocks)
    assert store.held_tokens == 0


def test_the_oldest_goes_first() -> None:
    store = PrefixStore(1)
    for blocks in ((1, 2), (3, 4)):
        store.hold(blocks)
        store.release(blocks)
    store.hold((1, 2))
    store.release((1, 2))  # used again: now 3 and 4 are older
    store.shrink(2)
    assert store.match((1, 2)) == 2
    assert store.match((3,)) == 0
