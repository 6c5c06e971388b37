"""Which files of a large package to read when it does not fit: what its users use comes first.

Files are taken subpackage by subpackage in turn, each by as many bytes as the package's own docs
and code refer to it, so that neither the first letters of the alphabet nor one huge part fills
the cap.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from groundup.data.python_parse import module_level
from groundup.data.sources import SourceFile

REEXPORT_STEPS = 3
IN_DOCS = 20  # imports that one mention in a docstring outweighs: docs speak to users
_IMPORT = re.compile(rb"^[ \t]*(?:from[ \t]+(\.*[\w.]*)[ \t]+import|import[ \t]+([\w.]+))", re.M)


def public_first(code: Mapping[str, SourceFile], limit: int) -> list[SourceFile]:
    """Files of at most `limit` bytes in all, in the order in which they were chosen.

    code: module -> its file. Everything is kept, sorted, where it fits.
    """
    sizes = {module: Path(file.path).stat().st_size for module, file in code.items()}
    if sum(sizes.values()) <= limit:
        return [code[module] for module in sorted(code)]
    offered = _offered(code)
    used = _references(code.values())
    tiers: dict[int, list[str]] = {0: [], 1: [], 2: []}
    for module in code:
        tiers[_tier(module, offered)].append(module)
    kept: list[SourceFile] = []
    room = limit
    for modules in tiers.values():
        for module in _in_turns(modules, offered, used, sizes):
            if sizes[module] <= room:
                kept.append(code[module])
                room -= sizes[module]
    return kept


def _tier(module: str, offered: set[str]) -> int:
    """0 for public modules and what they re-export from beside them, 1 for private packages that
    something is re-exported from, 2 for the rest.
    """
    if "._" not in module:
        return 0
    if module not in offered:
        return 2
    return 0 if "._" not in module.rpartition(".")[0] else 1


def _part(module: str) -> str:
    """The subpackage that a module belongs to: its first two names."""
    return ".".join(module.split(".")[:2])


def _in_turns(
    modules: list[str], offered: set[str], used: Counter[str], sizes: Mapping[str, int]
) -> Iterable[str]:
    """Modules ordered so that each part has its share of the bytes at every moment."""
    parts: dict[str, list[str]] = {}
    weight: Counter[str] = Counter()
    for module in modules:
        parts.setdefault(_part(module), []).append(module)
    for module, count in used.items():
        weight[_part(module)] += count
    for members in parts.values():
        members.sort(key=lambda m: (m not in offered, -used[m], m.count("."), m), reverse=True)
    taken = dict.fromkeys(parts, 0.0)
    while parts:
        nearest = min(parts, key=lambda name: (taken[name], name))
        module = parts[nearest].pop()
        taken[nearest] += sizes[module] / (1 + weight[nearest])
        if not parts[nearest]:
            del parts[nearest]
        yield module


def _references(files: Iterable[SourceFile]) -> Counter[str]:
    """How much docstrings (`pkg.part.Name` in backquotes) and imports name each module."""
    counts: Counter[str] = Counter()
    for file in files:
        data = Path(file.path).read_bytes()
        for match in _IMPORT.finditer(data):
            counts[_absolute((match[1] or match[2]).decode(), file)] += 1
        top = file.module.partition(".")[0].encode()
        for match in re.finditer(rb"`[~.!]?(" + top + rb"(?:\.\w+)+)", data):
            for cut in _prefixes(match[1].decode()):
                counts[cut] += IN_DOCS
    return counts


def _prefixes(dotted: str) -> list[str]:
    """`a.b.c` -> [a.b, a.b.c]: a reference to a member is one to its module."""
    parts = dotted.split(".")
    return [".".join(parts[:end]) for end in range(2, len(parts) + 1)]


def _absolute(name: str, file: SourceFile) -> str:
    level = len(name) - len(name.lstrip("."))
    if not level:
        return name
    parts = file.module.split(".")
    base = parts[: len(parts) - level + (1 if file.package else 0)]
    return ".".join([*base, *filter(None, [name[level:]])])


def _offered(code: Mapping[str, SourceFile]) -> set[str]:
    """Modules from which a public package of at most two levels re-exports, step by step."""
    found = {module for module in code if module.count(".") == 0}
    frontier = {m for m, f in code.items() if f.package and m.count(".") <= 1 and "._" not in m}
    for _ in range(REEXPORT_STEPS):
        reached: set[str] = set()
        for module in sorted(frontier):
            found.add(module)
            reached |= _imported(code[module]) & code.keys()
        frontier = {module for module in reached - found if code[module].package}
        found |= reached
    return found


def _imported(file: SourceFile) -> set[str]:
    """Modules that a package's own `from … import` statements name (also under TYPE_CHECKING)."""
    try:
        tree = ast.parse(Path(file.path).read_bytes())
    except (SyntaxError, ValueError, OSError):
        return set()
    found = set()
    for node in module_level(tree.body):
        if isinstance(node, ast.ImportFrom):
            base = _absolute("." * node.level + (node.module or ""), file)
            found.add(base)
            found |= {f"{base}.{alias.name}" for alias in node.names}
    return found
