"""The catalogue of facts: TOML files beside each layer, read, checked and looked up by key.

A file `groundup/<layer>/facts/*.toml` holds one table a fact; its key is `<layer>.<table name>`.
An array of tables under one name holds conflicting values of one quantity, one of them with
`preferred = true`. `source = "@name"` refers to the file's own `[sources.name]` table
(`source`, and `as_of` where all of its facts share a date).
"""

from __future__ import annotations

import bisect
import dataclasses
import difflib
import functools
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from groundup.facts.errors import FactError, NoDataError
from groundup.facts.estimate import Array, Estimate
from groundup.facts.fact import Fact

_REQUIRED = ("value", "unit", "kind", "source", "locator", "as_of")
_OPTIONAL = ("low", "high", "convention", "note", "confidence", "preferred")


class Catalogue:
    """Facts by key, and their estimates with common random numbers (`seed`)."""

    def __init__(
        self, facts: Iterable[Fact], seed: int = 0, draws: Mapping[str, Array] | None = None
    ) -> None:
        self.seed = seed
        self._draws = draws
        self._facts: dict[str, Fact] = {}
        self._sorted: list[str] | None = None
        self._estimates: dict[tuple[str, int], Estimate] = {}
        for fact in facts:
            if fact.key in self._facts:
                raise FactError(
                    f"fact `{fact.key}` is given twice; put both under one key as an array of "
                    "tables and mark one `preferred = true`"
                )
            self._facts[fact.key] = fact

    def __contains__(self, key: str) -> bool:
        return key in self._facts

    def __iter__(self) -> Iterator[Fact]:
        return iter(self._facts.values())

    def __len__(self) -> int:
        return len(self._facts)

    def __getitem__(self, key: str) -> Fact:
        """The preferred fact under a key; NoDataError names the nearest keys otherwise."""
        if key not in self._facts:
            near = difflib.get_close_matches(key, self._facts, n=3)
            hint = f"; the nearest are {', '.join(near)}" if near else ""
            raise NoDataError(f"no fact `{key}` in the catalogue{hint}")
        return self._facts[key]

    def estimate(self, key: str, samples: int = 0) -> Estimate:
        """The fact as an Estimate of `samples` draws; the same key always gives the same draws."""
        if (key, samples) not in self._estimates:
            drawn = samples if self._draws is None else 0
            made = Estimate.of(self[key], drawn, self.seed)
            if self._draws is not None and samples and key in self._draws:
                made = dataclasses.replace(made, samples=self._draws[key])
            self._estimates[key, samples] = made
        return self._estimates[key, samples]

    def keys(self, prefix: str = "") -> list[str]:
        """All keys that begin with `prefix`, sorted."""
        if self._sorted is None:
            self._sorted = sorted(self._facts)
        first = bisect.bisect_left(self._sorted, prefix)
        last = bisect.bisect_left(self._sorted, prefix + "\U0010ffff")
        return self._sorted[first:last]

    def conflicts(self) -> list[Fact]:
        """Facts for which sources disagree; the others are in each fact's `conflicts`."""
        return [fact for fact in self if fact.conflicts]

    def with_facts(self, facts: Iterable[Fact]) -> Catalogue:
        """A new catalogue where `facts` are added, or take the place of facts with their keys."""
        added = {fact.key: fact for fact in facts}
        return Catalogue({**self._facts, **added}.values(), self.seed, self._draws)

    def with_draws(self, draws: Mapping[str, Array]) -> Catalogue:
        """The same facts where those of `draws` have these draws (first nominal), others none.

        Arrays of one length; what a designed experiment needs, such as one fact at a time.
        """
        return Catalogue(self._facts.values(), self.seed, draws)

    def with_seed(self, seed: int) -> Catalogue:
        """The same facts under another seed of the random draws."""
        return Catalogue(self._facts.values(), seed, self._draws)


@functools.lru_cache(maxsize=1)
def shipped_facts() -> tuple[Fact, ...]:
    """Every fact that ships with groundup, read once. Raises FactError on the first bad one."""
    found: list[Fact] = []
    root = Path(str(files("groundup")))
    for path in sorted(root.glob("*/facts/*.toml")):
        found.extend(read_file(path, layer=path.parent.parent.name))
    return tuple(found)


