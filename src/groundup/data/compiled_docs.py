"""Documents for the standard library's compiled modules, from their own docs and signatures.

These are the only modules that are imported: they belong to the interpreter itself. Each gives
one generated document `pydoc/NAME` whose lines can be cited.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import re
import sys
import sysconfig
import types
import warnings
from collections.abc import Iterator
from pathlib import Path

from groundup.data import spans
from groundup.data.python_parse import Found

# not imported: they change the terminal, need a display, or are test helpers
_NOT_IMPORTED = {"readline", "_tkinter", "_curses", "_curses_panel", "idlelib"}
_NOT_NAMED = re.compile(r"test|^_?xx")
_SITE_NAMES = {"copyright", "credits", "exit", "quit", "license", "help", "_"}
# types of compiled code that no module lists under their public name
_HIDDEN_TYPES = {"re": ("Pattern", "Match"), "types": ("MappingProxyType", "SimpleNamespace")}
_ROUTINES = (types.BuiltinFunctionType, types.WrapperDescriptorType, types.MethodDescriptorType)


def compiled_modules() -> list[str]:
    """Names of the compiled standard modules of this interpreter that are safe to import."""
    names = set(sys.builtin_module_names)
    library = Path(sysconfig.get_path("platstdlib"))
    folders = [Path(sysconfig.get_path("stdlib")) / "lib-dynload", library / "lib-dynload"]
    for folder in folders:
        names |= {file.name.partition(".")[0] for file in folder.glob("*.so")}
        names |= {file.name.partition(".")[0] for file in folder.glob("*.pyd")}
    standard = names & {*sys.stdlib_module_names, *sys.builtin_module_names}
    kept = {n for n in standard if not _NOT_NAMED.search(n)} - _NOT_IMPORTED
    return sorted(kept | set(_HIDDEN_TYPES))


def load(name: str) -> types.ModuleType | None:
    """The module, or None where this build lacks a library that it needs."""
    with warnings.catch_warnings(), contextlib.suppress(ImportError):
        warnings.simplefilter("ignore")
        return importlib.import_module(name)
    return None


def members(module: types.ModuleType) -> dict[str, object]:
    """Compiled functions and types that a module itself offers, by name, sorted."""
    wanted = _HIDDEN_TYPES.get(module.__name__)
    found = {}
    for name, value in sorted(vars(module).items()):
        if wanted is not None and name not in wanted:
            continue
        if name.startswith("__") or (module.__name__ == "builtins" and name in _SITE_NAMES):
            continue
        is_type = isinstance(value, type) and not _from_source(value)
        if is_type or isinstance(value, types.BuiltinFunctionType):
            found[name] = value
    return found


def _from_source(value: type) -> bool:
    return bool(value.__flags__ & (1 << 9)) and "__dict__" in vars(
        value
    )  # a heap type made by `class`


def render(module: types.ModuleType) -> tuple[str, list[Found]]:
    """The text of a module's document, and what is defined in it with its lines."""
    page = _Page()
    own_doc = "" if module.__name__ in _HIDDEN_TYPES else inspect.getdoc(module) or ""
    page.add("module", "", module.__name__, "", own_doc)
    for name, value in members(module).items():
        kind = "class" if isinstance(value, type) else "function"
        page.add(kind, name, name, _signature(value, name), _doc(value))
        if isinstance(value, type):
            for method, inner in _methods(value):
                full = f"{name}.{method}"
                page.add("method", full, full, _signature(inner, full), _doc(inner))
    return "\n".join(page.lines), page.found


def _methods(owner: type) -> Iterator[tuple[str, object]]:
    """Own documented methods; dunders only where their text is not the one of `object`."""
    for name, value in sorted(vars(owner).items()):
        inner = value.__func__ if isinstance(value, staticmethod | classmethod) else value
        descriptor = (*_ROUTINES, types.ClassMethodDescriptorType, types.GetSetDescriptorType)
        if not isinstance(inner, (*descriptor, types.MemberDescriptorType)) or not _doc(inner):
            continue
        if not name.startswith("_"):
            yield name, inner


def _doc(value: object) -> str:
    doc = getattr(value, "__doc__", None)
    return inspect.cleandoc(doc) if isinstance(doc, str) else ""


def _signature(value: object, name: str) -> str:
    if not callable(value) and not inspect.isroutine(value):
        return ""
    try:
        return f"{name}{inspect.signature(value)}"
    except (ValueError, TypeError):
        return ""


class _Page:
    """Grows a generated document line by line and notes where each definition stands."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.found: list[Found] = []

    def add(self, kind: str, inside: str, shown: str, signature: str, doc: str) -> None:
        """One entry: `kind name(signature)` and its text, indented by four blanks."""
        self.lines += ["", f"{kind} {signature or shown}"] if self.lines else [f"{kind} {shown}"]
        header = len(self.lines)
        body = [f"    {line}".rstrip() for line in doc.split("\n")] if doc else []
        self.lines += body
        if not body:
            return
        content = spans.Doc("\n".join(body), header + 1)
        lines = (header if signature else 0, header if signature else 0)
        if not signature and (form := spans.call_form(content)).text:
            signature, lines = form.text, (form.start, form.end)
        self.found.append(
            Found(
                kind,
                inside,
                signature,
                lines,
                "\n".join(body),
                (header + 1, len(self.lines)),
                spans.summary(content),
                spans.NOTHING if kind in ("class", "module") else spans.returns(content),
                spans.raises(content),
            )
        )
