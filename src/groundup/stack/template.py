"""Writes the commented stack file of `groundup init`: every key, its default and what it means."""

from __future__ import annotations

import ast
import inspect
from dataclasses import MISSING, fields
from typing import Any

from groundup.stack.stack import LAYER_TABLES

_FLOORS = {
    "apps": "floor 14: the product",
    "middleware": "floor 13: retrieval and grounded answers",
    "gates": "floor 13: evaluations that a candidate must pass before it is served",
    "inference": "floor 12: serving the model",
    "recipes": "floor 11: the one dial and how it is shared",
    "models": "floor 10: the decoder (zeros: the budget chooses)",
    "data": "floor 9: what the model reads",
    "training": "floor 8: optimiser, layout, checkpoints",
    "frameworks": "floor 7: device, number format, seed",
    "systems": "floor 6: launching and energy metering",
    "sites": "floor 5: power, cooling, grid",
    "networks": "floor 4: links and topology",
    "chips": "floor 3: the accelerator",
    "fabs": "floor 2: booked capacity",
    "materials": "floor 1: supply of raw materials",
}


def field_docs(kind: type) -> dict[str, str]:
    """The docstring under each field of the config class `kind`, by field name."""
    (body,) = ast.parse(inspect.getsource(kind)).body
    assert isinstance(body, ast.ClassDef)
    docs: dict[str, str] = {}
    for statement, below in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
        ):
            docs[statement.target.id] = " ".join(str(below.value.value).split())
    return docs


def template(name: str) -> str:
    """Text of a stack file called `name` with every key commented out at its default."""
    lines = [
        "# A groundup stack file. Every key is optional; a line that starts with `# key =` shows",
        "# the default. `groundup plan FILE` prices it, `groundup up FILE` builds and serves it.",
        f'name = "{name}"',
        'description = ""',
    ]
    for table, kind in LAYER_TABLES.items():
        lines += ["", f"[{table}]  # {_FLOORS[table]}"]
        docs = field_docs(kind)
        for item in fields(kind):
            default = None if item.default is MISSING else item.default
            lines.append(f"# {docs[item.name]}")
            lines.append(f"# {item.name} = {_toml(default)}")
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if value is None:
        return "(not set)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return f'"{value}"' if isinstance(value, str) else repr(value)
