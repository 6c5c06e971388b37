"""How concentrated each step of a market is: the Herfindahl-Hirschman index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.facts.estimate import Estimate, total
from groundup.materials.catalogue import material, materials, steps, suppliers


@dataclass(frozen=True)
class Concentration:
    """One step of one market."""

    material: str
    """Short name of the material."""
    step: str
    """`mining`, `refining`, `production` or `share`."""
    index: Estimate
    """Herfindahl-Hirschman index of the suppliers on record; a lower bound."""
    shares: Mapping[str, float]
    """Supplier to share, largest first; what is missing to one is unknown."""

    @property
    def largest(self) -> str:
        """The largest supplier."""
        return next(iter(self.shares))


def concentration(
    name: str, facts: Catalogue, samples: int = 0, step: str | None = None
) -> Estimate:
    """Herfindahl-Hirschman index of one step, 0 to 10 000; a lower bound.

    Sum of squared shares in percent (US DOJ and FTC, Merger Guidelines 2023: above 1 800 is highly
    concentrated); unknown suppliers add nothing, so the true index is higher. Without `step`, the
    most concentrated one. NoDataError where no supplier is on record.
    """
    if step is None:
        indices = [concentration(name, facts, samples, each) for each in steps(name, facts)]
        if not indices:
            raise NoDataError(f"no suppliers of {name} on record: materials.{name}.<step>.<name>")
        return max(indices, key=lambda index: index.value)
    known = suppliers(name, step, facts)
    if not known:
        raise NoDataError(f"no suppliers on record: materials.{name}.{step}.<supplier>")
    keys = [f"materials.{name}.{step}.{who}" for who in known]
    squares = [(facts.estimate(key, samples) * 100.0) ** 2 for key in keys]
    formula = "sum of (share in percent)^2 of the known suppliers"
    note = material(name).caution
    return total(squares).named(f"materials.hhi.{name}.{step}", formula, note)


def all_steps(facts: Catalogue, samples: int = 0) -> tuple[Concentration, ...]:
    """Every step of every market with suppliers on record, most concentrated first."""
    found = [
        Concentration(
            name,
            step,
            concentration(name, facts, samples, step),
            {
                supplier: facts[f"materials.{name}.{step}.{supplier}"].value
                for supplier in suppliers(name, step, facts)
            },
        )
        for name in materials()
        for step in steps(name, facts)
    ]
    return tuple(sorted(found, key=lambda row: -row.index.value))


def verdict(index: float, facts: Catalogue) -> str:
    """`highly concentrated`, `moderately concentrated` or `open`, by the merger guidelines."""
    if index > facts["materials.hhi.concentrated"].value:
        return "highly concentrated"
    if index >= facts["materials.hhi.moderate"].value:
        return "moderately concentrated"
    return "open"
