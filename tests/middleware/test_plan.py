from __future__ import annotations

import pytest

from groundup.facts.catalogue import load_catalogue
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
