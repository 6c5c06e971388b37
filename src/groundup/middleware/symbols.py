"""The names that are documented here: from what a person writes to the passages it can mean."""

from __future__ import annotations

import difflib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

ALIASES = {"np": "numpy", "pd": "pandas", "plt": "pyplot", "tf": "tensorflow", "nn": "nn"}
"""Import names that everybody abbreviates."""

IMPORT_MODULE = re.compile(r"(?m)^[ \t]*import[ \t]+([A-Za-z][\w.]*)")
IMPORT = re.compile(
    r"(?m)^[ \t]*from[ \t]+([A-Za-z]\w*)[\w.]*[ \t]+import[ \t]+(\([^)]*\)|[^\n#]*)"
)
USE = re.compile(r"(?<![\w.])([A-Za-z]\w{1,20})\.(?:\w+\.)?([A-Za-z]\w+)")
ASIDE = frozenset(
    [
        "test",
        "tests",
        "testing",
        "vendored",
        "compat",
        "idlelib",
        "lib2to3",
        "conftest",
        "distutils",
        "v1",
        "internal",
    ]
)
"""Parts of a name that mark what is not for everyday use."""
RANK_OF_KIND = {"module": 1.0, "class": 1.0, "function": 1.0, "topic": 0.5, "method": 0.0}


class SymbolTable:
    """Resolves mentions such as `json.dumps`, `Path.read_text` or `deque` to passage numbers."""

    def __init__(
        self,
        names: Sequence[str],
        kinds: Sequence[str],
        aliases: Sequence[Sequence[str]] = (),
        priors: NDArray[np.float32] | None = None,
    ) -> None:
        """`priors`: see `reference_priors`; sections and topics are no symbols."""
        self.names = names
        self.kinds = kinds
        self.priors = np.zeros(len(names), np.float32) if priors is None else priors
        self.leaves: dict[str, dict[int, list[str]]] = defaultdict(dict)
        self.children: dict[str, list[int]] = defaultdict(list)
        self.topics = _topics(names, kinds)
        self.headings = _headings(names, kinds)
        self.roots = {_root(name) for name in names}
        for row, (name, kind) in enumerate(zip(names, kinds, strict=True)):
            if kind in ("section", "topic"):
                continue
            for known_as in (name, *(aliases[row] if aliases else ())):
                leaf = known_as.rpartition(".")[2].lower()
                self.leaves[leaf].setdefault(row, []).append(known_as)
            self.children[name.rpartition(".")[0]].append(row)

    def resolve(self, mention: str) -> list[int]:
        """Passage numbers that `mention` can mean, the likeliest first; [] when unknown.

        The mention's parts must be a subsequence of the full name's that ends where it ends
        (`json.JSONDecoder` finds `json.decoder.JSONDecoder`); equal case is preferred.
        """
        parts = mention.strip(".").split(".")
        parts[0] = ALIASES.get(parts[0], parts[0])
        folded = [part.lower() for part in parts]
        found: list[tuple[float, int]] = []
        for row, known_as in self.leaves.get(folded[-1], {}).items():
            fits = [
                self._fit(parts, name, row)
                for name in known_as
                if _is_subsequence(folded, name.lower().split("."))
            ]
            if fits:
                found.append((-max(fits), row))
        return [row for _, row in sorted(found)]

    def _fit(self, mention: Sequence[str], name: str, row: int) -> float:
        """How likely the mention means this passage under this name; terms in order of weight."""
        parts = name.split(".")
        exact = parts == list(mention) or parts == ["builtins", *mention]
        private = sum(part.startswith("_") for part in parts) - mention[-1].startswith("_")
        return (
            20.0 * exact
            + 10.0 * _is_subsequence(mention, parts)
            + 4.0 * (parts[0] == mention[0])
            + 3.0 * (parts[0] == "builtins")
            + RANK_OF_KIND.get(self.kinds[row], 0.0)
            + 1.5 * float(self.priors[row])
            - 1.5 * private
            - 6.0 * any(part in ASIDE for part in parts[:-1])
            - 0.5 * len(parts)
        )

    def exists(self, mention: str) -> bool:
        """Whether the mention resolves to anything."""
        return bool(self.resolve(mention))

    def owns(self, owner: str, leaf: str) -> bool:
        """Whether `owner` is a module or class that has `leaf` (spelled so) directly in it."""
        for row in self.resolve(f"{owner}.{leaf}"):
            *front, last = self.names[row].split(".")
            if last == leaf and owner.split(".")[-1] in (front[-1:] + front[:1]):
                return True
        return False

    def owner(self, name: str) -> int | None:
        """The module or class that a front part such as `json` in `json.frobnicate` means."""
        for row in self.resolve(name):
            parts = self.names[row].split(".")
            at_root = "." in name or parts[0] in (name, "builtins") or len(parts) == 1
            if self.kinds[row] == "module" and at_root:
                return row
            if self.kinds[row] == "class" and parts[-1] == name.rpartition(".")[2]:
                return row
        return None

    def members(self, row: int) -> list[int]:
        """Public children of a module or class, in the order of the index."""
        return [
            child
            for child in self.children.get(self.names[row], ())
            if not self.names[child].rpartition(".")[2].startswith("_")
        ]

    def nearest(self, mention: str, count: int = 3) -> list[str]:
        """Full names that are spelled almost like an unknown mention; may be empty.

        Looks among the members of what the front part resolves to, then among all names.
        """
        front, _, leaf = mention.rpartition(".")
        close: list[str] = []
        owner = self.owner(front) if front else None
        for parent in [] if owner is None else [owner]:
            own = {self.names[row].rpartition(".")[2]: row for row in self.members(parent)}
            near = difflib.get_close_matches(leaf, own, count, 0.6)
            close.extend(self.names[own[name]] for name in near)
        if len(close) < count:
            close.extend(self._spelled_like(leaf.lower(), count - len(close)))
        return list(dict.fromkeys(close))[:count]

    def _spelled_like(self, leaf: str, count: int) -> list[str]:
        similar = [
            name for name in self.leaves if name[:1] == leaf[:1] and abs(len(name) - len(leaf)) <= 2
        ]
        near = difflib.get_close_matches(leaf, similar, count, 0.75)
        return [self.names[self.resolve(name)[0]] for name in near]


