"""Export controls on materials: which, by whom, since when, and whether in force on a day."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from datetime import date
from importlib.resources import files

from groundup.facts.errors import FactError
from groundup.materials.catalogue import materials

KINDS = ("licence", "ban", "quota")
"""licence: exports need a permit; ban: none are allowed; quota: only so much."""


@dataclass(frozen=True)
class Control:
    """One measure of one state, with the days on which it took and lost effect."""

    materials: tuple[str, ...]
    """Short names of the materials it covers."""
    country: str
    """Who issued it."""
    against: str
    """Whom it hits; `all` where it names none."""
    kind: str
    """One of `KINDS`."""
    start: date
    """First day in effect."""
    scope: str
    """What is controlled, in a few words."""
    source: str
    """Number and date of the announcement."""
    confidence: str
    """As for facts: `high` where the announcement or a report of it was read."""
    until: date | None = None
    """Day it ended or was suspended; None while in force."""
    resumes: date | None = None
    """Day on which a suspension runs out, unless prolonged; None without one."""

    def __post_init__(self) -> None:
        unknown = [name for name in self.materials if name not in materials()]
        if unknown:
            raise FactError(f"export control of {self.start}: unknown material {unknown[0]!r}")
        if self.kind not in KINDS:
            raise FactError(f"export control of {self.start}: kind {self.kind!r}; one of {KINDS}")
        if self.until is not None and self.until < self.start:
            raise FactError(f"export control of {self.start}: ends before, on {self.until}")
        if self.resumes is not None and (self.until is None or self.resumes < self.until):
            raise FactError(f"export control of {self.start}: resumes without being suspended")

    def status(self, day: date) -> str:
        """`not yet`, `in force`, `suspended`, `due again` or `ended` on a day.

        `due again`: a suspension has run out and no prolongation is on record.
        """
        if day < self.start:
            return "not yet"
        if self.until is None or day < self.until:
            return "in force"
        if self.resumes is None:
            return "ended"
        return "suspended" if day < self.resumes else "due again"


@functools.lru_cache(maxsize=1)
def _document() -> tuple[date, tuple[Control, ...]]:
    text = files("groundup.materials").joinpath("controls.toml").read_text(encoding="utf-8")
    document = tomllib.loads(text)
    rows = [Control(**{**row, "materials": tuple(row["materials"])}) for row in document["control"]]
    return document["as_of"], tuple(sorted(rows, key=lambda row: row.start))


def timeline() -> tuple[Control, ...]:
    """Every control on record, oldest first."""
    return _document()[1]


def recorded_until() -> date:
    """The day up to which controls were followed; later changes are not on record."""
    return _document()[0]


def controls_of(name: str, day: date | None = None) -> tuple[Control, ...]:
    """Controls on a material that are in force, suspended or due again on `day`.

    Without `day`, the last day on record.
    """
    on = day or recorded_until()
    return tuple(
        row
        for row in timeline()
        if name in row.materials and row.status(on) not in ("not yet", "ended")
    )