def load_catalogue(seed: int = 0) -> Catalogue:
    """The catalogue of all shipped facts."""
    return Catalogue(shipped_facts(), seed)


def read_file(path: Path, layer: str) -> list[Fact]:
    """Read one TOML file of facts; FactError names file, key and remedy."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise FactError(f"{path.name}: is not valid TOML: {error}") from None
    return read_facts(document, layer, path.name)


def read_facts(document: Mapping[str, Any], layer: str, name: str) -> list[Fact]:
    """Facts from a parsed TOML document; `name` is the file name for error messages."""
    sources = document.get("sources", {})
    body = {key: value for key, value in document.items() if key != "sources"}
    return list(_walk(body, layer, name, sources))


def _walk(
    table: Mapping[str, Any], prefix: str, name: str, sources: Mapping[str, Any]
) -> Iterator[Fact]:
    for word, value in table.items():
        key = f"{prefix}.{word}"
        if isinstance(value, list):
            yield _conflicting(value, key, name, sources)
        elif not isinstance(value, dict):
            raise FactError(f"{name}: `{key}` is not a table; write a fact as [table] with a value")
        elif value and all(isinstance(inner, dict | list) for inner in value.values()):
            yield from _walk(value, key, name, sources)
        else:
            yield _fact(value, key, name, sources)


def _conflicting(rows: list[Any], key: str, name: str, sources: Mapping[str, Any]) -> Fact:
    facts = [_fact(row, key, name, sources) for row in rows]
    preferred = [fact for fact, row in zip(facts, rows, strict=True) if row.get("preferred")]
    if len(preferred) != 1:
        raise FactError(
            f"{name}: `{key}` has {len(facts)} values and {len(preferred)} of them preferred; "
            "mark exactly one with `preferred = true`"
        )
    others = tuple(fact for fact in facts if fact is not preferred[0])
    return dataclasses.replace(preferred[0], conflicts=others)


def _fact(row: Any, key: str, name: str, sources: Mapping[str, Any]) -> Fact:
    if not isinstance(row, dict):
        raise FactError(f"{name}: `{key}` is not a table of value, unit, kind, source, ...")
    row = _with_source(row, key, name, sources)
    for field in _REQUIRED:
        if field not in row or row[field] in ("", None):
            raise FactError(f"{name}: fact `{key}` has no `{field}`; add it")
    unknown = [field for field in row if field not in _REQUIRED + _OPTIONAL]
    if unknown:
        near = difflib.get_close_matches(unknown[0], _REQUIRED + _OPTIONAL, n=1)
        hint = f"; did you mean `{near[0]}`?" if near else ""
        raise FactError(f"{name}: fact `{key}` has the unknown field `{unknown[0]}`{hint}")
    for field in ("value", "low", "high"):
        if isinstance(row.get(field, 0.0), bool) or not isinstance(
            row.get(field, 0.0), int | float
        ):
            raise FactError(f"{name}: fact `{key}`: `{field}` must be a number, not {row[field]!r}")
    try:
        return Fact(
            key=key,
            value=float(row["value"]),
            unit=str(row["unit"]),
            low=float(row.get("low", row["value"])),
            high=float(row.get("high", row["value"])),
            kind=str(row["kind"]),
            source=str(row["source"]),
            locator=str(row["locator"]),
            as_of=_date(row["as_of"], key, name),
            convention=str(row.get("convention", "")),
            note=str(row.get("note", "")),
            confidence=str(row.get("confidence", "medium")),
        )
    except FactError as error:
        raise FactError(f"{name}: {error}") from None


def _with_source(
    row: Mapping[str, Any], key: str, name: str, sources: Mapping[str, Any]
) -> dict[str, Any]:
    """The row with `source = "@name"` replaced by what `[sources.name]` says."""
    source = row.get("source", "")
    if not str(source).startswith("@"):
        return dict(row)
    shared = sources.get(source[1:])
    if shared is None:
        raise FactError(
            f"{name}: fact `{key}` refers to source `{source}`, but the file has no "
            f"[sources.{source[1:]}] table; add it"
        )
    return {**shared, **row, "source": shared.get("source", "")}


def _date(value: Any, key: str, name: str) -> date:
    if isinstance(value, datetime) or not isinstance(value, date):
        raise FactError(
            f"{name}: fact `{key}`: `as_of` must be a date such as 2024-05-31, not {value!r}"
        )
    return value
