from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.middleware.fusion import convex, reciprocal_rank_fusion, scale, tune_weight

RANKINGS = st.lists(st.permutations(range(6)), min_size=1, max_size=4)
SCORES = st.lists(st.floats(0, 100, width=32), min_size=1, max_size=20)


def test_reciprocal_ranks_add_up() -> None:
    fused = dict(reciprocal_rank_fusion([[7, 8], [8, 9]], k=60))
    assert fused == pytest.approx({8: 1 / 62 + 1 / 61, 7: 1 / 61, 9: 1 / 62})


@given(RANKINGS)
def test_rrf_is_the_same_for_any_order_of_rankings(rankings: list[list[int]]) -> None:
    forward = dict(reciprocal_rank_fusion(rankings))
    assert dict(reciprocal_rank_fusion(rankings[::-1])) == pytest.approx(forward)


@given(st.permutations(range(6)), st.integers(1, 4))
def test_rrf_of_equal_rankings_is_that_ranking(ranking: list[int], times: int) -> None:
    fused = reciprocal_rank_fusion([ranking] * times)
    assert [item for item, _ in fused] == list(ranking)


@given(SCORES)
def test_scaled_scores_keep_their_order_in_zero_to_one(values: list[float]) -> None:
    scores = np.array(values, np.float32)
    scaled = scale(scores, 0.0)
    assert scaled.min() >= 0
    assert scaled.max() <= 1 + 1e-6
    assert (np.diff(scaled[np.argsort(scores, kind="stable")]) >= 0).all()


@given(SCORES)
def test_the_ends_of_the_convex_sum_are_the_two_rankings(values: list[float]) -> None:
    keyword = np.array(values, np.float32)
    cosine = np.linspace(-1, 1, len(values), dtype=np.float32)
    np.testing.assert_array_equal(convex(keyword, cosine, 0.0), scale(keyword, 0.0))
    np.testing.assert_array_equal(convex(keyword, cosine, 1.0), scale(cosine, -1.0))


def test_the_best_weight_is_found_and_ties_go_to_the_smaller() -> None:
    weight, quality = tune_weight(lambda value: -((value - 0.3) ** 2))
    assert weight == pytest.approx(0.3)
    assert quality == pytest.approx(0.0)
    assert tune_weight(lambda _: 1.0) == (0.0, 1.0)
