"""Request bodies: JSON objects only, of a bounded size, and only when they say they are JSON."""

from __future__ import annotations

import json
import re
from typing import Any

from starlette.requests import Request

from groundup.apps.errors import ApiError

DEEPEST = 32  # levels of nesting; no request of this interface needs more than five
STRING = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)


async def read_object(request: Request, limit: int) -> dict[str, Any]:
    """Return the JSON object of a request.

    The content type must be JSON: a page of another origin can send anything else without asking
    the browser first. Raises ApiError 415, 413 or 400.
    """
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/json":
        raise ApiError(415, f"content-type is {kind!r}, expected application/json")
    raw = await _bounded(request, limit)
    if _depth(raw) > DEEPEST:
        raise ApiError(400, f"the body is nested deeper than {DEEPEST} levels", code="invalid_json")
    try:
        body = json.loads(raw)
        json.dumps(body, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except ValueError as error:  # not JSON, or not UTF-8
        raise ApiError(400, f"the body is not valid JSON ({error})", code="invalid_json") from error
    if not isinstance(body, dict):
        raise ApiError(400, f"the body is a {type(body).__name__}, expected an object")
    return body


async def _bounded(request: Request, limit: int) -> bytes:
    """Read at most `limit` bytes, whatever content-length claims."""
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise ApiError(413, f"the body is longer than {limit:,} bytes", code="body_too_large")
        chunks.append(chunk)
    return b"".join(chunks)


def _depth(raw: bytes) -> int:
    """Nesting of a JSON text: the parser itself fails badly on thousands of levels."""
    depth = deepest = 0
    for bracket in re.findall(rb"[\[\]{}]", STRING.sub(b"", raw)):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest
