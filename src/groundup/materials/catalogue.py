"""The materials that a data centre rests on: what they are for, which parts need them."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from groundup.facts.catalogue import Catalogue
from groundup.facts.check import suggest
from groundup.facts.errors import NoDataError
from groundup.facts.estimate import Estimate

STEPS = ("mining", "refining", "production", "share")
"""Steps of a market whose suppliers are facts: `materials.<material>.<step>.<supplier>`."""


@dataclass(frozen=True)
class Part:
    """A part of a data centre that needs materials."""

    name: str
    """Short name, as in the facts `materials.<material>.use.<name>`."""
    text: str
    """What it is, for people."""
    floors: tuple[str, ...]
    """Floors whose output it holds back."""


@dataclass(frozen=True)
class Material:
    """An element, gas, chemical, film or wafer."""

    name: str
    """Short name, the second word of its facts' keys."""
    group: str
    """Heading that it stands under."""
    text: str
    """What it is for."""
    instead: str
    """What can stand in for it."""
    caution: str = ""
    """What is often believed of it and is not so."""


@functools.lru_cache(maxsize=1)
def _document() -> Mapping[str, Mapping[str, Mapping[str, object]]]:
    text = files("groundup.materials").joinpath("catalogue.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@functools.lru_cache(maxsize=1)
def materials() -> Mapping[str, Material]:
    """Every material by name, in the order of the catalogue."""
    return {
        name: Material(
            name, str(row["group"]), str(row["is"]), str(row["instead"]), str(row.get("not", ""))
        )
        for name, row in _document()["materials"].items()
    }


@functools.lru_cache(maxsize=1)
def parts() -> Mapping[str, Part]:
    """Every part by name; `floors` names the floors of the house that it holds back."""
    found: dict[str, Part] = {}
    for name, row in _document()["parts"].items():
        floors = row["floors"]
        assert isinstance(floors, list)
        found[name] = Part(name, str(row["is"]), tuple(str(floor) for floor in floors))
    return found


def material(name: str) -> Material:
    """A material by name; NoDataError suggests the nearest."""
    known = materials()
    if name not in known:
        near = suggest(name, known)
        raise NoDataError(f"no material `{name}`; {near}known are {', '.join(known)}")
    return known[name]


def suppliers(name: str, step: str, facts: Catalogue) -> tuple[str, ...]:
    """Suppliers of one step whose shares are on record, largest first."""
    prefix = f"materials.{name}.{step}"
    found = _index(facts).get(prefix, ())
    return tuple(sorted(found, key=lambda who: -facts[f"{prefix}.{who}"].value))


def steps(name: str, facts: Catalogue) -> tuple[str, ...]:
    """Steps of a material's market that have suppliers on record."""
    return tuple(step for step in STEPS if f"materials.{name}.{step}" in _index(facts))


def uses(name: str, facts: Catalogue) -> tuple[str, ...]:
    """Parts that need a material, by the facts `materials.<name>.use.<part>`."""
    return _index(facts).get(f"materials.{name}.use", ())


@functools.lru_cache(maxsize=8)
def _index(facts: Catalogue) -> Mapping[str, tuple[str, ...]]:
    """Last words of the floor's keys by what stands before them; a catalogue never changes."""
    found: dict[str, list[str]] = {}
    for key in facts.keys("materials."):
        before, _, last = key.rpartition(".")
        found.setdefault(before, []).append(last)
    return {before: tuple(words) for before, words in found.items()}


def property_of(name: str, quantity: str, facts: Catalogue, samples: int = 0) -> Estimate:
    """`stock`, `spare`, `spare_time`, `substitution`, `substitution_time` or `lead_time`.

    Where nothing is known of the material, the wide range of `materials.default` is given; its
    derivation says so.
    """
    key = f"materials.{name}.{quantity}"
    return facts.estimate(key if key in facts else f"materials.default.{quantity}", samples)
