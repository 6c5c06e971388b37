from __future__ import annotations

import builtins
import importlib
from operator import attrgetter

import pytest

from groundup.data.store import read_jsonl
from groundup.middleware.people import FILE, people_table
from groundup.middleware.retrieval import Retriever

ROWS = read_jsonl(FILE)


def exists(name: str) -> bool:
    """Whether this Python has a name such as `os.path.join` or `str.split`."""
    parts = name.split(".")
    for length in range(len(parts), -1, -1):
        try:
            owner = importlib.import_module(".".join(parts[:length])) if length else builtins
            rest = ".".join(parts[length:])
            return not rest or attrgetter(rest)(owner) is not None
        except (ImportError, AttributeError):
            continue
    return False


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["question"])
def test_every_accepted_name_is_real(row: dict) -> None:
    assert [name for name in row["accepted"] if not exists(name)] == []


def test_half_was_never_tuned_on() -> None:
    assert sum(row["use"] == "checked" for row in ROWS) == len(ROWS) // 2
    assert len({row["question"] for row in ROWS}) == len(ROWS) == 60


def test_other_documents_have_no_table(retriever: Retriever) -> None:
    assert people_table(retriever) == {}
