"""`/v1/models`: the assistant, its raw decoder and its encoder."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from groundup.apps.errors import ApiError
from groundup.apps.service import Service
from groundup.apps.state import state_of


def model_objects(service: Service) -> list[dict[str, Any]]:
    """Return OpenAI's model objects; `groundup.kind` says what each is for."""
    created = _unix(service.release.created)
    kinds = {
        service.release.name: "assistant",
        service.lm_name: "decoder",
        service.encoder_name: "encoder",
    }
    return [
        {
            "id": name,
            "object": "model",
            "created": created,
            "owned_by": "groundup",
            "groundup": {"kind": kind, "digest": service.weights.digest},
        }
        for name, kind in kinds.items()
    ]


def _unix(text: str) -> int:
    """Seconds since 1970 of an ISO 8601 time; 0 when it is not one."""
    try:
        return int(datetime.fromisoformat(text).timestamp())
    except ValueError:
        return 0


def require_model(service: Service, asked: str, *served: str) -> None:
    """Raise ApiError 404 unless `asked` is one of the models that this route serves."""
    if asked in served:
        return
    known = [model["id"] for model in model_objects(service)]
    hint = f"this route serves {' and '.join(served)}" if asked in known else f"known: {known}"
    raise ApiError(404, f"the model {asked!r} is not served here; {hint}", "model", NOT_FOUND)


NOT_FOUND = "model_not_found"


async def list_models(request: Request) -> JSONResponse:
    """Answer `GET /v1/models`."""
    service = state_of(request).service
    return JSONResponse({"object": "list", "data": model_objects(service)})


async def get_model(request: Request) -> JSONResponse:
    """Answer `GET /v1/models/{name}`."""
    name = request.path_params["name"]
    for model in model_objects(state_of(request).service):
        if model["id"] == name:
            return JSONResponse(model)
    raise ApiError(404, f"the model {name!r} is not served here", "model", NOT_FOUND)
