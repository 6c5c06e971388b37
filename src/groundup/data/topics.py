"""The language reference that ships with Python (`pydoc_data.topics`), a document per topic."""

from __future__ import annotations

import ast
import sysconfig
from dataclasses import replace
from pathlib import Path

from groundup.data.python_parse import Found
from groundup.data.sections import rst_headings, sections


def topics() -> dict[str, str]:
    """Topic name -> text, read as syntax from the file; empty where Python ships without it."""
    path = Path(sysconfig.get_path("stdlib")) / "pydoc_data" / "topics.py"
    if not path.is_file():
        return {}
    for statement in ast.parse(path.read_bytes()).body:
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Dict):
            found = ast.literal_eval(statement.value)
            return {name: found[name].strip("\n") for name in sorted(found)}
    return {}


def topics_path() -> str:
    """The file that the topics were read from."""
    return str(Path(sysconfig.get_path("stdlib")) / "pydoc_data" / "topics.py")


def topic_passages(name: str, text: str) -> list[Found]:
    """Sections of one topic, named by the topic and their headings."""
    return [replace(part, kind="topic") for part in sections(text, rst_headings(text), name)]
