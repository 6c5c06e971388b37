"""`/v1/completions`: the raw decoder, whole or as a stream."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from groundup.apps.body import read_object
from groundup.apps.errors import ApiError
from groundup.apps.models import require_model
from groundup.apps.receipt import Measured
from groundup.apps.service import Service, spending, usage
from groundup.apps.sse import event_stream, while_connected
from groundup.apps.state import State, state_of
from groundup.apps.wire import CompletionRequest, read_completion, too_long

END_OF_TEXT = 0  # <|endoftext|>, which stands before every document in training


@dataclass(frozen=True)
class Finish:
    """How a completion ended."""

    reason: str
    tokens: int
    measured: Measured


async def completions(request: Request) -> Response:
    """Answer `POST /v1/completions`."""
    state = state_of(request)
    service = state.service
    asked = read_completion(await read_object(request, state.config.body_limit_bytes))
    require_model(service, asked.model, service.lm_name, service.release.name)
    prompt = _prompt_ids(service, asked)
    state.worker.admit()
    if asked.stream:
        return event_stream(_events(state, service, asked, prompt))
    return JSONResponse(await while_connected(request, _whole(state, service, asked, prompt)))


def _prompt_ids(service: Service, asked: CompletionRequest) -> list[int]:
    """Token ids of the prompt; ApiError when they do not fit or are no tokens."""
    model = service.model
    ids = model.encode(asked.prompt) if isinstance(asked.prompt, str) else list(asked.prompt)
    if not all(0 <= token < len(model.table) for token in ids):
        raise ApiError(400, f"token ids must be from 0 to {len(model.table) - 1}", "prompt")
    ids = ids or [END_OF_TEXT]
    if (wanted := len(ids) + max(asked.max_tokens, 1)) > model.context:
        raise too_long(wanted, model.context, "tokens (with max_tokens)", "prompt")
    return ids


def _generate(
    service: Service, asked: CompletionRequest, prompt: list[int]
) -> Iterator[str | Finish]:
    """Yield text as it becomes certain, then how it ended."""
    count, reason = 0, "length"
    seed = secrets.randbits(31) if asked.seed is None else asked.seed
    if asked.echo and isinstance(asked.prompt, str):
        yield asked.prompt
    with spending(service) as spent:
        for piece in service.model.generate(
            prompt, asked.max_tokens, asked.temperature, asked.top_p, asked.stop, seed
        ):
            count += piece.token >= 0
            reason = piece.finish or reason
            if piece.text:
                yield piece.text
    yield Finish(reason, count, spent.measured)


async def _parts(
    state: State, service: Service, asked: CompletionRequest, prompt: list[int]
) -> AsyncIterator[str | Finish]:
    """Run the decoder in the worker and count what it used."""
    async for part in state.worker.stream(lambda: _generate(service, asked, prompt)):
        if isinstance(part, Finish):
            add, spent = state.metrics.add, part.measured
            add("groundup_tokens_total", len(prompt), kind="prompt")
            add("groundup_tokens_total", part.tokens, kind="completion")
            add("groundup_joules_total", spent.joules, method=spent.joules_method.split(":")[0])
        yield part


def _head(service: Service, asked: CompletionRequest) -> dict[str, Any]:
    return {
        "id": f"cmpl-{secrets.token_hex(12)}",
        "object": "text_completion",
        "created": int(time.time()),
        "model": asked.model,
    }


def _choice(text: str, finish_reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "text": text, "logprobs": None, "finish_reason": finish_reason}


def _energy(finish: Finish) -> dict[str, Any]:
    """The `groundup` object of a completion: it has no citations, but it has a cost."""
    spent = finish.measured
    return {"seconds": spent.seconds, "joules": spent.joules, "method": spent.joules_method}


async def _whole(
    state: State, service: Service, asked: CompletionRequest, prompt: list[int]
) -> dict[str, Any]:
    text, finish = "", None
    async for part in _parts(state, service, asked, prompt):
        if isinstance(part, str):
            text += part
        else:
            finish = part
    assert finish is not None
    return {
        **_head(service, asked),
        "choices": [_choice(text, finish.reason)],
        "usage": usage(len(prompt), finish.tokens),
        "groundup": _energy(finish),
    }


async def _events(
    state: State, service: Service, asked: CompletionRequest, prompt: list[int]
) -> AsyncIterator[dict[str, Any]]:
    head = _head(service, asked)
    async for part in _parts(state, service, asked, prompt):
        if isinstance(part, str):
            yield {**head, "choices": [_choice(part)]}
            continue
        yield {**head, "choices": [_choice("", part.reason)], "groundup": _energy(part)}
        if asked.include_usage:
            yield {**head, "choices": [], "usage": usage(len(prompt), part.tokens)}
