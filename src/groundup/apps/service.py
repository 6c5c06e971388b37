"""A release that is loaded and answers: its assistant, decoder, encoder and documents."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from groundup.apps.library import Library
from groundup.apps.ports import (
    Answer,
    Assistant,
    Citation,
    Encoder,
    LanguageModel,
    Meter,
)
from groundup.apps.receipt import Measured, make_receipt
from groundup.apps.release import Release
from groundup.apps.weights import Weights


@dataclass(frozen=True)
class Service:
    """Everything that one release needs to answer; built by `groundup.apps.load`."""

    release: Release
    library: Library
    weights: Weights
    assistant: Assistant
    model: LanguageModel
    encoder: Encoder
    meter: Callable[[], Meter]
    examples: tuple[str, ...] = ()

    @property
    def lm_name(self) -> str:
        """Model id of the raw decoder."""
        return f"{self.release.name}-lm"

    @property
    def encoder_name(self) -> str:
        """Model id of the encoder."""
        return f"{self.release.name}-encoder"


class Spent:
    """What a block took; readable when it has ended."""

    measured: Measured


@contextmanager
def spending(service: Service) -> Iterator[Spent]:
    """Measure wall-clock seconds and joules of the block."""
    spent, start = Spent(), time.perf_counter()
    with service.meter() as meter:
        yield spent
    seconds = time.perf_counter() - start
    spent.measured = Measured(seconds, meter.joules, meter.low, meter.high, meter.method)


@dataclass(frozen=True)
class Reply:
    """A finished answer as the interface sends it."""

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    measured: Measured
    extra: dict[str, Any]

    @property
    def usage(self) -> dict[str, int]:
        """OpenAI's usage object."""
        return usage(self.prompt_tokens, self.completion_tokens)


def usage(prompt: int, completion: int) -> dict[str, int]:
    """Return OpenAI's usage object."""
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def reply(
    service: Service, question: str, earlier: Sequence[str], max_tokens: int | None = None
) -> Iterator[str | Reply]:
    """Yield the answer in pieces of about a word, then the `Reply`; the pieces make its text.

    The assistant verifies every quote before it lets go of an answer, so an answer is whole
    before its first word is sent.
    """
    with spending(service) as spent:
        answer = service.assistant.answer(question, earlier)
    text = cut(service.model, answer.text, max_tokens)
    yield from re.findall(r"\s*\S+\s*|\s+", text)
    yield Reply(
        text=text,
        finish_reason="stop" if text == answer.text else "length",
        prompt_tokens=_count(service, [*earlier, question]),
        completion_tokens=_count(service, [text]),
        measured=spent.measured,
        extra=_extra(service, answer, spent.measured),
    )


def cut(model: LanguageModel, text: str, max_tokens: int | None) -> str:
    """Return the text, cut after `max_tokens` tokens at a whole character."""
    if max_tokens is None or len(text) <= max_tokens:  # a token is at least one byte
        return text
    ids = list(model.encode(text))
    if len(ids) <= max_tokens:
        return text
    return model.decode(ids[:max_tokens]).rstrip("\ufffd")


def _count(service: Service, texts: list[str]) -> int:
    return sum(len(service.model.encode(text)) for text in texts)


def _extra(service: Service, answer: Answer, measured: Measured) -> dict[str, Any]:
    """The `groundup` object beside OpenAI's fields."""
    library = service.library
    receipt = make_receipt(answer, service.release, library, service.weights, measured)
    return {
        "abstained": answer.abstained,
        "reason": answer.reason,
        "citations": [citation_json(citation, library) for citation in answer.citations],
        "receipt": receipt.to_json(),
    }


def citation_json(citation: Citation, library: Library) -> dict[str, Any]:
    """Return a citation for a client; machine paths stay inside, documents go by id."""
    document = library.by_uri(citation.uri)
    return {
        "doc_id": document.doc_id if document else "",
        "uri": citation.uri,
        "start_line": citation.start_line,
        "end_line": citation.end_line,
        "quote": citation.quote,
        "licence": document.licence if document else "",
        "title": document.title if document else "",
    }
