from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from groundup.apps.config import AppsConfig
from groundup.apps.plan import demand, limit
from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import ConfigError
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


def planned(config: AppsConfig, training: float | None = None, capex: float | None = None,
            samples: int = 0, **more: float):  # type: ignore[no-untyped-def]  # fmt: skip
    ask = demand(config, Ask("h100-sxm"), FACTS, samples).with_(
        output_tokens_per_s=given(1e4, "token/s", "inference.output_tokens_per_s", "here"),
        input_tokens_per_s=given(1e5, "token/s", "inference.input_tokens_per_s", "here"),
        output_tokens=given(200.0, "token/question", "inference.output_tokens", "here"),
        prompt_tokens=given(2000.0, "token/question", "inference.prompt_tokens", "here"),
        train_tokens=given(15e12, "token", "data.train_tokens", "here"),
        **{name: given(value, "1", name, "here") for name, value in more.items()},
    )
    return limit(
        config, ask, FACTS, samples, answers_per_s=None, binds="no data",
        usd_per_year=given(1e6, "USD/year", "inference.cost", "here"),
        usd_training=None if training is None else given(training, "USD", "training", "here"),
        capex=None if capex is None else given(capex, "USD", "capex", "here"),
    )  # fmt: skip


METERED = AppsConfig(users=1e6, questions_per_user_day=5, price_usd_per_million_tokens=10.0)
YEAR = 365.25 * 86400


def test_subscriptions_and_prompts_are_revenue_too() -> None:
    config = AppsConfig(
        users=1e6, price_usd_per_month=20.0, paying_share=0.05,
        price_usd_per_million_input_tokens=1.0,
    )  # fmt: skip
    revenue = planned(config).details["revenue_per_year"].value
    assert revenue == pytest.approx(12 * 20.0 * 0.05 * 1e6 + 1e-6 * 1e5 * YEAR)


def test_a_target_margin_gives_the_prices_that_leave_it() -> None:
    config = AppsConfig(users=1e6, gross_margin_target=0.6)
    made = planned(config).details
    assert made["price_per_user_month_for_target"].value == pytest.approx(1e6 / 12 / 1e6 / 0.4)
    each = made["price_per_million_tokens_for_target"].to("USD/token").value
    charged = AppsConfig(users=1e6, price_usd_per_million_tokens=each * 1e6)
    assert planned(charged).details["margin"].value == pytest.approx(0.6)


def test_training_is_paid_back_by_tokens_months_and_discounted_months() -> None:
    made = planned(METERED, training=1e6).details
    left = 10e-6 - 1e6 / (1e4 * YEAR)  # USD a token
    assert made["break_even_tokens"].to("token").value == pytest.approx(1e6 / left)
    assert made["payback"].to("month").value == pytest.approx(1e6 / (left * 1e4 * YEAR / 12))
    soon = planned(METERED, training=2e5).details
    assert soon["break_even_month"].value > soon["payback"].to("month").value
    assert "break_even_month" not in made  # the price has fallen before a million is earned
    assert made["worth_of_run"].value < 0
    assert made["equal_compute_tokens"].to("token").value == pytest.approx(45e12)
    assert 0 < made["training_share_of_compute"].value < 1


def test_a_falling_price_and_a_short_life_make_a_run_worth_less() -> None:
    def worth(**keys: float) -> float:
        config = AppsConfig(
            users=1e6, questions_per_user_day=5, price_usd_per_million_tokens=10.0, **keys
        )  # fmt: skip
        return float(planned(config, training=1e6).details["worth_of_run"].value)

    even, falling = worth(price_fall_per_year=1.0), worth(price_fall_per_year=10.0)
    assert worth() == pytest.approx(falling)  # the published fall is ten times a year
    assert falling < even
    assert worth(model_life_months=3.0) < worth(model_life_months=12.0)


def test_tools_people_and_fixed_costs() -> None:
    config = AppsConfig(
        users=1e6, questions_per_user_day=5, price_usd_per_million_tokens=10.0,
        retrieval_usd_per_question=1e-4, people_usd_per_question=2e-4, fixed_usd_per_month=1e5,
    )  # fmt: skip
    made = planned(config, capex=1e7).details
    questions = 5e6 * 365.25
    assert made["usd_per_question"].value == pytest.approx(1e6 / questions + 3e-4)
    each = (0.1 * YEAR - 1e6 - 3e-4 * questions) / 12 / 1e6
    assert made["contribution_per_user_month"].value == pytest.approx(each)
    assert made["break_even_users"].value == pytest.approx(1e5 / each)
    assert made["capex_payback"].value == pytest.approx(1e7 / (each * 1e6 - 1e5))


def test_routing_adds_the_light_models_cost() -> None:
    alone, routed = planned(METERED), planned(METERED, routed_cost_ratio=1.2)
    ratio = routed.details["usd_per_question"].value / alone.details["usd_per_question"].value
    assert ratio == pytest.approx(1.2)


def test_a_product_that_loses_money_never_pays_back() -> None:
    config = AppsConfig(users=1e6, price_usd_per_million_tokens=0.1, fixed_usd_per_month=1.0)
    made = planned(config, training=1e6).details
    for name in ("break_even_tokens", "payback", "break_even_users", "break_even_month"):
        assert name not in made
    assert made["contribution_per_user_month"].value < 0
    assert made["worth_of_run"].value < 0


def test_an_interval_ends_even_where_some_draws_never_break_even() -> None:
    config = AppsConfig(users=1e6, questions_per_user_day=5, price_usd_per_million_tokens=12.0)
    value = planned(config, training=5.5e5, samples=500).details["break_even_month"]
    assert not np.isfinite(value.inputs[0].samples).all()
    assert value.value <= value.high < float("inf")


def test_draws_give_an_interval_of_the_worth() -> None:
    value = planned(METERED, training=1e6, samples=300).details["worth_of_run"]
    assert value.low < value.value < value.high


def test_the_chance_that_a_run_pays() -> None:
    assert "chance_run_pays" not in planned(METERED, training=1e5).details
    cheap, fair, dear = (
        planned(METERED, training=usd, samples=300).details["chance_run_pays"].value
        for usd in (1e4, 3e5, 1e8)
    )
    assert cheap == 1.0
    assert 0 < fair < 1
    assert dear == 0.0


def test_keys_that_no_business_has_are_refused() -> None:
    for keys in ({"paying_share": 2.0}, {"gross_margin_target": 1.0}, {"price_usd_per_month": -1.0},
                 {"price_fall_per_year": 0.0}, {"model_life_months": 0.0}):  # fmt: skip
        with pytest.raises(ConfigError, match=next(iter(keys))):
            AppsConfig(**keys)
