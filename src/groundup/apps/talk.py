"""Somebody to talk to in a terminal: a release that is loaded here, or a server."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from groundup.apps.service import Reply, Service, reply
from groundup.facts.errors import ServeError

Message = dict[str, str]
TIMEOUT = 120.0  # seconds without a byte until a server counts as gone


class Talk(Protocol):
    """Answers questions and shows what they cite."""

    def ask(self, question: str, history: Sequence[Message]) -> Iterator[str | dict[str, Any]]:
        """Yield the text in pieces, then the `groundup` object (citations, receipt, abstained)."""

    def lines(self, citation: dict[str, Any]) -> list[tuple[int, str]]:
        """Return the cited lines with their numbers."""


class LocalTalk:
    """A release loaded in this process."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def ask(self, question: str, history: Sequence[Message]) -> Iterator[str | dict[str, Any]]:
        """See `Talk`."""
        earlier = [message["content"] for message in history if message["role"] == "user"]
        for part in reply(self._service, question, earlier):
            yield part.extra if isinstance(part, Reply) else part

    def lines(self, citation: dict[str, Any]) -> list[tuple[int, str]]:
        """See `Talk`; ServeError when the release lacks the document."""
        document = self._service.library.by_id(citation["doc_id"])
        if document is None:
            raise ServeError(f"{citation['uri']} is not among the documents of this release")
        start, end = citation["start_line"], citation["end_line"]
        excerpt = self._service.library.excerpt(document, start, end)
        return list(enumerate(excerpt.lines, excerpt.first))


class RemoteTalk:
    """A server, spoken to as any OpenAI client does."""

    def __init__(self, base_url: str) -> None:
        self._base = base_url.rstrip("/").removesuffix("/v1")
        models = self._get("/v1/models")["data"]
        self._model = str(models[0]["id"])

    def ask(self, question: str, history: Sequence[Message]) -> Iterator[str | dict[str, Any]]:
        """See `Talk`; ServeError when the server refuses or breaks off."""
        messages = [*history, {"role": "user", "content": question}]
        body = {"model": self._model, "messages": messages, "stream": True}
        with self._open("/v1/chat/completions", body) as response:
            yield from _parts(response)

    def lines(self, citation: dict[str, Any]) -> list[tuple[int, str]]:
        """See `Talk`."""
        doc_id = urllib.parse.quote(citation["doc_id"], safe="")
        span = f"{citation['start_line']}-{citation['end_line']}"
        found = self._get(f"/documents/{doc_id}?lines={span}")["lines"]
        return [(int(line["number"]), str(line["text"])) for line in found]

    def _get(self, path: str) -> Any:
        with self._open(path, None) as response:
            return json.load(response)

    def _open(self, path: str, body: dict[str, Any] | None) -> http.client.HTTPResponse:
        data = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json", "accept": "application/json"}
        request = urllib.request.Request(self._base + path, data, headers)
        try:
            response = urllib.request.urlopen(request, timeout=TIMEOUT)
        except urllib.error.HTTPError as error:
            raise ServeError(f"{self._base}: {_message(error)}") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ServeError(f"{self._base}: no answer ({error}). Is the server up?") from error
        assert isinstance(response, http.client.HTTPResponse)
        return response


def _message(error: urllib.error.HTTPError) -> str:
    """What an error response says, or its status when it is not ours."""
    try:
        return str(json.load(error)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"status {error.code}"


def _parts(response: http.client.HTTPResponse) -> Iterator[str | dict[str, Any]]:
    """Read an event stream up to `[DONE]`."""
    try:
        for raw in response:
            line = raw.decode().strip()
            if line == "data: [DONE]":
                return
            if line.startswith("data: "):
                yield from _event(json.loads(line.removeprefix("data: ")))
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ServeError(f"the answer broke off ({error})") from error
    raise ServeError("the answer broke off before its end")


def _event(event: dict[str, Any]) -> Iterator[str | dict[str, Any]]:
    if "error" in event:
        raise ServeError(str(event["error"]["message"]))
    for choice in event.get("choices", []):
        if text := choice["delta"].get("content"):
            yield text
    if "groundup" in event:
        yield event["groundup"]
