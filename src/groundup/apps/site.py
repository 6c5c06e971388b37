"""The chat page and its few assets, read once from the package."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from groundup.apps.errors import ApiError
from groundup.apps.state import state_of

TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


@dataclass(frozen=True)
class Asset:
    """One file of the page."""

    content: bytes
    kind: str
    tag: str


@cache
def assets() -> Mapping[str, Asset]:
    """Return every asset by its plain name; only these names exist, so no path can lead out."""
    folder = files("groundup.apps") / "page"
    found = {}
    for file in folder.iterdir():
        kind = TYPES.get(file.name.rpartition(".")[2])
        if kind:
            content = file.read_bytes()
            found[file.name] = Asset(content, kind, f'"{hashlib.sha256(content).hexdigest()[:16]}"')
    return found


async def page(request: Request) -> Response:
    """Answer `GET /`."""
    return _send(request, assets()["index.html"])


async def asset(request: Request) -> Response:
    """Answer `GET /static/{name}`."""
    found = assets().get(request.path_params["name"])
    if found is None:
        raise ApiError(404, "there is no such file")
    return _send(request, found)


def _send(request: Request, found: Asset) -> Response:
    """Send a file, or 304 when the browser has this version (RFC 9110, If-None-Match)."""
    headers = {"etag": found.tag, "cache-control": "no-cache"}
    if request.headers.get("if-none-match") == found.tag:
        return Response(status_code=304, headers=headers)
    return Response(found.content, media_type=found.kind, headers=headers)


async def about(request: Request) -> JSONResponse:
    """Answer `GET /about`: what the page shows before the first question."""
    return JSONResponse(describe(request))


def describe(request: Request) -> dict[str, Any]:
    """Return title, release, sizes, licences, gates and example questions."""
    state = state_of(request)
    service = state.service
    release, library = service.release, service.library
    return {
        "title": state.config.title,
        "model": release.name,
        "created": release.created,
        "parameters": service.weights.parameters,
        "precision": service.weights.precision,
        "documents": len(library.documents),
        "licences": dict(library.training_licences),
        "gates": [
            {"name": g.name, "passed": g.passed, "value": g.value, "threshold": g.threshold}
            for g in release.gates
        ],
        "examples": list(service.examples),
    }
