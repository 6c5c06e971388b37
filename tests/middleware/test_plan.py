from __future__ import annotations

import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import ConfigError
from groundup.facts.estimate import given
from groundup.facts.layer import Ask
from groundup.middleware.config import MiddlewareConfig
from groundup.middleware.plan import demand, limit

FACTS = load_catalogue()


def asked() -> Ask:
    rate = given(10.0, "question/s", "apps.questions_per_s", "here")
    ask = Ask("h100-sxm", {"questions_per_s": rate, "peak_questions_per_s": rate * 3.0})
    return demand(MiddlewareConfig(passages=8), ask, FACTS)


def test_a_failed_call_is_made_again() -> None:
    failed = FACTS["middleware.failed_calls"].value
    assert asked()["calls_per_s"].value == pytest.approx(10.0 / (1.0 - failed))
    assert asked()["peak_calls_per_s"].value == pytest.approx(30.0 / (1.0 - failed))


def test_a_passage_of_a_hundred_words_is_133_tokens() -> None:
    # Lewis et al. 2020 cut passages of 100 words; OpenAI counts 100 tokens to 75 words
    assert asked()["tokens_per_passage"].value == pytest.approx(100 / 0.75, rel=1e-3)


@pytest.mark.parametrize(("prompt", "fitting"), [(400, 3.0), (4000, 8.0)])
def test_window_limits_the_call_and_the_passages(prompt: int, fitting: float) -> None:
    def tokens(count: float, name: str) -> object:
        return given(count, "token/question", name, "here")

    row = limit(
        MiddlewareConfig(), asked(), FACTS,
        prompt_tokens=tokens(prompt, "p"), output_tokens=tokens(100, "o"), window=tokens(512, "w"),
    )  # type: ignore[arg-type]  # fmt: skip
    assert row.needs.value == prompt + 100
    assert row.headroom is not None
    assert row.headroom.value == pytest.approx(512 / (prompt + 100))
    assert row.details["passages_that_fit"].value == pytest.approx(fitting, rel=0.01)
    assert row.details["index_bytes_per_passage"].value == 4 * MiddlewareConfig().embedding_width


def planned(config: MiddlewareConfig) -> tuple[Ask, dict[str, float]]:
    rate = given(10.0, "question/s", "apps.questions_per_s", "here")
    ask = Ask("h100-sxm", {"questions_per_s": rate, "peak_questions_per_s": rate * 3.0})
    ask = demand(config, ask, FACTS)
    size = given(512.0, "token/question", "tokens", "here")
    row = limit(config, ask, FACTS, prompt_tokens=size, output_tokens=size, window=size)
    return ask, {name: value.value for name, value in row.details.items()}


PLAIN = 10.0 / (1.0 - FACTS["middleware.failed_calls"].value)


def test_steps_multiply_the_calls() -> None:
    ask, found = planned(MiddlewareConfig(steps_per_task=8))
    assert ask["calls_per_s"].value == pytest.approx(8 * PLAIN)
    assert "task_success" not in found


def test_an_agent_that_nobody_checks() -> None:
    ask, found = planned(MiddlewareConfig(steps_per_task=10, step_success=0.95))
    assert found["task_success"] == pytest.approx(0.95**10)
    assert found["steps_to_half"] == 13
    assert ask["calls_per_s"].value == pytest.approx(10 * PLAIN)


def test_checked_steps_are_tried_again_and_cost_calls() -> None:
    keys = {"steps_per_task": 10, "step_success": 0.9, "check_accepts_right": 0.95,
            "check_accepts_wrong": 0.1, "person_does_stuck_steps": True}  # fmt: skip
    once, few = planned(MiddlewareConfig(**keys)), planned(MiddlewareConfig(retries=2, **keys))
    accepted = 0.9 * 0.95 + 0.1 * 0.1
    tries = (1 - (1 - accepted) ** 3) / accepted
    assert few[0]["calls_per_s"].value == pytest.approx(10 * tries * PLAIN)
    assert few[1]["people_steps"] == pytest.approx(10 * (1 - accepted) ** 3)
    assert few[1]["people_steps"] < once[1]["people_steps"]
    assert few[1]["task_success"] + few[1]["task_spoiled"] == pytest.approx(1.0)


def test_a_router_takes_calls_from_the_heavy_model() -> None:
    ask, found = planned(
        MiddlewareConfig(light_share=0.8, light_cost_ratio=0.1, router_overhead=0.01)
    )
    assert ask["calls_per_s"].value == pytest.approx(0.2 * PLAIN)
    assert ask["light_calls_per_s"].value == pytest.approx(0.8 * PLAIN)
    assert found["cost_over_heavy_only"] == pytest.approx(0.2 + 0.8 * 0.1 + 0.01)
    assert ask["routed_cost_ratio"].value * 0.2 == pytest.approx(found["cost_over_heavy_only"])


@pytest.mark.parametrize(
    ("keys", "word"),
    [
        ({"light_share": 0.5}, "light_cost_ratio"),
        ({"retries": 2}, "check_accepts_right"),
        ({"check_accepts_right": 0.9}, "check_accepts_wrong"),
        ({"check_accepts_right": 0.9, "check_accepts_wrong": 0.1}, "step_success"),
        ({"step_success": 1.5}, "step_success"),
    ],
)
def test_half_stated_agents_and_routers_are_refused(keys: dict[str, float], word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        MiddlewareConfig(**keys)
