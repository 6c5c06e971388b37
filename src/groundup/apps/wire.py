"""Requests of the OpenAI interface, read from JSON into plain records; pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from groundup.apps.errors import ApiError

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
# what this server does not do; anything else than "off" is refused, not silently dropped
UNSUPPORTED: Mapping[str, object] = {
    "tools": [],
    "functions": [],
    "logprobs": False,
    "audio": None,
    "best_of": 1,
    "suffix": "",
}


@dataclass(frozen=True)
class ChatRequest:
    """A chat completion request."""

    model: str
    question: str
    earlier: tuple[str, ...]
    """The person's earlier questions, oldest first."""
    stream: bool
    include_usage: bool
    max_tokens: int | None


@dataclass(frozen=True)
class CompletionRequest:
    """A raw completion request; the prompt is text or token ids."""

    model: str
    prompt: str | tuple[int, ...]
    stream: bool
    include_usage: bool
    max_tokens: int
    temperature: float
    top_p: float
    stop: tuple[str, ...]
    seed: int | None
    echo: bool


@dataclass(frozen=True)
class EmbeddingRequest:
    """An embeddings request; each input is text or token ids."""

    model: str
    inputs: tuple[str | tuple[int, ...], ...]
    base64: bool


def read_chat(body: Mapping[str, Any], longest_question: int) -> ChatRequest:
    """Read and check a chat completion request; ApiError 400 names the parameter at fault."""
    _refuse_unsupported(body)
    if body.get("response_format", {"type": "text"}) != {"type": "text"}:
        raise ApiError(400, "only response_format {type: text} is supported", "response_format")
    messages = _messages(body.get("messages"))
    last = messages[-1]
    if last["role"] != "user":
        raise ApiError(400, "the last message must have role user", "messages")
    question = last["content"].strip()
    if not question:
        raise ApiError(400, "the question is empty", "messages")
    if len(question) > longest_question:
        raise too_long(len(question), longest_question, "characters", "messages")
    limit = body.get("max_completion_tokens", body.get("max_tokens"))
    return ChatRequest(
        model=_string(body, "model"),
        question=question,
        earlier=tuple(m["content"] for m in messages[:-1] if m["role"] == "user"),
        stream=_boolean(body, "stream"),
        include_usage=_include_usage(body),
        max_tokens=None if limit is None else _whole(limit, "max_tokens", 1),
    )


def read_completion(body: Mapping[str, Any]) -> CompletionRequest:
    """Read and check a completion request; ApiError 400 names the parameter at fault."""
    _refuse_unsupported(body)
    seed, limit = body.get("seed"), body.get("max_tokens")
    return CompletionRequest(
        model=_string(body, "model"),
        prompt=_prompt(body.get("prompt", "")),
        stream=_boolean(body, "stream"),
        include_usage=_include_usage(body),
        max_tokens=16 if limit is None else _whole(limit, "max_tokens", 0),  # OpenAI's default
        temperature=_between(body, "temperature", 1.0, 0.0, 2.0),
        top_p=_between(body, "top_p", 1.0, 0.0, 1.0),
        stop=_stop(body.get("stop")),
        seed=None if seed is None else _whole(seed, "seed", 0),
        echo=_boolean(body, "echo"),
    )


def read_embedding(body: Mapping[str, Any]) -> EmbeddingRequest:
    """Read and check an embeddings request; ApiError 400 names the parameter at fault."""
    form = body.get("encoding_format") or "float"
    if form not in ("float", "base64"):
        raise ApiError(400, f"found {form!r}, expected float or base64", "encoding_format")
    if body.get("dimensions") is not None:
        raise ApiError(400, "this encoder has one width; leave dimensions out", "dimensions")
    return EmbeddingRequest(_string(body, "model"), _inputs(body.get("input")), form == "base64")


def too_long(found: int, limit: int, unit: str, param: str) -> ApiError:
    """Return the error that OpenAI clients know as a context that is too long."""
    text = f"the input has {found:,} {unit}; at most {limit:,} fit. Shorten it."
    return ApiError(400, text, param, "context_length_exceeded")


def _refuse_unsupported(body: Mapping[str, Any]) -> None:
    count = body.get("n", 1)
    if count not in (1, None) or isinstance(count, bool):
        raise ApiError(400, f"n = {count!r}: only n = 1 is supported", "n", "unsupported_parameter")
    for key, off in UNSUPPORTED.items():
        if body.get(key) not in (None, off):
            text = f"{key} is not supported by this server"
            raise ApiError(400, text, key, "unsupported_parameter")


