"""Server-sent events: the frames of a stream, and clients that go away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import StreamingResponse

from groundup.apps.errors import ApiError, error_body
from groundup.facts.errors import GroundupError

T = TypeVar("T")
DONE = "data: [DONE]\n\n"
# no proxy may collect the pieces before it passes them on
HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}


def frame(event: dict[str, Any]) -> str:
    """Return one event in ASCII: some clients also split lines at U+2028 and its kin."""
    return f"data: {json.dumps(event, separators=(',', ':'))}\n\n"


def event_stream(events: AsyncIterator[dict[str, Any]]) -> StreamingResponse:
    """Send events, then `[DONE]`; an error on the way is sent as OpenAI's error object."""
    return StreamingResponse(_frames(events), media_type="text/event-stream", headers=HEADERS)


async def _frames(events: AsyncIterator[dict[str, Any]]) -> AsyncIterator[str]:
    try:
        async for event in events:
            yield frame(event)
    except ApiError as error:
        yield frame(error_body(error.status, str(error), error.param, error.code))
    except GroundupError as error:
        yield frame(error_body(500, str(error), code="internal_error"))
    yield DONE


async def while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Return the result of `work`; cancel it when the client goes away.

    Raises starlette's ClientDisconnect then. The request's body must have been read.
    """
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise ClientDisconnect
    finally:
        task.cancel()
        gone.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
