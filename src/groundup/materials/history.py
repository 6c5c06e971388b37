"""Supply shocks that happened, with their dates: a check of the model, and shocks to replay."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from datetime import date
from importlib.resources import files

from groundup.materials.market import Shock


@dataclass(frozen=True)
class PastShock:
    """A shock on record."""

    name: str
    """What happened."""
    day: date
    """First day of the loss."""
    shock: Shock
    """The loss as the model takes it, beginning in month 0."""
    seen: str
    """What was observed."""
    source: str
    """Announcements and reports."""


@functools.lru_cache(maxsize=1)
def past_shocks() -> tuple[PastShock, ...]:
    """Every shock on record, oldest first."""
    text = files("groundup.materials").joinpath("history.toml").read_text(encoding="utf-8")
    rows = tomllib.loads(text)["shock"]
    found = [
        PastShock(
            row["name"],
            row["day"],
            Shock(row["material"], row["step"], row["supplier"], row["lost"], 0, row["months"]),
            row["seen"],
            row["source"],
        )
        for row in rows
    ]
    return tuple(sorted(found, key=lambda past: past.day))


def dated(shock: Shock, first_day: date, order: date) -> Shock:
    """The same shock with its start counted in whole months from the day of the order.

    A shock that began before the order is cut to what is left of it.
    """
    start = 12 * (first_day.year - order.year) + first_day.month - order.month
    months = max(0, shock.months + min(0, start))
    return Shock(shock.material, shock.step, shock.supplier, shock.lost, max(0, start), months)
