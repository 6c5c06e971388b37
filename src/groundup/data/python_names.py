"""Public names: what users type for a definition, found by following re-exports in the syntax."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from os import path as os_path
from typing import NamedTuple

from groundup.data.python_parse import Names

# modules that the standard library itself publishes under another name on this machine
MODULE_ALIASES = {os_path.__name__: "os.path"}
MAX_INHERITED = 8  # names by which subclasses inherit one method
DEPTH = 12  # re-exports followed one after another; real chains are shorter than 6


class Target(NamedTuple):
    """A definition: its module and its name inside it."""

    module: str
    inside: str


# names that a module binds while it is loaded, in ways that its syntax does not show
BOUND_MEMBERS = {"multiprocessing": Target("multiprocessing.context", "BaseContext")}
BOUND_PREFIXES = {"hashlib": Target("_hashlib", "openssl_")}


def is_private(dotted: str) -> bool:
    """Whether a part of a dotted name begins with an underscore and is no dunder."""
    return any(
        part.startswith("_") and not (part.startswith("__") and part.endswith("__"))
        for part in dotted.split(".")
    )


def is_foreign(name: str, module: str) -> bool:
    """Whether a name lies in another project than the module that defines what it names.

    The standard library is one project; a private top-level package backs a public one.
    """
    shown, own = name.partition(".")[0], module.partition(".")[0]
    if own in sys.stdlib_module_names:
        return shown not in sys.stdlib_module_names
    return shown != own and not own.startswith("_")


class Resolver:
    """Follows names through the modules of a corpus; `compiled` ones have names but no source."""

    def __init__(self, modules: Iterable[Names], compiled: dict[str, frozenset[str]]) -> None:
        self.modules = {names.module: names for names in modules}
        self.compiled = compiled
        self._children: dict[str, list[str]] = {}
        for module in sorted(self.modules):
            self._children.setdefault(module.rpartition(".")[0], []).append(module)

    def find(self, module: str, dotted: str, depth: int = DEPTH) -> Target | None:
        """The definition that `dotted` means inside `module`, or None."""
        if depth == 0:
            return None
        names = self.modules.get(module)
        head, _, rest = dotted.partition(".")
        if names is None:
            known = head in self.compiled.get(module, frozenset())
            return Target(module, dotted) if known else None
        if head in names.defined:
            return Target(module, dotted)
        return self._bound(names, head, rest, depth)

    def _bound(self, names: Names, head: str, rest: str, depth: int) -> Target | None:
        if head in names.imported:
            origin, name = names.imported[head]
            if name and self._is_module(f"{origin}.{name}"):
                return self.find(f"{origin}.{name}", rest, depth - 1) if rest else None
            full = ".".join(filter(None, (name, rest)))
            return self.find(origin, full, depth - 1) if full else None
        if head in names.assigned and names.assigned[head] != head:
            full = ".".join(filter(None, (names.assigned[head], rest)))
            return self.find(names.module, full, depth - 1)
        if head in names.instances:
            made = self.find(names.module, names.instances[head], depth - 1)
            if made is None or not self._is_class(made):
                return None
            if rest:
                return Target(made.module, f"{made.inside}.{rest}")
            return made if made.module == names.module else None
        if f"{names.module}.{head}" in self.modules and rest:
            return self.find(f"{names.module}.{head}", rest, depth - 1)
        for origin in names.starred:
            if self._exports(origin, head):
                full = ".".join(filter(None, (head, rest)))
                if (target := self.find(origin, full, depth - 1)) is not None:
                    return target
        return None

    def _is_class(self, target: Target) -> bool:
        names = self.modules.get(target.module)
        return names is not None and target.inside in names.bases

    def _is_module(self, dotted: str) -> bool:
        return dotted in self.modules or dotted in self.compiled

    def _exports(self, module: str, name: str) -> bool:
        names = self.modules.get(module)
        if names is None or names.exported is None:
            return not name.startswith("_")
        return name in names.exported

    def inherited(self, target: Target, known: frozenset[Target] | set[Target]) -> Target | None:
        """The class member itself or the base class's that it is inherited from."""
        for _ in range(DEPTH):
            if target in known:
                return target
            owner, _, member = target.inside.partition(".")
            names = self.modules.get(target.module)
            bases = names.bases.get(owner, ()) if names is not None else ()
            found = [self.find(target.module, base) for base in bases]
            nearest = [Target(base.module, f"{base.inside}.{member}") for base in found if base]
            if not member or not nearest:
                return None
            target = nearest[0]
        return None

    def private_bases(self, owner: Target, named: dict[Target, set[str]]) -> list[Target]:
        """Bases of a class, and theirs, up to the first that has a public name of its own."""
        reached: list[Target] = []
        frontier = [owner]
        while frontier and len(reached) < DEPTH:
            current = frontier.pop(0)
            names = self.modules.get(current.module)
            for base in names.bases.get(current.inside, ()) if names is not None else ():
                target = self.find(current.module, base)
                if target is None or target in named or target in reached:
                    continue
                if is_private(f"{target.module}.{target.inside}"):
                    reached.append(target)
                    frontier.append(target)
        return reached

    def public(self) -> Iterator[tuple[str, Target]]:
        """Every (public name, definition) that modules offer on purpose, own definitions first."""
        for module, names in self.modules.items():
            shown = MODULE_ALIASES.get(module, module)
            if is_private(shown):
                continue
            for name in names.defined:
                if is_private(name):
                    continue
                yield f"{shown}.{name}", Target(module, name)
            for name in self._offered(names):
                target = self.find(module, name) or self._lazy(names, name)
                if target is None:
                    continue
                if not is_foreign(shown, target.module) or name in (names.exported or ()):
                    yield f"{shown}.{name}", target

    def _offered(self, names: Names) -> list[str]:
        """Names that a module re-exports on purpose, sorted: its `__all__`, or what it seems to."""
        if names.exported is not None:
            return sorted(set(names.exported) - names.defined)
        top = names.module.partition(".")[0]
        offered = {*names.assigned, *names.instances}
        for name, (origin, _) in names.imported.items():
            own = origin.partition(".")[0] == top and names.package
            if own or self._is_backing(names.module, origin):
                offered.add(name)
        for origin in names.starred:
            offered |= self._star(origin)
        return sorted(name for name in offered - names.defined if not name.startswith("_"))

    def _is_backing(self, module: str, origin: str) -> bool:
        """`_json` behind json, `_pydatetime` behind datetime: the private part of a thing."""
        if not origin.startswith("_"):
            return False
        bare = origin.replace("_", "").replace(".", "")
        own = module.replace("_", "").replace(".", "")
        return origin in self.compiled or bare.removeprefix("py").startswith(own)

    def _star(self, origin: str, depth: int = DEPTH) -> set[str]:
        """What `from origin import *` brings."""
        names = self.modules.get(origin)
        if names is None:
            return {n for n in self.compiled.get(origin, frozenset()) if not n.startswith("_")}
        if names.exported is not None:
            return set(names.exported)
        own = {
            n for n, (origin, _) in names.imported.items() if not is_foreign(names.module, origin)
        }
        found = names.defined | own | names.assigned.keys() | names.instances.keys()
        for inner in names.starred if depth else ():
            found |= self._star(inner, depth - 1)
        return {name for name in found if not name.startswith("_")}

    def _lazy(self, names: Names, name: str) -> Target | None:
        """A name in `__all__` that `__getattr__` loads: the one submodule that defines it."""
        if not names.package or name not in (names.exported or ()):
            return None
        children = self._children.get(names.module, [])
        holders = [child for child in children if name in self.modules[child].defined]
        return Target(holders[0], name) if len(holders) == 1 else None


