"""What a hostile page, client or path gets: nothing."""

import socket
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from groundup.apps.guard import allowed_hosts

ASK = {"model": "tiny", "messages": [{"role": "user", "content": "What is shlex.split?"}]}


@pytest.mark.parametrize(
    "path", ["/", "/static/app.js", "/healthz", "/v1/models", "/nowhere", "/documents/xyz"]
)
def test_safety_headers_on_every_answer(http: httpx.Client, path: str) -> None:
    headers = http.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in headers
    assert headers["x-request-id"]


def test_a_foreign_page_cannot_ask(http: httpx.Client) -> None:
    preflight = http.options(
        "/v1/chat/completions",
        headers={"origin": "https://evil.example", "access-control-request-method": "POST"},
    )
    assert preflight.status_code == 405
    assert "access-control-allow-origin" not in preflight.headers
    # what a browser sends across origins without asking first
    simple = http.post(
        "/v1/chat/completions", content=b"{}", headers={"content-type": "text/plain"}
    )
    assert simple.status_code == 415
    assert http.post("/feedback", data={"rating": "up"}).status_code == 415


def test_a_rebound_name_is_refused(http: httpx.Client) -> None:
    found = http.get("/v1/models", headers={"host": "evil.example:8765"})
    assert found.status_code == 403
    assert http.get("/healthz", headers={"host": "localhost:1"}).status_code == 200
    assert http.get("/healthz", headers={"host": "[::1]:1"}).status_code == 200
    assert allowed_hosts("0.0.0.0") is None


@pytest.mark.parametrize(
    "path",
    [
        "/documents/../../../etc/passwd",
        "/documents/..%2f..%2f..%2fetc%2fpasswd",
        "/documents/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/documents//etc/passwd",
        "/documents/%00",
        "/static/../server.py",
        "/static/..%2fserver.py",
        "/static/%2e%2e/%2e%2e/config.py",
        "/static//etc/passwd",
        "/static/",
        "/../../etc/passwd",
    ],
)
def test_no_path_leads_out(live: Any, path: str) -> None:
    where = urlsplit(live.url)
    with socket.create_connection((where.hostname, where.port), 5) as raw:  # as it is written
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    assert answer.split()[1] in (b"404", b"400")
    assert b"root:" not in answer
    assert b"import" not in answer


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"\xff\xfe", 400),
        (b'{"model": "\\ud800"}', 400),
        (b"[" * 15_000, 400),
        (b" " * 30_000, 413),
    ],
)
def test_bad_bodies(http: httpx.Client, body: bytes, status: int) -> None:
    headers = {"content-type": "application/json"}
    for path in ("/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/feedback"):
        found = http.post(path, content=body, headers=headers)
        assert found.status_code == status
        error = found.json()["error"]
        assert set(error) == {"message", "type", "param", "code"}
        assert error["type"] == "invalid_request_error"


def test_a_body_without_length_is_bounded_too(http: httpx.Client) -> None:
    def chunks() -> Any:
        for _ in range(100):
            yield b" " * 1000

    headers = {"content-type": "application/json"}
    assert http.post("/v1/completions", content=chunks(), headers=headers).status_code == 413


def test_unknown_route_and_method(http: httpx.Client) -> None:
    assert http.get("/v2/x").json()["error"]["type"] == "not_found_error"
    found = http.get("/v1/chat/completions")
    assert found.status_code == 405
    assert "POST" in found.headers["allow"]
    assert "error" in found.json()


def test_a_client_that_leaves_stops_the_model(live: Any) -> None:
    body = {"model": "tiny-lm", "prompt": "x", "max_tokens": 120, "stream": True, "seed": 1}
    generated, began = 0, threading.Event()
    inner = live.service.model.generate

    def slow(*arguments: Any) -> Any:
        nonlocal generated
        try:
            piece = next(inner(*arguments))
            for _ in range(120):  # a random model may end at once: this one goes on
                generated += 1
                began.set()
                time.sleep(0.02)  # and stands for a larger model
                yield piece
        finally:
            closed.set()

    closed = threading.Event()
    object.__setattr__(live.service.model, "generate", slow)
    try:
        for stream in (True, False):
            began.clear()
            closed.clear()
            generated = 0
            with live.client() as client:
                if stream:
                    with client.stream("POST", "/v1/completions", json=body) as answer:
                        next(answer.iter_lines())
                else:
                    with pytest.raises(httpx.ReadTimeout):
                        client.post("/v1/completions", json={**body, "stream": False}, timeout=0.3)
            assert began.is_set()
            assert closed.wait(2)
            assert generated < 100
    finally:
        object.__setattr__(live.service.model, "generate", inner)
    with live.client() as client:  # the worker is free again
        assert client.post("/v1/chat/completions", json=ASK).status_code == 200


def test_importing_the_server_does_not_import_torch(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys, groundup.apps.run, groundup.apps.terminal, groundup.apps.talk;"
        "print(*[m for m in ('torch', 'pyarrow', 'tokenizers', 'openai') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
