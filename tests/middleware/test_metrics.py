"""Retrieval metrics on published examples and by their laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.middleware.metrics import (
    bootstrap,
    dcg,
    ndcg_at,
    paired_difference,
    recall_at,
    reciprocal_rank,
)

RANKING = st.permutations(list("abcdefgh"))
RELEVANT = st.sets(st.sampled_from("abcdefgh"), min_size=1)


def test_dcg_of_the_published_example() -> None:
    # Wikipedia, "Discounted cumulative gain": relevances 3 2 3 0 1 2, plus 3 and 2 unseen.
    gains = dict(zip("abcdefgh", [3.0, 2.0, 3.0, 0.0, 1.0, 2.0, 3.0, 2.0], strict=True))
    assert dcg([3, 2, 3, 0, 1, 2]) == pytest.approx(6.861, abs=1e-3)
    assert dcg([3, 3, 3, 2, 2, 2]) == pytest.approx(8.740, abs=1e-3)
    assert ndcg_at("abcdef", gains, 6) == pytest.approx(0.785, abs=1e-3)


def test_reciprocal_ranks_of_the_published_example() -> None:
    # Wikipedia, "Mean reciprocal rank": cats, tori, viruses; (1/3 + 1/2 + 1) / 3 = 11/18.
    ranks = [
        reciprocal_rank(["catten", "cati", "cats"], {"cats"}),
        reciprocal_rank(["torii", "tori", "toruses"], {"tori"}),
        reciprocal_rank(["viruses", "virii", "viri"], {"viruses"}),
    ]
    assert np.mean(ranks) == pytest.approx(11 / 18)


@given(RANKING, RELEVANT)
def test_metrics_lie_between_zero_and_one(ranking: list[str], relevant: set[str]) -> None:
    gains = dict.fromkeys(relevant, 1.0)
    for k in range(1, 9):
        assert 0 <= recall_at(ranking, relevant, k) <= 1
        assert 0 <= ndcg_at(ranking, gains, k) <= 1 + 1e-12
    assert recall_at(ranking, relevant, 8) == 1
    assert 1 / 8 <= reciprocal_rank(ranking, relevant) <= 1


@given(RANKING, RELEVANT)
def test_moving_a_relevant_id_up_never_hurts(ranking: list[str], relevant: set[str]) -> None:
    gains = dict.fromkeys(relevant, 1.0)
    for place in range(1, 8):
        if ranking[place] in relevant and ranking[place - 1] not in relevant:
            better = ranking.copy()
            better[place - 1], better[place] = better[place], better[place - 1]
            assert ndcg_at(better, gains, 8) > ndcg_at(ranking, gains, 8)
            assert reciprocal_rank(better, relevant) >= reciprocal_rank(ranking, relevant)


@given(RANKING, RELEVANT, st.randoms())
def test_the_order_of_what_is_not_relevant_does_not_matter(ranking, relevant, random) -> None:
    others = [item for item in ranking if item not in relevant]
    random.shuffle(others)
    queue = iter(others)
    shuffled = [item if item in relevant else next(queue) for item in ranking]
    gains = dict.fromkeys(relevant, 1.0)
    assert ndcg_at(shuffled, gains, 5) == ndcg_at(ranking, gains, 5)
    assert recall_at(shuffled, relevant, 3) == recall_at(ranking, relevant, 3)


def test_bootstrap_covers_as_the_normal_interval_does() -> None:
    values = np.random.default_rng(1).normal(0.5, 0.2, 400)
    interval = bootstrap(values)
    half = 1.96 * values.std(ddof=1) / np.sqrt(len(values))
    assert interval.value == pytest.approx(values.mean())
    assert interval.low == pytest.approx(values.mean() - half, abs=half * 0.15)
    assert interval.high == pytest.approx(values.mean() + half, abs=half * 0.15)


def test_a_constant_gain_has_a_sharp_paired_interval() -> None:
    first = np.random.default_rng(2).random(100)
    interval = paired_difference(list(first + 0.1), list(first))
    assert interval.low == pytest.approx(0.1)
    assert interval.high == pytest.approx(0.1)


def test_nothing_relevant_is_an_error() -> None:
    with pytest.raises(ValueError, match="relevant"):
        recall_at(["a"], set(), 1)
    with pytest.raises(ValueError, match="gain"):
        ndcg_at(["a"], {}, 1)
    with pytest.raises(ValueError, match="differ"):
        paired_difference([1.0], [])