def public_names(resolver: Resolver, known: set[Target]) -> dict[Target, tuple[str, ...]]:
    """For each definition its public names, the one to show first: its own, fewest parts.

    Last come names under which a subclass of the same module inherits it.
    """
    found: dict[Target, set[str]] = {}
    for name, target in resolver.public():
        inherited = resolver.inherited(target, known)
        if inherited is not None:
            found.setdefault(inherited, set()).add(name)
    members = _members(known)
    _bound_while_loading(known, found, members)
    _through_private_bases(resolver, known, found, members)
    ordered = {target: _ranked(names, target) for target, names in found.items()}
    for method, names in _through_public_bases(resolver, known, ordered, members).items():
        ordered[method] = (*ordered.get(method, ()), *sorted(names)[:MAX_INHERITED])
    return ordered


def _bound_while_loading(
    known: set[Target], found: dict[Target, set[str]], members: dict[Target, list[Target]]
) -> None:
    """Names of the tables above: `multiprocessing.Pool`, `hashlib.sha256`."""
    for module, owner in BOUND_MEMBERS.items():
        for method in members.get(owner, ()):
            last = method.inside.rpartition(".")[2]
            found.setdefault(method, set()).add(f"{module}.{last}")
    for target in known:
        for module, (origin, prefix) in BOUND_PREFIXES.items():
            if target.module == origin and target.inside.startswith(prefix):
                bare = target.inside.removeprefix(prefix)
                found.setdefault(target, set()).add(f"{module}.{bare}")


def _members(known: set[Target]) -> dict[Target, list[Target]]:
    """Public methods of each class."""
    members: dict[Target, list[Target]] = {}
    for target in known:
        owner, _, member = target.inside.rpartition(".")
        if owner and not is_private(member):
            members.setdefault(Target(target.module, owner), []).append(target)
    return members


def _through_public_bases(
    resolver: Resolver,
    known: set[Target],
    named: dict[Target, tuple[str, ...]],
    members: dict[Target, list[Target]],
) -> dict[Target, set[str]]:
    """`datetime.datetime.strftime`, which `date` of the same module defines."""
    found: dict[Target, set[str]] = {}
    for cls, names in named.items():
        module = resolver.modules.get(cls.module)
        for base in module.bases.get(cls.inside, ()) if module is not None else ():
            owner = Target(cls.module, base)
            for method in members.get(owner, ()) if owner in named else ():
                last = method.inside.rpartition(".")[2]
                if Target(cls.module, f"{cls.inside}.{last}") not in known:
                    found.setdefault(method, set()).add(f"{names[0]}.{last}")
    return found


def _through_private_bases(
    resolver: Resolver,
    known: set[Target],
    found: dict[Target, set[str]],
    members: dict[Target, list[Target]],
) -> None:
    """Methods of an unnamed base go by the public class's name (`ArgumentParser.add_argument`)."""
    for cls, names in sorted(found.items()):
        for base in resolver.private_bases(cls, found):
            for method in members.get(base, ()):
                last = method.inside.rpartition(".")[2]
                if Target(cls.module, f"{cls.inside}.{last}") not in known:
                    shown = _ranked(names, cls)[0]
                    found.setdefault(method, set()).add(f"{shown}.{last}")


def _ranked(names: set[str], target: Target) -> tuple[str, ...]:
    """Its own project's names first, then its own name, then fewest parts, then the shortest."""
    own = target.inside.rpartition(".")[2]

    def rank(name: str) -> tuple[bool, bool, int, int, str]:
        renamed = name.rpartition(".")[2] != own
        return is_foreign(name, target.module), renamed, name.count("."), len(name), name

    return tuple(sorted(names, key=rank))
