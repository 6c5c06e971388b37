"""The official OpenAI SDK drives the live server."""

import base64
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import openai
import pytest

QUESTION = "What is the signature of shlex.split?"
SIGNATURE = "def split(s, comments=False, posix=True):"


def messages(question: str = QUESTION) -> list[Any]:
    return [{"role": "user", "content": question}]


@pytest.fixture
def sdk(live: Any) -> openai.OpenAI:
    return live.openai()


def test_chat(sdk: openai.OpenAI, service: Any) -> None:
    done = sdk.chat.completions.create(model="tiny", messages=messages())
    choice = done.choices[0]
    assert SIGNATURE in (choice.message.content or "")
    assert choice.finish_reason == "stop"
    assert done.usage is not None
    encode = service.model.encode
    assert done.usage.completion_tokens == len(encode(choice.message.content))
    assert done.usage.prompt_tokens == len(encode(QUESTION))
    extra = (choice.message.model_extra or {})["groundup"]
    cited = extra["citations"][0]
    assert cited["uri"].endswith("shlex.py")
    assert SIGNATURE in cited["quote"]
    assert extra["abstained"] is False
    assert extra["answer_id"] == done.id
    items = {row["item"] for row in extra["receipt"]["rows"]}
    assert {"energy of this answer", "electricity", "water", "carbon dioxide"} <= items
    assert "path" not in cited  # where files lie on this machine is nobody's business


def test_chat_stream_has_openais_order(sdk: openai.OpenAI) -> None:
    whole = sdk.chat.completions.create(model="tiny", messages=messages())
    chunks = list(
        sdk.chat.completions.create(
            model="tiny", messages=messages(), stream=True, stream_options={"include_usage": True}
        )
    )
    first, *middle, last, usage = chunks
    assert first.choices[0].delta.role == "assistant"
    assert all(chunk.choices[0].finish_reason is None for chunk in middle)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in middle)
    assert text == whole.choices[0].message.content
    assert len(middle) > 5
    assert last.choices[0].finish_reason == "stop"
    assert (last.model_extra or {})["groundup"]["citations"]
    assert usage.choices == []
    assert usage.usage == whole.usage
    assert {chunk.id for chunk in chunks} == {first.id}


def test_the_sdks_stream_helper_adds_up(sdk: openai.OpenAI) -> None:
    with sdk.chat.completions.stream(model="tiny", messages=messages()) as stream:
        final = stream.get_final_completion()
    assert SIGNATURE in (final.choices[0].message.content or "")


def test_abstains_and_says_so(sdk: openai.OpenAI) -> None:
    done = sdk.chat.completions.create(
        model="tiny", messages=messages("What does json.xyz return?")
    )
    extra = (done.choices[0].message.model_extra or {})["groundup"]
    assert extra["abstained"] is True
    assert extra["reason"]


def test_max_tokens_cuts(sdk: openai.OpenAI) -> None:
    done = sdk.chat.completions.create(model="tiny", messages=messages(), max_tokens=5)
    assert done.choices[0].finish_reason == "length"
    assert done.usage is not None
    assert done.usage.completion_tokens <= 5


def test_completions(sdk: openai.OpenAI) -> None:
    first, again = (
        sdk.completions.create(model="tiny-lm", prompt="def", max_tokens=12, seed=7)
        for _ in range(2)
    )
    assert first.choices[0].text == again.choices[0].text
    assert first.usage is not None
    assert first.usage.completion_tokens <= 12
    assert first.choices[0].finish_reason in ("stop", "length")
    none = sdk.completions.create(model="tiny-lm", prompt="def", max_tokens=0, echo=True)
    assert none.choices[0].text == "def"


def test_completions_stream_and_stop(sdk: openai.OpenAI) -> None:
    ask = {"model": "tiny-lm", "prompt": "class", "max_tokens": 30, "temperature": 0.0}
    whole = sdk.completions.create(**ask).choices[0].text
    chunks = list(
        sdk.completions.create(**ask, stream=True, stream_options={"include_usage": True})
    )
    assert "".join(chunk.choices[0].text for chunk in chunks if chunk.choices) == whole
    assert chunks[-1].usage is not None
    stop = whole[5:8]
    cut = sdk.completions.create(**ask, stop=stop).choices[0]
    assert cut.text == whole[: whole.index(stop)]
    assert cut.finish_reason == "stop"


