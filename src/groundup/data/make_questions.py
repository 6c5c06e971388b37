"""make_questions: questions, retrieval pairs and fine-tuning chats from the collected passages."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

from groundup.data.chats import make_chats
from groundup.data.document import HELD_OUT, TRAIN
from groundup.data.pairs import make_pairs
from groundup.data.questions import Question, make
from groundup.data.store import (
    Progress,
    quiet,
    read_documents,
    read_passages,
    write_jsonl,
)
from groundup.data.unanswerable import unanswerable
from groundup.facts.errors import DataError
from groundup.facts.files import write_json

TRAIN_LIMIT = 1500  # questions a kind; more would not fit a run of minutes
HELD_OUT_LIMIT = 300  # a kind: the standard error of a share is then below 3 points
Metrics = dict[str, float | int | str]


def make_questions(documents: Path, seed: int, out: Path, progress: Progress = quiet) -> Metrics:
    """Write questions.jsonl, pairs.jsonl and chats.jsonl (held-in documents only) into `out`.

    Half of the held-out questions use wordings that no training question has (`seen_template`).
    Raises DataError where `documents` holds no passages.
    """
    started = time.perf_counter()
    passages = read_passages(documents)
    if not passages:
        raise DataError(f"{documents}: no passages to ask about")
    sides = {side: [p for p in passages if p.split == side] for side in (TRAIN, HELD_OUT)}
    limits = {TRAIN: TRAIN_LIMIT, HELD_OUT: HELD_OUT_LIMIT}
    questions: list[Question] = []
    for step, side in enumerate(sides):
        questions += _limited(make(sides[side], side, limits[side], seed), limits[side])
        progress("make questions", step + 1, 5)
    texts = read_documents(documents)
    for side in sides:
        items = unanswerable(passages, texts, limits[side], seed)
        own = [item for item in items if item.split == side]
        questions += [
            Question(
                f"{side}/unanswerable/{number}",
                item.question,
                "unanswerable",
                "",
                "",
                "",
                0,
                0,
                side,
                "",
                item.sort,
                item.seen_template,
            )
            for number, item in enumerate(own)
        ]
    progress("make questions", 3, 5)
    write_jsonl(questions, out / "questions.jsonl")
    pairs = list(chain.from_iterable(make_pairs(sides[side], side, seed) for side in sides))
    write_jsonl(pairs, out / "pairs.jsonl")
    progress("make questions", 4, 5)
    taught = [question for question in questions if question.split == TRAIN]
    chats = write_jsonl(make_chats(taught, sides[TRAIN], seed), out / "chats.jsonl")
    progress("make questions", 5, 5)
    unseen = sum(q.split == HELD_OUT and not q.seen_template for q in questions)
    report = {
        "questions": _table((q.kind, q.split) for q in questions),
        "unanswerable": _table((q.sort, q.split) for q in questions if q.sort),
        "pairs": _table((str(p["kind"]), str(p["split"])) for p in pairs),
        "held_out_unseen_wording": unseen,
    }
    write_json(out / "report.json", report)
    return {
        "questions": len(questions),
        "pairs": len(pairs),
        "chats": chats,
        "held_out_questions": sum(q.split == HELD_OUT for q in questions),
        "held_out_unseen_wording": unseen,
        "seconds": round(time.perf_counter() - started, 2),
    }


def _limited(questions: Iterable[Question], limit: int) -> list[Question]:
    """At most `limit` questions of each kind, each wording of a question once."""
    kept: dict[str, Question] = {}
    counts: Counter[str] = Counter()
    for question in questions:
        if question.question not in kept and counts[question.kind] < limit:
            kept[question.question] = question
            counts[question.kind] += 1
    return list(kept.values())


def _table(rows: Iterable[tuple[str, str]]) -> dict[str, dict[str, int]]:
    table: dict[str, dict[str, int]] = {}
    for kind, split in rows:
        row = table.setdefault(kind, {})
        row[split] = row.get(split, 0) + 1
    return table