def _messages(messages: Any) -> list[dict[str, str]]:
    if not isinstance(messages, list) or not messages:
        raise ApiError(400, "expected a non-empty list", "messages")
    return [_message(message, f"messages[{i}]") for i, message in enumerate(messages)]


def _message(message: Any, where: str) -> dict[str, str]:
    if not isinstance(message, dict):
        raise ApiError(400, f"found {type(message).__name__}, expected an object", where)
    role = message.get("role")
    if role not in ROLES:
        raise ApiError(400, f"found {role!r}, expected one of {', '.join(ROLES)}", f"{where}.role")
    return {"role": role, "content": _content(message.get("content"), f"{where}.content")}


def _content(content: Any, where: str) -> str:
    """Text, or OpenAI's list of parts of which all are text."""
    if isinstance(content, str):
        return content
    if content is None:  # an assistant message may be empty
        return ""
    if not isinstance(content, list):
        raise ApiError(400, "expected a string or a list of text parts", where)
    for part in content:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind != "text" or not isinstance(part.get("text"), str):
            raise ApiError(400, f"found a part of type {kind!r}; only text is read", where)
    return "\n".join(part["text"] for part in content)


def _prompt(prompt: Any) -> str | tuple[int, ...]:
    if isinstance(prompt, list) and len(prompt) == 1 and not isinstance(prompt[0], int):
        prompt = prompt[0]  # a batch of one
    if isinstance(prompt, str):
        return prompt
    if isinstance(prompt, list) and prompt and all(_is_whole(item) for item in prompt):
        return tuple(prompt)
    raise ApiError(400, "expected one string or one list of token ids", "prompt")


def _inputs(inputs: Any) -> tuple[str | tuple[int, ...], ...]:
    if isinstance(inputs, str) or (
        isinstance(inputs, list) and inputs and all(_is_whole(item) for item in inputs)
    ):
        inputs = [inputs]
    if not isinstance(inputs, list) or not inputs:
        raise ApiError(400, "expected a string, a list of strings, or token ids", "input")
    if len(inputs) > 2048:  # OpenAI's limit
        raise ApiError(400, f"found {len(inputs)} inputs, at most 2048 are allowed", "input")
    return tuple(_input(item, f"input[{i}]") for i, item in enumerate(inputs))


def _input(item: Any, where: str) -> str | tuple[int, ...]:
    if isinstance(item, str) and item:
        return item
    if isinstance(item, list) and item and all(_is_whole(token) for token in item):
        return tuple(item)
    raise ApiError(400, "expected a non-empty string or a list of token ids", where)


def _stop(stop: Any) -> tuple[str, ...]:
    stops = [] if stop is None else [stop] if isinstance(stop, str) else stop
    if not isinstance(stops, list) or len(stops) > 4:  # OpenAI's limit
        raise ApiError(400, "expected a string or a list of at most 4 strings", "stop")
    if not all(isinstance(item, str) and item for item in stops):
        raise ApiError(400, "expected non-empty strings", "stop")
    return tuple(stops)


def _include_usage(body: Mapping[str, Any]) -> bool:
    options = body.get("stream_options")
    if options is None:
        return False
    if not isinstance(options, dict):
        raise ApiError(400, "expected an object", "stream_options")
    if not body.get("stream"):
        raise ApiError(400, "stream_options needs stream = true", "stream_options")
    return _boolean(options, "include_usage")


def _string(body: Mapping[str, Any], key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str) or not value:
        raise ApiError(400, f"found {value!r}, expected a non-empty string", key)
    return value


def _boolean(body: Mapping[str, Any], key: str) -> bool:
    value = body.get(key)
    if value is not None and not isinstance(value, bool):
        raise ApiError(400, f"found {value!r}, expected true or false", key)
    return bool(value)


def _between(body: Mapping[str, Any], key: str, default: float, low: float, high: float) -> float:
    value = body.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ApiError(400, f"found {value!r}, expected a number from {low:g} to {high:g}", key)
    return float(value)


def _whole(value: Any, key: str, least: int) -> int:
    if not _is_whole(value) or value < least or value >= 2**63:
        raise ApiError(400, f"found {value!r}, expected a whole number from {least}", key)
    return int(value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
