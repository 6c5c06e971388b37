"""`POST /feedback`: a thumb up or down, with a comment and a consent if the person gives them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse

from groundup.apps.body import read_object
from groundup.apps.errors import ApiError
from groundup.apps.feedback import Feedback
from groundup.apps.state import RecentAnswers, state_of

LONGEST_COMMENT = 4000  # characters; a note, not a document


async def give_feedback(request: Request) -> JSONResponse:
    """Store a judgement durably, then answer 201."""
    state = state_of(request)
    body = await read_object(request, state.config.body_limit_bytes)
    feedback = read_feedback(body, state.recent, state.service.release.name)
    number = await run_in_threadpool(state.feedback.add, feedback)
    state.metrics.add("groundup_feedback_total", rating=feedback.rating)
    return JSONResponse({"stored": number, "verified": feedback.verified}, 201)


def read_feedback(body: Mapping[str, Any], recent: RecentAnswers, release: str) -> Feedback:
    """Check a judgement; the server's own record of the answer wins over what a client says."""
    rating, comment = body.get("rating"), body.get("comment", "")
    if rating not in ("up", "down"):
        raise ApiError(400, f"found {rating!r}, expected up or down", "rating")
    if not isinstance(comment, str) or len(comment) > LONGEST_COMMENT:
        raise ApiError(400, f"expected text of at most {LONGEST_COMMENT} characters", "comment")
    answer_id, consent = _text(body, "answer_id"), body.get("consent", False)
    if not isinstance(consent, bool):
        raise ApiError(400, f"found {consent!r}, expected true or false", "consent")
    given = recent.get(answer_id)
    return Feedback(
        release=given.release if given else release,
        answer_id=answer_id,
        rating=rating,
        comment=comment,
        question=given.question if given else _text(body, "question"),
        answer=given.answer if given else _text(body, "answer"),
        citations=given.citations if given else (),
        consent=consent,
        verified=given is not None,
        time=time.time(),
    )


def _text(body: Mapping[str, Any], key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str) or not value:
        raise ApiError(400, f"found {value!r}, expected a non-empty string", key)
    return value
