"""From what was found in each document to passages under the names that users type."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from groundup.data.document import Document, Passage
from groundup.data.python_names import (
    MODULE_ALIASES,
    Resolver,
    Target,
    is_private,
    public_names,
)
from groundup.data.python_parse import Found
from groundup.data.reading import Reading

PYDOC = "pydoc/"
_PROSE = ("section", "topic")


def passages(readings: Sequence[Reading]) -> list[Passage]:
    """All passages in the order of the documents, each with its public name and a unique id."""
    made: dict[str, list[Passage]] = {}
    taken: dict[str, int] = {}
    for group in _groups(readings):
        public = _public(group)
        # sources first: a function in Python hides the compiled one that replaces it at run time
        for reading in sorted(group, key=_is_compiled):
            if reading.document is not None:
                made[reading.uri] = _of_document(reading, reading.document, public, taken)
    return [passage for reading in readings for passage in made.get(reading.uri, ())]


def _groups(readings: Sequence[Reading]) -> list[list[Reading]]:
    """This machine's Python together; each folder by itself, so that its names stay its own."""
    groups: dict[str, list[Reading]] = {}
    for reading in readings:
        if reading.document is not None:
            source = reading.document.source
            key = source if source.startswith("folder:") else "python"
            groups.setdefault(key, []).append(reading)
    return list(groups.values())


def _is_compiled(reading: Reading) -> bool:
    return reading.uri.startswith(PYDOC)


def _module(reading: Reading) -> str:
    if reading.names is not None:
        return reading.names.module
    return reading.uri.removeprefix(PYDOC) if _is_compiled(reading) else ""


def _public(group: Iterable[Reading]) -> dict[Target, tuple[str, ...]]:
    group = list(group)
    compiled = {
        _module(reading): frozenset(f.inside for f in reading.found if f.inside)
        for reading in group
        if _is_compiled(reading)
    }
    resolver = Resolver((r.names for r in group if r.names is not None), compiled)
    known = {
        Target(_module(reading), found.inside)
        for reading in group
        for found in reading.found
        if _module(reading)
    }
    return public_names(resolver, known)


def _of_document(
    reading: Reading,
    document: Document,
    public: dict[Target, tuple[str, ...]],
    taken: dict[str, int],
) -> list[Passage]:
    module = _module(reading)
    made = []
    for found in reading.found:
        names = _names(found, module, public)
        if not names or (_is_compiled(reading) and any(name in taken for name in names)):
            continue
        if names[0] in taken and found.kind not in _PROSE and not found.summary.text:
            continue  # the undocumented variant of something already here
        taken[names[0]] = taken.get(names[0], 0) + 1
        number = taken[names[0]]
        identifier = names[0] if number == 1 else f"{names[0]}~{number}"
        made.append(_passage(document, found, identifier, names))
    return made


def _names(found: Found, module: str, public: dict[Target, tuple[str, ...]]) -> tuple[str, ...]:
    """Public names of a definition, the one to show first; () when it is nobody's to use."""
    if found.kind in _PROSE:
        return (found.inside,)
    if found.inside.startswith("="):
        name = found.inside[1:]
        return () if is_private(name) else (name,)
    module = "builtins" if module == "builtins" else MODULE_ALIASES.get(module, module)
    if not found.inside:
        return () if is_private(module) else (module,)
    top, _, rest = found.inside.partition(".")
    if is_private(rest):
        return ()
    original = {alias: real for real, alias in MODULE_ALIASES.items()}.get(module, module)
    own = public.get(Target(original, found.inside), ())
    owners = public.get(Target(original, top), ()) if rest else ()
    if module == "builtins":
        return (found.inside,)
    # a method goes by its class's names; a function bound to a module (`random.randint`) by that
    through = [f"{owner}.{rest}" for owner in owners]
    shorter = [name for name in own if through and name.count(".") < through[0].count(".")]
    names = [*shorter, *through, *own]
    direct = f"{module}.{found.inside}"
    if not is_private(direct):
        names.append(direct)
    return tuple(dict.fromkeys(names))


def _passage(document: Document, found: Found, identifier: str, names: tuple[str, ...]) -> Passage:
    return Passage(
        identifier,
        document.doc_id,
        document.uri,
        found.kind,
        names[0],
        found.signature,
        found.summary.text,
        found.text,
        found.returns.text,
        found.raises.text,
        *found.signature_lines,
        *found.lines,
        found.summary.start,
        found.summary.end,
        found.returns.start,
        found.returns.end,
        found.raises.start,
        found.raises.end,
        document.split,
        names[1:],
    )
