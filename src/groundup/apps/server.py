"""The application: every route of floor 14 in one table."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from groundup.apps.chat import chat_completions
from groundup.apps.completions import completions
from groundup.apps.config import AppsConfig
from groundup.apps.documents import document
from groundup.apps.embeddings import embeddings
from groundup.apps.errors import ApiError, on_api_error, on_crash, on_groundup_error, on_http_error
from groundup.apps.feedback import FeedbackStore
from groundup.apps.guard import Guard
from groundup.apps.health import healthz, prometheus
from groundup.apps.judgements import give_feedback
from groundup.apps.metrics import Metrics
from groundup.apps.models import get_model, list_models
from groundup.apps.service import Service
from groundup.apps.site import about, asset, page
from groundup.apps.state import State
from groundup.apps.worker import Worker
from groundup.facts.errors import GroundupError

ROUTES = (
    Route("/", page),
    Route("/static/{name}", asset),
    Route("/about", about),
    Route("/documents/{doc_id}", document),
    Route("/feedback", give_feedback, methods=["POST"]),
    Route("/v1/chat/completions", chat_completions, methods=["POST"]),
    Route("/v1/completions", completions, methods=["POST"]),
    Route("/v1/embeddings", embeddings, methods=["POST"]),
    Route("/v1/models", list_models),
    Route("/v1/models/{name:path}", get_model),
    Route("/healthz", healthz),
    Route("/metrics", prometheus),
)


def create_app(
    current: Callable[[], Service],
    config: AppsConfig,
    state_directory: Path,
    check: Callable[[], None] = lambda: None,
    metrics: Metrics | None = None,
) -> Guard:
    """Return the ASGI application.

    `current` gives the loaded release and may give another one later; `check` runs before each
    request (it watches for a new release, so it must be cheap). Feedback goes to
    `state_directory`. ServeError when that cannot be written.
    """
    counts = metrics or Metrics()
    worker = Worker(config.waiting_limit)
    state = State(current, config, worker, counts, FeedbackStore(state_directory))
    app = Starlette(
        routes=list(ROUTES),
        exception_handlers={
            ApiError: on_api_error,
            HTTPException: on_http_error,
            ClientDisconnect: on_gone,
            GroundupError: on_groundup_error,
            Exception: on_crash,
        },
        lifespan=_lifespan,
    )
    app.state.groundup = state
    return Guard(app, counts, config.host, check)


async def on_gone(request: Request, error: Exception) -> Response:
    """Answer nobody: the client went away. 499 is what proxies log for it."""
    return Response(status_code=499)


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    """Close the worker and the feedback file when the server ends."""
    yield
    state = app.state.groundup
    assert isinstance(state, State)
    state.worker.close()
    state.feedback.close()
