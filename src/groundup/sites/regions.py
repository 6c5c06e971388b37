"""Regions to build in: carbon, price, water, climate, and what law or grid forbids there."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.facts.estimate import Estimate

_UNCONTROLLED = frozenset({"this-machine"})
"""Machines that the United States' export limits do not cover."""
_NOT_SOLD = ("tpu", "trainium", "inferentia", "maia", "mtia")
"""Accelerators that their owners do not sell."""


@dataclass(frozen=True)
class Region:
    """What is known of a region besides numbers."""

    name: str
    """Key in the catalogue: `us`, `us-tx`, `ie`, ..."""
    title: str
    """Name for people."""
    climate: str = ""
    """One of groundup's climates; empty where the region spans several."""
    export: str = ""
    """`home`, `free` or `licence`: United States rules for accelerators; empty where mixed."""
    limit: str = ""
    """What holds sites back, with source and date; empty where nothing is on record."""


@functools.lru_cache(maxsize=1)
def regions() -> Mapping[str, Region]:
    """All regions by name."""
    text = files("groundup.sites").joinpath("regions.toml").read_text(encoding="utf-8")
    return {name: Region(name, **row) for name, row in tomllib.loads(text).items()}


def of_region(
    region: str, what: str, facts: Catalogue, samples: int = 0, hint: str = ""
) -> Estimate:
    """A region's number (`carbon`, `electricity_price`); NoDataError names regions that have it."""
    key = f"sites.{region}.{what}"
    if key not in facts:
        there = with_number(what, facts)
        raise NoDataError(
            f"sites.region = {region!r} has no {what} on record; regions that have one: "
            f"{', '.join(there)}{hint}"
        )
    return facts.estimate(key, samples)


def with_number(what: str, facts: Catalogue) -> list[str]:
    """Regions that have this number on record."""
    names = (key.split(".") for key in facts.keys("sites."))
    return [words[1] for words in names if len(words) == 3 and words[2] == what]


def mix(region: str, facts: Catalogue, samples: int = 0) -> dict[str, Estimate]:
    """Shares of generation by source; NoDataError names regions that have them."""
    base = f"sites.{region}.mix."
    found = {key.removeprefix(base): facts.estimate(key, samples) for key in facts.keys(base)}
    if not found:
        there = sorted({key.split(".")[1] for key in facts.keys("sites.") if ".mix." in key})
        raise NoDataError(
            f"sites.region = {region!r} has no generation mix on record; regions that have one: "
            f"{', '.join(there)}"
        )
    return found


def restrictions(region: str, accelerator: str) -> tuple[str, ...]:
    """Sentences on what law or grid holds back there; empty where nothing is on record."""
    here = regions().get(region)
    if here is None:
        return ()
    found = [f"{here.title}: {here.limit}"] if here.limit else []
    controlled = accelerator not in _UNCONTROLLED and not accelerator.startswith(_NOT_SOLD)
    if here.export == "licence" and controlled:
        found.append(f"{accelerator} needs a United States export licence for {here.title}")
    return tuple(found)
