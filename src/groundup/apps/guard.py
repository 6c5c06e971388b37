"""What every request passes: host check, request id, safety headers, counting."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from groundup.apps.errors import error_body
from groundup.apps.metrics import Metrics

# https://www.w3.org/TR/CSP3/ ; no inline script or style, nothing from elsewhere, no framing
CSP = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
SAFETY = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
LOOPBACK = ("localhost", "127.0.0.1", "::1")
CLIENT_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class Guard:
    """ASGI wrapper around the whole application."""

    def __init__(self, app: ASGIApp, metrics: Metrics, host: str, check: Callable[[], None]):
        self.app = app
        self.metrics = metrics
        self.hosts = allowed_hosts(host)
        self.check = check

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request and count it, also when its client went away (status 499)."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        self.check()
        start, status = time.perf_counter(), 499
        request_id = _request_id(Headers(scope=scope))

        async def send_guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = request_id
                for name, value in SAFETY.items():
                    headers[name] = value
            await send(message)

        try:
            await self._route(scope, receive, send_guarded)
        finally:
            route = _route_name(scope)
            method = scope["method"] if scope["method"] in METHODS else "other"
            total = "groundup_requests_total"
            self.metrics.add(total, route=route, method=method, status=str(status))
            self.metrics.observe(route, time.perf_counter() - start)

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a foreign host name: a site that rebinds its name to us is not our page."""
        host = Headers(scope=scope).get("host", "")
        if self.hosts is None or _host_name(host) in self.hosts:
            await self.app(scope, receive, send)
            return
        body = error_body(403, f"host {host!r} is not served here", code="host_not_allowed")
        await JSONResponse(body, 403)(scope, receive, send)


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def allowed_hosts(host: str) -> tuple[str, ...] | None:
    """Return the host names a server on `host` answers to; None means any (it is public)."""
    if host in LOOPBACK or host.startswith("127."):
        return (*LOOPBACK, host)
    return None


def _host_name(header: str) -> str:
    """Host header without its port; IPv6 stands in brackets (RFC 3986)."""
    if header.startswith("["):
        return header[1:].split("]")[0].lower()
    return header.split(":")[0].lower()


def _request_id(headers: Headers) -> str:
    """Keep the id a client gave, when it is harmless, so that its log and ours agree."""
    given = headers.get("x-request-id", "")
    return given if CLIENT_ID.fullmatch(given) else f"req-{secrets.token_hex(12)}"


def _route_name(scope: Scope) -> str:
    """Name of the route that matched; paths themselves would be labels without end."""
    return str(getattr(scope.get("endpoint"), "__name__", "other"))
