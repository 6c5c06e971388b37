"""The digest of a step's code: its modules and every groundup module that they import."""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path

import groundup

_PACKAGE = Path(groundup.__file__).parent


def code_digest(modules: tuple[str, ...]) -> str:
    """SHA-256 (16 hex digits) over the sources of `modules` and all they import from groundup."""
    seen: set[str] = set()
    todo = list(modules)
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo.extend(_imports(name))
    digest = hashlib.sha256()
    for name in sorted(seen):
        digest.update(name.encode() + b"\0" + _source(name))
    return digest.hexdigest()[:16]


@cache
def _path(module: str) -> Path | None:
    """File of a module of this package; nothing is imported to find it."""
    inside = _PACKAGE.parent.joinpath(*module.split("."))
    found = (inside.with_suffix(".py"), inside / "__init__.py")
    return next((path for path in found if path.is_file()), None)


@cache
def _source(module: str) -> bytes:
    path = _path(module)
    return path.read_bytes() if path else b""


@cache
def _imports(module: str) -> tuple[str, ...]:
    """Modules of groundup named by any import statement of `module`, at whatever depth."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(_source(module))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return tuple(name for name in found if name.startswith("groundup.") and _path(name) is not None)
