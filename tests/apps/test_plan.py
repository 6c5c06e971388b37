from __future__ import annotations

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from groundup.apps.config import AppsConfig
from groundup.apps.plan import demand, limit
from groundup.facts.catalogue import load_catalogue
from groundup.facts.estimate import given
from groundup.facts.layer import Ask

FACTS = load_catalogue()


@examples(st.floats(0, 1e9), st.floats(0, 1e3), st.floats(1, 50))
def test_load_is_users_times_questions_times_peak(users: float, each: float, peak: float) -> None:
    config = AppsConfig(users=users, questions_per_user_day=each, peak_to_mean=peak)
    ask = demand(config, Ask("h100-sxm"), FACTS)
    assert ask["questions_per_s"].value == pytest.approx(users * each / 86400)
    assert ask["peak_questions_per_s"].value == pytest.approx(users * each * peak / 86400)


def test_cost_of_a_question_and_margin() -> None:
    config = AppsConfig(users=1e6, questions_per_user_day=5, price_usd_per_million_tokens=10.0)
    ask = demand(config, Ask("h100-sxm"), FACTS)
    tokens = given(1e4, "token/s", "inference.output_tokens_per_s", "here")
    cost = given(1e6, "USD/year", "inference.cost", "here")
    row = limit(
        config, ask.with_(output_tokens_per_s=tokens), FACTS,
        answers_per_s=None, usd_per_year=cost, binds="no data",
    )  # fmt: skip
    seconds = 365.25 * 86400
    assert row.details["usd_per_question"].value == pytest.approx(1e6 / (5e6 / 86400 * seconds))
    assert row.details["revenue_per_year"].value == pytest.approx(10e-6 * 1e4 * seconds)
    assert row.details["margin"].value == pytest.approx(1 - 1e6 / (0.1 * seconds))
    assert row.limit is None


def test_no_price_no_margin() -> None:
    ask = demand(AppsConfig(), Ask("h100-sxm"), FACTS)
    cost = given(1.0, "USD/year", "inference.cost", "here")
    row = limit(AppsConfig(), ask, FACTS, answers_per_s=None, usd_per_year=cost, binds="no data")
    assert "margin" not in row.details
    assert "usd_per_question" in row.details
