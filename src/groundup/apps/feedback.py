"""Thumbs up and down, kept in SQLite so that a crash loses nothing, and exported as preferences."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

from groundup.facts.errors import DataError, ServeError

SCHEMA = """
CREATE TABLE IF NOT EXISTS feedback (
  id INTEGER PRIMARY KEY,
  time REAL NOT NULL,
  release TEXT NOT NULL,
  answer_id TEXT NOT NULL,
  rating TEXT NOT NULL CHECK (rating IN ('up', 'down')),
  comment TEXT NOT NULL,
  question TEXT NOT NULL,
  answer TEXT NOT NULL,
  citations TEXT NOT NULL,
  consent INTEGER NOT NULL CHECK (consent IN (0, 1)),
  verified INTEGER NOT NULL CHECK (verified IN (0, 1))
) STRICT
"""
Rating = Literal["up", "down"]
Form = Literal["unpaired", "paired"]


@dataclass(frozen=True)
class Feedback:
    """One judgement of one answer.

    `consent` allows training on it; `verified` says that the words are the server's own record
    and not only what a client sent. `time` is seconds since the Unix epoch.
    """

    release: str
    answer_id: str
    rating: Rating
    comment: str
    question: str
    answer: str
    citations: tuple[dict[str, Any], ...]
    consent: bool
    verified: bool
    time: float


class FeedbackStore:
    """Append-only store; every `add` is on disk (fsync) when it returns. Safe for threads."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "feedback.sqlite"
        self._lock = threading.Lock()
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self.file, check_same_thread=False, timeout=10.0)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")  # WAL alone may lose the last commits
            with self._db:
                self._db.execute(SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise ServeError(f"{self.file}: feedback cannot be stored here ({error})") from error

    def add(self, feedback: Feedback) -> int:
        """Store one judgement and return its number; ServeError when the disk refuses."""
        row = (
            feedback.time,
            feedback.release,
            feedback.answer_id,
            feedback.rating,
            feedback.comment,
            feedback.question,
            feedback.answer,
            json.dumps(feedback.citations, ensure_ascii=False),
            int(feedback.consent),
            int(feedback.verified),
        )
        statement = f"INSERT INTO feedback VALUES (NULL, {', '.join('?' * len(row))})"
        try:
            with self._lock, self._db:
                return int(self._db.execute(statement, row).lastrowid or 0)
        except sqlite3.Error as error:
            raise ServeError(f"{self.file}: feedback was not stored ({error})") from error

    def all(self) -> list[Feedback]:
        """Return every judgement, oldest first."""
        columns = "time, release, answer_id, rating, comment, question, answer, citations, "
        query = f"SELECT {columns} consent, verified FROM feedback ORDER BY id"
        with self._lock:
            return [_from_row(row) for row in self._db.execute(query)]

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()


def _from_row(row: tuple[Any, ...]) -> Feedback:
    when, release, answer_id, rating, comment, question, answer, citations, consent, verified = row
    return Feedback(
        release=release,
        answer_id=answer_id,
        rating=rating,
        comment=comment,
        question=question,
        answer=answer,
        citations=tuple(json.loads(citations)),
        consent=bool(consent),
        verified=bool(verified),
        time=when,
    )


def export_preferences(directory: Path, out: Path, form: Form = "unpaired") -> int:
    """Write consented, verified feedback of a state directory as TRL preference JSONL.

    `unpaired` gives {"prompt", "completion", "label"} (TRL's KTO form); `paired` gives
    {"prompt", "chosen", "rejected"} (its DPO form) where one question has an answer of each kind.
    Returns the number of lines; DataError when there is no feedback file.
    """
    if not (directory / "feedback.sqlite").is_file():
        raise DataError(f"{directory}: no feedback.sqlite here; nobody has judged an answer yet")
    store = FeedbackStore(directory)
    usable = [entry for entry in _latest(store.all()) if entry.consent and entry.verified]
    store.close()
    lines = list(_unpaired(usable) if form == "unpaired" else _paired(usable))
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    out.write_text(text, encoding="utf-8")
    return len(lines)


def _latest(entries: list[Feedback]) -> list[Feedback]:
    """Keep the last judgement of each answer: people change their minds, or withdraw consent."""
    return list({entry.answer_id: entry for entry in entries}.values())


def _message(role: str, content: str) -> list[dict[str, str]]:
    return [{"role": role, "content": content}]


def _unpaired(entries: list[Feedback]) -> Iterator[dict[str, Any]]:
    for entry in entries:
        yield {
            "prompt": _message("user", entry.question),
            "completion": _message("assistant", entry.answer),
            "label": entry.rating == "up",
        }


def _paired(entries: list[Feedback]) -> Iterator[dict[str, Any]]:
    """Every liked with every disliked answer of the same question."""
    by_question: dict[str, dict[str, set[str]]] = {}
    for entry in entries:
        kinds = by_question.setdefault(entry.question, {"up": set(), "down": set()})
        kinds[entry.rating].add(entry.answer)
    for question, kinds in by_question.items():
        for chosen, rejected in product(sorted(kinds["up"]), sorted(kinds["down"])):
            if chosen != rejected:
                yield {
                    "prompt": _message("user", question),
                    "chosen": _message("assistant", chosen),
                    "rejected": _message("assistant", rejected),
                }
