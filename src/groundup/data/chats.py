"""Chats to fine-tune on: a question, the passages found for it, and an answer that quotes them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

from groundup.data.document import Passage
from groundup.data.questions import Question

SYSTEM = (
    "Answer only from the numbered passages. Quote them and cite like [1]. "
    "If they do not hold the answer, say that you do not know."
)
DECLINE = "I do not know: the documents that I have do not say."
PASSAGES = 3  # shown with a question: the right one, if any, among others
EXCERPT = 420  # characters of a passage: three fit the context of a small model
WITHOUT = 0.12  # of the answerable questions, shown without the right passage: decline

Chat = dict[str, Any]


def make_chats(
    questions: Sequence[Question], passages: Sequence[Passage], seed: int
) -> Iterator[Chat]:
    """One chat a question, in TRL/OpenAI message form; the role `context` holds the passages."""
    rng = random.Random(f"{seed} chats")
    by_id = {passage.passage_id: passage for passage in passages}
    near: dict[str, list[Passage]] = {}
    for passage in passages:
        near.setdefault(passage.doc_id, []).append(passage)
    for question in questions:
        right = by_id.get(question.passage_id)
        shown = _distractors(right, passages, near, rng)
        keep = right is not None and rng.random() >= WITHOUT
        if right is not None and keep:
            shown[rng.randrange(len(shown))] = right
        place = shown.index(right) + 1 if right is not None and keep else 0
        context = "\n\n".join(
            f"[{n}] {excerpt(passage, question if passage is right else None)}"
            for n, passage in enumerate(shown, 1)
        )
        yield {
            "messages": [
                {"role": "system", "content": SYSTEM},
                {"role": "context", "content": context},
                {"role": "user", "content": question.question},
                {"role": "assistant", "content": _answer(question, place)},
            ],
            "kind": question.kind,
            "answerable": place > 0,
        }


def _answer(question: Question, place: int) -> str:
    if not place:
        return DECLINE
    quote = " ".join(question.answer.split())
    if question.kind == "which":
        return f"`{question.name}`: {quote} [{place}]"
    return f"`{quote}` [{place}]" if question.kind == "signature" else f"{quote} [{place}]"


def _distractors(
    right: Passage | None,
    passages: Sequence[Passage],
    near: dict[str, list[Passage]],
    rng: random.Random,
) -> list[Passage]:
    """Other passages, half of them from the right one's own document: those are the hard ones."""
    shown: list[Passage] = []
    siblings = near.get(right.doc_id, []) if right is not None else []
    while len(shown) < min(PASSAGES, len(passages) - 1):
        pool = siblings if len(siblings) > PASSAGES and rng.random() < 0.5 else passages
        other = rng.choice(pool)
        if other not in shown and other is not right:
            shown.append(other)
    return shown


def excerpt(passage: Passage, question: Question | None = None) -> str:
    """Name, place and the lines that matter: those that hold the answer, else the first ones."""
    head = f"{passage.name} ({passage.uri}:{passage.start_line})"
    if passage.signature and passage.signature not in passage.text:
        head += "\n" + " ".join(passage.signature.split())
    body = " ".join(passage.text.split())
    answer = " ".join(question.answer.split()) if question is not None else ""
    if answer and answer not in head:
        start = max(0, body.find(answer))
        end = max(start + len(answer), min(len(body), EXCERPT))
        body = body[start if end - start >= EXCERPT else max(0, end - EXCERPT) : end]
        return f"{head}\n{body}"
    return f"{head}\n{body[:EXCERPT]}"
