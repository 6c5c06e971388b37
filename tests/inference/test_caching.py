"""Shares of cached prompts against enumeration and a simulated cache."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.facts.catalogue import load_catalogue
from groundup.inference.caching import (
    conversation_share,
    least_recently_used_share,
    prefixes_in,
    shared_prefix_share,
    zipf,
)
from groundup.inference.capacity import cache_bytes
from groundup.inference.latency import engine_of
from groundup.models.published import published


@given(st.integers(1, 20), st.integers(1, 500), st.integers(1, 500))
def test_a_conversation_turn_by_turn(turns: int, question: int, answer: int) -> None:
    past = new = history = 0
    for _ in range(turns):
        past, new = past + history, new + question
        history += question + answer
    assert float(conversation_share(turns, question, answer)) == pytest.approx(past / (past + new))


@pytest.mark.parametrize("exponent", [0.6, 1.0])
@pytest.mark.parametrize("room", [10, 60])
def test_a_cache_that_drops_the_longest_unused(exponent: float, room: int) -> None:
    popularity, rng = zipf(300, exponent), np.random.default_rng(1)
    asked = rng.choice(300, size=40_000, p=popularity)
    held: OrderedDict[int, None] = OrderedDict()
    hits = 0
    for step, prefix in enumerate(asked):
        if prefix in held:
            hits += step >= 5_000
            held.move_to_end(prefix)
        else:
            held[prefix] = None
            if len(held) > room:
                held.popitem(last=False)
    found = least_recently_used_share(popularity, room)
    assert found == pytest.approx(hits / 35_000, abs=0.01)


def test_a_cache_with_room_for_all_holds_all() -> None:
    assert least_recently_used_share(zipf(10, 1.0), 10) == 1.0


def test_prefixes_that_fit_and_their_share_of_a_prompt() -> None:
    engine = engine_of(published("Llama-3.1-8B"), "h100-sxm", load_catalogue())
    each = float(cache_bytes(engine, 1000.0))
    assert prefixes_in(engine, 1000.0, 10.5 * each) == 10
    assert shared_prefix_share(500.0, 2000.0) == 0.25
    assert shared_prefix_share(500.0, 100.0) == 1.0