def _topics(names: Sequence[str], kinds: Sequence[str]) -> dict[str, int]:
    """The first passage of each topic by title, and of headings such as `The "with" statement`."""
    found: dict[str, int] = {}
    for row, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        if kind == "topic":
            found.setdefault(_root(name).lower(), row)
    for row, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        quoted = re.search(r'"(\w+)" \w+$', name) if kind == "topic" else None
        if quoted:
            found.setdefault(quoted[1], row)
    return found


def _headings(names: Sequence[str], kinds: Sequence[str]) -> dict[str, list[int]]:
    """Sections and topics by their heading without its path, see `heading_key`."""
    found: dict[str, list[int]] = defaultdict(list)
    for row, kind in enumerate(kinds):
        if kind in ("section", "topic"):
            found[heading_key(names[row].rpartition(" > ")[2])].append(row)
    return found


def heading_key(heading: str) -> str:
    """A heading as it is looked up: lower case, single spaces, no quotes, no article in front."""
    plain = re.sub('[`"“”]', "", heading).lower()
    return " ".join(plain.split()).strip("'?.!: ").removeprefix("the ")


def _root(name: str) -> str:
    """`numpy` of `numpy.linalg.norm`, and `types` of the heading path `types > Modules`."""
    return name.partition(" > ")[0].partition(".")[0]


def is_aside(name: str) -> bool:
    """Whether a name is private, of a test, or of a part kept for old code."""
    return any(
        part in ASIDE or (part.startswith("_") and not part.endswith("__"))
        for part in name.split(".")
    )


def _is_subsequence(short: Sequence[str], long: Sequence[str]) -> bool:
    """Whether `short` can be had by leaving parts out of `long`, the last parts being equal."""
    if not short or not long or short[-1] != long[-1]:
        return False
    rest = iter(long[:-1])
    return all(part in rest for part in short[:-1])


def reference_counts(texts: Iterable[str]) -> Counter[tuple[str, str]]:
    """In how many texts a (root module, last name) pair is imported or used, e.g. (json, dumps)."""
    counts: Counter[tuple[str, str]] = Counter()
    for text in texts:
        found = {
            (root, name.split()[0])
            for root, names in IMPORT.findall(text)
            for name in names.strip("()").split(",")
            if name.split()
        }
        found.update(USE.findall(text))
        modules = IMPORT_MODULE.findall(text)
        found.update((name.partition(".")[0], name.rpartition(".")[2]) for name in modules)
        counts.update(found)
    return counts


def reference_priors(
    names: Sequence[str], counts: Mapping[tuple[str, str], int]
) -> NDArray[np.float32]:
    """log10(1 + texts that refer to each name): what is used much is likelier meant.

    Built-ins are used without a module in front; they count as much as the most used name.
    """
    pairs = [(ALIASES.get(root, root), leaf, count) for (root, leaf), count in counts.items()]
    table: Counter[tuple[str, str]] = Counter()
    for root, leaf, count in pairs:
        table[root, leaf] += count
    builtin = np.array([name.startswith("builtins.") for name in names])
    values = [table[name.partition(".")[0], name.rpartition(".")[2]] for name in names]
    priors = np.log10(1.0 + np.array(values, dtype=np.float32))
    return np.where(builtin, max(float(priors.max(initial=0.0)), 1.0), priors).astype(np.float32)
