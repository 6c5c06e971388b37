"""`/healthz` and `/metrics`: is it alive, and what has it done."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse

from groundup import __version__
from groundup.apps.metrics import CONTENT_TYPE
from groundup.apps.state import state_of


async def healthz(request: Request) -> JSONResponse:
    """Answer `GET /healthz`: 200 as long as a release is loaded."""
    state = state_of(request)
    release = state.service.release
    return JSONResponse(
        {
            "status": "ok",
            "release": release.name,
            "created": release.created,
            "version": __version__,
            "waiting": state.worker.waiting,
        }
    )


async def prometheus(request: Request) -> PlainTextResponse:
    """Answer `GET /metrics` in Prometheus' text format."""
    state = state_of(request)
    build = (("release", state.service.release.name), ("version", __version__))
    gauges = [
        ("groundup_build_info", "What is served; always 1.", build, 1.0),
        ("groundup_waiting", "Requests waiting for the model.", (), float(state.worker.waiting)),
    ]
    return PlainTextResponse(state.metrics.text(gauges), media_type=CONTENT_TYPE)
