"""One sourced number: what it is, where it stands written, when, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from groundup.facts.errors import FactError, UnitError
from groundup.facts.units import parse

KINDS = ("spec", "measured", "estimate", "price")
"""spec: a maker's data sheet or a definition; measured: someone measured it; estimate: an analyst's
or our own reasoned range; price: what something cost on its date."""
CONFIDENCE = ("high", "medium", "low")
"""high: read at its primary source for this catalogue; medium: a primary source is named, but the
number was taken from memory of it or from one who quotes it; low: one unconfirmed voice, or our own
reasoned range."""


@dataclass(frozen=True)
class Fact:
    """A number with unit, plausible bounds, source and date; FactError where one is absent."""

    key: str
    """Dotted name, `layer.thing.quantity`."""
    value: float
    """The most likely value, in `unit`."""
    unit: str
    """Unit text that `groundup.facts.units.parse` reads."""
    low: float
    """Lower plausible bound."""
    high: float
    """Upper plausible bound."""
    kind: str
    """One of `KINDS`."""
    source: str
    """Publication, with address where there is one."""
    locator: str
    """Table, page, line or section inside the source."""
    as_of: date
    """The day the number was true or published."""
    convention: str = ""
    """How it is counted where that is ambiguous: `dense`, `sparse`, `one-way`, `both ways`, ..."""
    note: str = ""
    """What a reader must know before using it."""
    confidence: str = "medium"
    """One of `CONFIDENCE`."""
    conflicts: tuple[Fact, ...] = field(default=(), repr=False)
    """Other sourced values of the same quantity that were not preferred."""

    def __post_init__(self) -> None:
        for name in ("unit", "source", "locator"):
            if not str(getattr(self, name)).strip():
                raise FactError(f"fact `{self.key}` has an empty `{name}`; write where it is from")
        if not isinstance(self.as_of, date):
            raise FactError(f"fact `{self.key}`: `as_of` must be a date, found {self.as_of!r}")
        if self.kind not in KINDS:
            raise FactError(
                f"fact `{self.key}`: unknown kind {self.kind!r}; choose one of {', '.join(KINDS)}"
            )
        if self.confidence not in CONFIDENCE:
            raise FactError(
                f"fact `{self.key}`: unknown confidence {self.confidence!r}; choose one of "
                f"{', '.join(CONFIDENCE)}"
            )
        if not self.low <= self.value <= self.high:
            raise FactError(
                f"fact `{self.key}`: expected low <= value <= high, found "
                f"{self.low} <= {self.value} <= {self.high}; correct the bounds"
            )
        try:
            parse(self.unit)
        except UnitError as error:
            raise FactError(f"fact `{self.key}`: {error}") from None
