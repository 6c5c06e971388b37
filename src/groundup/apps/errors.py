"""Errors of the HTTP interface, in the JSON form that OpenAI clients understand."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from groundup.facts.errors import GroundupError

# error `type` of each status, as OpenAI's reference lists them
TYPES: Mapping[int, str] = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    500: "server_error",
    503: "server_error",
}


class ApiError(GroundupError):
    """A request that cannot be answered: status, message, and the parameter at fault."""

    def __init__(
        self, status: int, message: str, param: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.param = param
        self.code = code


def error_body(
    status: int, message: str, param: str | None = None, code: str | None = None
) -> dict[str, object]:
    """Return `{"error": {message, type, param, code}}`, OpenAI's error object."""
    kind = TYPES.get(status, "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def error_response(error: ApiError) -> JSONResponse:
    """Return the response of an error; a full queue also says when to come back."""
    headers = {"retry-after": "1"} if error.status in (429, 503) else None
    body = error_body(error.status, str(error), error.param, error.code)
    return JSONResponse(body, error.status, headers)


async def on_api_error(request: Request, error: Exception) -> JSONResponse:
    """Answer an `ApiError` that a route raised."""
    assert isinstance(error, ApiError)
    return error_response(error)


async def on_http_error(request: Request, error: Exception) -> JSONResponse:
    """Answer an error of the router (no such route, wrong method) in the same form."""
    assert isinstance(error, HTTPException)
    message = f"{request.method} {request.url.path}: {error.detail}"
    body = error_body(error.status_code, message)
    return JSONResponse(body, error.status_code, error.headers)


async def on_groundup_error(request: Request, error: Exception) -> JSONResponse:
    """Answer an error that a lower floor raised on purpose: its text is safe to show."""
    return JSONResponse(error_body(500, str(error), code="internal_error"), 500)


async def on_crash(request: Request, error: Exception) -> JSONResponse:
    """Answer a fault of ours without its inner text; the log has the traceback."""
    body = error_body(500, "the server failed on this request; see its log", code="internal_error")
    return JSONResponse(body, 500)
