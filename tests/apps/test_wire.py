"""Requests are read or refused with the parameter at fault; nothing else happens to them."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.apps.errors import ApiError
from groundup.apps.wire import read_chat, read_completion, read_embedding

USER = {"role": "user", "content": "hello"}


def chat(**changes: Any) -> Any:
    return read_chat({"model": "m", "messages": [USER], **changes}, 100)


def test_chat() -> None:
    messages = [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": None},
        {"role": "user", "content": [{"type": "text", "text": "two"}]},
    ]
    found = chat(messages=messages, stream=True, stream_options={"include_usage": True})
    assert (found.question, found.earlier) == ("two", ("one",))
    assert found.stream
    assert found.include_usage


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"model": 3}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": ["hi"]}, "messages[0]"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 4}]}, "messages[0].content"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "messages[0].content",
        ),
        ({"messages": [{"role": "user", "content": "  "}]}, "messages"),
        ({"messages": [USER, {"role": "assistant", "content": "x"}]}, "messages"),
        ({"n": 2}, "n"),
        ({"n": True}, "n"),
        ({"tools": [{}]}, "tools"),
        ({"logprobs": True}, "logprobs"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
    ],
)
def test_chat_refuses(changes: dict[str, Any], param: str) -> None:
    with pytest.raises(ApiError) as error:
        chat(**changes)
    assert (error.value.status, error.value.param) == (400, param)


def test_a_long_question_has_its_own_code() -> None:
    with pytest.raises(ApiError) as error:
        chat(messages=[{"role": "user", "content": "x" * 101}])
    assert error.value.code == "context_length_exceeded"


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"prompt": ["a", "b"]}, "prompt"),
        ({"prompt": [True]}, "prompt"),
        ({"prompt": {}}, "prompt"),
        ({"temperature": 3}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"top_p": -0.1}, "top_p"),
        ({"stop": ["a"] * 5}, "stop"),
        ({"stop": [""]}, "stop"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**70}, "seed"),
        ({"suffix": "x"}, "suffix"),
        ({"best_of": 3}, "best_of"),
        ({"max_tokens": -1}, "max_tokens"),
    ],
)
def test_completion_refuses(changes: dict[str, Any], param: str) -> None:
    with pytest.raises(ApiError) as error:
        read_completion({"model": "m", "prompt": "x", **changes})
    assert error.value.param == param


def test_completion_defaults_are_openais() -> None:
    found = read_completion({"model": "m", "prompt": ["x"], "stop": "y"})
    assert (found.prompt, found.max_tokens, found.temperature) == ("x", 16, 1.0)
    assert found.stop == ("y",)


@pytest.mark.parametrize("bad", [None, [], "", [""], [[]], [1, "a"], [[1, True]], {}, ["a"] * 2049])
def test_embedding_refuses(bad: Any) -> None:
    with pytest.raises(ApiError):
        read_embedding({"model": "m", "input": bad})


def test_embedding_inputs() -> None:
    assert read_embedding({"model": "m", "input": "a"}).inputs == ("a",)
    assert read_embedding({"model": "m", "input": [1, 2]}).inputs == ((1, 2),)
    assert read_embedding({"model": "m", "input": ["a", [3]]}).inputs == ("a", (3,))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
KEYS = st.sampled_from(
    ["model", "messages", "prompt", "input", "stream", "n", "stop", "stream_options", "max_tokens"]
)


@given(st.dictionaries(KEYS, JSON))
def test_any_json_is_read_or_refused(body: dict[str, Any]) -> None:
    for read in (lambda b: read_chat(b, 10), read_completion, read_embedding):
        with suppress(ApiError):  # and nothing else
            read(body)
