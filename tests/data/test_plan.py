from __future__ import annotations

import pytest

from groundup.data.config import DataConfig
from groundup.data.plan import demand, limit
from groundup.facts.catalogue import load_catalogue
from groundup.facts.estimate import given
from groundup.facts.layer import Ask

FACTS = load_catalogue()
MONTHS = given(3.0, "month", "months", "here")


def asked(tokens: float, vocabulary: int) -> Ask:
    ask = Ask(
        "h100-sxm",
        {
            "train_tokens": given(tokens, "token", "data.train_tokens", "here"),
            "vocabulary": given(vocabulary, "1", "models.vocabulary", "here"),
        },
    )
    return demand(DataConfig(), ask, FACTS)


@pytest.mark.parametrize(("vocabulary", "width"), [(4096, 2), (65_536, 2), (128_256, 4)])
def test_bytes_of_a_stored_token(vocabulary: int, width: int) -> None:
    assert asked(1e9, vocabulary)["shard_bytes"].value == width * 1e9


def test_llama3_tokens_against_the_stock_of_text() -> None:
    row = limit(DataConfig(), asked(15.6e12, 128_256), FACTS, 1000, months=MONTHS)
    assert row.headroom is not None
    # Villalobos et al. 2024: 300T tokens, 100T to 1,000T
    assert row.headroom.value == pytest.approx(300 / 15.6)
    assert row.details["text_bytes"].value == pytest.approx(15.6 * 3.94)


def test_own_documents_limit_by_useful_epochs() -> None:
    corpus = given(5e6, "token", "data.corpus_tokens", "here")
    row = limit(DataConfig(), asked(25e6, 4096), FACTS, months=MONTHS, corpus_tokens=corpus)
    assert row.limit is not None
    assert row.limit.value == 4 * 5e6  # Muennighoff et al. 2023: four epochs
    assert row.details["epochs"].value == pytest.approx(5.0)
    assert row.headroom is not None
    assert row.headroom.value < 1


def test_storage_is_paid_by_the_month() -> None:
    few, many = (
        limit(DataConfig(), asked(1e12, 4096), FACTS, months=given(m, "month", "m", "here"))
        for m in (1.0, 6.0)
    )
    assert few.cost is not None
    assert many.cost is not None
    assert many.cost.value == pytest.approx(6 * few.cost.value)
    # 2 TB of shards and 3.94 TB of text at 0.023 USD a GB and month
    assert few.cost.value == pytest.approx(5940 * 0.023)


def test_the_plan_says_when_text_runs_out_and_what_repeats_are_worth():
    world = limit(DataConfig(), asked(15.6e12, 128_256), FACTS, 500, months=MONTHS)
    assert world.details["share_of_stock"].value == pytest.approx(15.6 / 300)
    assert world.details["exhausted"].low < world.details["exhausted"].value
    corpus = given(5e6, "token", "data.corpus_tokens", "here")
    own = limit(DataConfig(), asked(20e6, 4096), FACTS, months=MONTHS, corpus_tokens=corpus)
    assert "exhausted" not in own.details
    # four epochs: 3.73 times the tokens (arXiv:2305.16264, equation 5)
    assert own.details["worth_of_repeats"].value == pytest.approx(3.73 * 5e6, rel=0.01)
