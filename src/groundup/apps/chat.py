"""`/v1/chat/completions`: the grounded assistant, whole or as a stream."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from groundup.apps.body import read_object
from groundup.apps.metrics import Metrics
from groundup.apps.models import require_model
from groundup.apps.service import Reply, Service, reply
from groundup.apps.sse import event_stream, while_connected
from groundup.apps.state import Given, State, state_of
from groundup.apps.wire import ChatRequest, read_chat


async def chat_completions(request: Request) -> Response:
    """Answer `POST /v1/chat/completions`."""
    state = state_of(request)
    service = state.service
    body = await read_object(request, state.config.body_limit_bytes)
    asked = read_chat(body, state.config.question_limit_characters)
    require_model(service, asked.model, service.release.name)
    state.worker.admit()
    turn = Turn(state, service, asked, f"chatcmpl-{secrets.token_hex(12)}")
    if asked.stream:
        return event_stream(_events(turn))
    return JSONResponse(_completion(turn, await while_connected(request, _whole(turn))))


@dataclass(frozen=True)
class Turn:
    """One request on its way; `answer_id` is OpenAI's `id`, and what feedback names."""

    state: State
    service: Service
    asked: ChatRequest
    answer_id: str


async def _parts(turn: Turn) -> AsyncIterator[str | Reply]:
    """Run the assistant in the worker; count and remember its reply."""

    def job() -> Iterator[str | Reply]:
        asked = turn.asked
        return reply(turn.service, asked.question, asked.earlier, asked.max_tokens)

    async for part in turn.state.worker.stream(job):
        if isinstance(part, Reply):
            _count(turn.state.metrics, part)
            _remember(turn, part)
        yield part


async def _whole(turn: Turn) -> Reply:
    last: str | Reply = ""
    async for part in _parts(turn):
        last = part
    assert isinstance(last, Reply)
    return last


def _count(metrics: Metrics, done: Reply) -> None:
    add = metrics.add
    add("groundup_tokens_total", done.prompt_tokens, kind="prompt")
    add("groundup_tokens_total", done.completion_tokens, kind="completion")
    add("groundup_answers_total", outcome="abstained" if done.extra["abstained"] else "answered")
    method = done.measured.joules_method.split(":")[0]
    add("groundup_joules_total", done.measured.joules, method=method)


def _remember(turn: Turn, done: Reply) -> None:
    """Keep the words that were given, so that feedback on them can be trusted."""
    citations = tuple(done.extra["citations"])
    given = Given(turn.service.release.name, turn.asked.question, done.text, citations)
    turn.state.recent.put(turn.answer_id, given)


def _head(turn: Turn, kind: str) -> dict[str, Any]:
    """Fields that every object of one answer shares."""
    digest = turn.service.weights.digest.removeprefix("sha256:")
    return {
        "id": turn.answer_id,
        "object": kind,
        "created": int(time.time()),
        "model": turn.service.release.name,
        "system_fingerprint": f"fp_{digest[:10]}",  # changes when the weights change
    }


def _extra(turn: Turn, done: Reply) -> dict[str, Any]:
    return {"answer_id": turn.answer_id, **done.extra}


def _completion(turn: Turn, done: Reply) -> dict[str, Any]:
    """OpenAI's chat completion object, with `groundup` beside the message's text."""
    message = {
        "role": "assistant",
        "content": done.text,
        "refusal": None,
        "groundup": _extra(turn, done),
    }
    reason = done.finish_reason
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reason}
    return {**_head(turn, "chat.completion"), "choices": [choice], "usage": done.usage}


async def _events(turn: Turn) -> AsyncIterator[dict[str, Any]]:
    """Role first, then content, then finish_reason with `groundup`, then usage if asked."""
    head = _head(turn, "chat.completion.chunk")
    if turn.asked.include_usage:
        head["usage"] = None
    yield {**head, "choices": [_choice({"role": "assistant", "content": ""})]}
    async for part in _parts(turn):
        if isinstance(part, str):
            yield {**head, "choices": [_choice({"content": part})]}
            continue
        last = _choice({}, part.finish_reason)
        yield {**head, "choices": [last], "groundup": _extra(turn, part)}
        if turn.asked.include_usage:
            yield {**head, "choices": [], "usage": part.usage}


def _choice(delta: dict[str, str], finish_reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