def test_token_ids_are_a_prompt(sdk: openai.OpenAI, service: Any) -> None:
    ids = service.model.encode("class")
    ask = {"model": "tiny-lm", "max_tokens": 8, "temperature": 0.0}
    by_text = sdk.completions.create(prompt="class", **ask).choices[0].text
    assert sdk.completions.create(prompt=ids, **ask).choices[0].text == by_text


def test_embeddings_in_both_encodings(sdk: openai.OpenAI, service: Any) -> None:
    texts = ["split a string", "green lamps"]
    default = sdk.embeddings.create(model="tiny-encoder", input=texts)
    plain = sdk.embeddings.create(model="tiny-encoder", input=texts, encoding_format="float")
    found = np.array([item.embedding for item in default.data], np.float32)
    assert np.array_equal(found, np.array([item.embedding for item in plain.data], np.float32))
    assert np.allclose(found, service.encoder.encode(texts))
    raw = sdk.embeddings.with_raw_response.create(
        model="tiny-encoder", input=texts, encoding_format="base64"
    )
    text = raw.http_response.json()["data"][0]["embedding"]
    assert np.array_equal(np.frombuffer(base64.b64decode(text), "<f4"), found[0])


def test_models(sdk: openai.OpenAI) -> None:
    assert [model.id for model in sdk.models.list()] == ["tiny", "tiny-lm", "tiny-encoder"]
    assert sdk.models.retrieve("tiny").owned_by == "groundup"
    assert sdk.models.retrieve("tiny").created == 1767323045
    with pytest.raises(openai.NotFoundError):
        sdk.models.retrieve("gpt-9")


def test_errors_become_the_sdks_exceptions(sdk: openai.OpenAI) -> None:
    create = sdk.chat.completions.create
    with pytest.raises(openai.NotFoundError) as missing:
        create(model="gpt-9", messages=messages())
    assert missing.value.code == "model_not_found"
    with pytest.raises(openai.NotFoundError):
        create(model="tiny-lm", messages=messages())
    with pytest.raises(openai.BadRequestError) as two:
        create(model="tiny", messages=messages(), n=2)
    assert two.value.param == "n"
    with pytest.raises(openai.BadRequestError) as long:
        create(model="tiny", messages=messages("x" * 501))
    assert long.value.code == "context_length_exceeded"
    with pytest.raises(openai.BadRequestError) as context:
        sdk.completions.create(model="tiny-lm", prompt="x", max_tokens=1000)
    assert context.value.code == "context_length_exceeded"
    with pytest.raises(openai.BadRequestError):
        sdk.completions.create(model="tiny-lm", prompt=[10**6], max_tokens=1)
    with pytest.raises(openai.APIStatusError) as large:
        create(model="tiny", messages=messages("x" * 30_000))
    assert large.value.status_code == 413
    with pytest.raises(openai.BadRequestError):
        create(model="tiny", messages=messages(), stream=True, n=3)


def test_request_ids(sdk: openai.OpenAI, http: httpx.Client) -> None:
    done = sdk.chat.completions.create(model="tiny", messages=messages())
    assert done._request_id is not None
    assert done._request_id.startswith("req-")
    assert http.get("/healthz", headers={"x-request-id": "abc"}).headers["x-request-id"] == "abc"
    forged = http.get("/healthz", headers={"x-request-id": "a b\tc"}).headers["x-request-id"]
    assert forged.startswith("req-")


def test_eight_at_once(live: Any) -> None:
    sdk = live.openai()
    names = ["textwrap.dedent", "shlex.split", "shlex.quote", "heapq.nlargest"] * 4

    def ask(name: str) -> str:
        question = messages(f"What is the signature of {name}?")
        stream = sdk.chat.completions.create(model="tiny", messages=question, stream=True)
        return "".join(c.choices[0].delta.content or "" for c in stream if c.choices)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, names))
    for name, answer in zip(names, answers, strict=True):
        assert f"`{name}`" in answer


def test_a_follow_up_sees_the_earlier_question(sdk: openai.OpenAI) -> None:
    done = sdk.chat.completions.create(
        model="tiny",
        messages=[
            *messages("What is the signature of shlex.split?"),
            {"role": "assistant", "content": "…"},
            {"role": "user", "content": "And what does it return?"},
        ],
    )
    assert "shlex.split" in (done.choices[0].message.content or "")
