"""Every row of a table of measurements against its model: which kind is answered by which module.

A row is never passed over: it is predicted, or named with the reason why it is not.
"""

from __future__ import annotations

import dataclasses
import math
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import GroundupError, NoDataError
from groundup.facts.files import file_digest
from groundup.planner.validation.benchmark_rules import completed
from groundup.planner.validation.groups import Group, Scored, by_kind, by_source, group_of
from groundup.planner.validation.kinds import model_of
from groundup.planner.validation.row import Prediction, Row, read_rows
from groundup.planner.validation.row_units import in_unit_of

COUNTS = {
    **dict.fromkeys(("params_total", "params_active"), 1e15),
    **dict.fromkeys(("layers", "heads", "kv_heads"), 1e5),
    **dict.fromkeys(("hidden", "ffn", "vocab"), 1e8),
    **dict.fromkeys(("n_chips", "dp", "tp", "pp", "cp", "ep", "microbatch"), 1e8),
    "seq_len": 1e9, "global_batch": 1e9, "tokens": 1e17,
}  # fmt: skip
"""Columns that count things, and what no machine or model has more of."""
_PLAIN = ("layers", "hidden")
"""Counts that have no other form: what is no number there says nothing."""
_DEFECTS = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)
"""What a broken model raises; it is shown with its traceback, and the command fails."""


@dataclass(frozen=True)
class Scores:
    """All rows of a table, scored."""

    rows: tuple[Scored, ...]
    """In the order of the table."""
    file: str = ""
    """Name of the table."""
    sha256: str = ""
    """Digest of the table."""

    @property
    def groups(self) -> tuple[Group, ...]:
        """By kind and source."""
        return by_source(self.rows)

    @property
    def kinds(self) -> tuple[Group, ...]:
        """By kind."""
        return by_kind(self.rows)

    @property
    def overall(self) -> Group:
        """All rows together."""
        return group_of("all", "", self.rows)

    @property
    def unpredicted(self) -> tuple[Scored, ...]:
        """Rows without a prediction."""
        return tuple(row for row in self.rows if row.prediction is None)

    @property
    def defects(self) -> tuple[Scored, ...]:
        """Rows at which a model broke."""
        return tuple(row for row in self.rows if row.defect)

    def as_json(self, with_rows: bool = False) -> dict[str, Any]:
        """Groups, sums and unpredicted rows as plain objects."""
        unpredicted = [
            {"line": one.row.line, "name": one.row.name, "kind": one.row.kind, "why": one.why}
            for one in self.unpredicted
        ]
        found: dict[str, Any] = {
            "groups": [group.as_json() for group in self.groups],
            "kinds": [group.as_json() for group in self.kinds],
            "overall": self.overall.as_json(),
            "unpredicted": unpredicted,
            "defects": [{"line": d.row.line, "why": d.why, "trace": d.defect}
                        for d in self.defects],
            "file": self.file,
            "sha256": self.sha256,
        }  # fmt: skip
        return {**found, "rows": [row.as_json() for row in self.rows]} if with_rows else found


def score_file(path: Path, facts: Catalogue) -> Scores:
    """Score every row of a CSV table; DataError where it is not one (see `read_rows`)."""
    rows = read_rows(path)
    return Scores(score(rows, facts).rows, path.name, file_digest(path))


def score(rows: Iterable[Row], facts: Catalogue) -> Scores:
    """Predict every row by its kind. A model that breaks is recorded as a defect, not hidden."""
    return Scores(tuple(_scored(row, facts) for row in rows))


def _scored(row: Row, facts: Catalogue) -> Scored:
    try:
        return Scored(row, _predicted(row, facts))
    except GroundupError as error:
        return Scored(row, why=str(error))
    except _DEFECTS as error:
        why = f"defect in the model of {row.kind!r}: {type(error).__name__}: {error}"
        return Scored(row, why=why, defect=traceback.format_exc())


def _predicted(row: Row, facts: Catalogue) -> Prediction:
    if row.number("value") is None:
        raise NoDataError(f"column `value` is {row.value!r}: not a number")
    prediction = in_unit_of(row, model_of(row.kind)(completed(sound(row), facts), facts))
    numbers = (prediction.low, prediction.value, prediction.high)
    if not all(math.isfinite(number) for number in numbers):
        raise ValueError(f"the model gave {numbers}")
    if not prediction.low <= prediction.value <= prediction.high:
        raise ValueError(f"the interval {numbers} does not hold its own middle")
    return prediction


def sound(row: Row) -> Row:
    """The row with counts of 0 as empty cells: tables write 0 for what does not apply.

    So is text in columns that are numbers by nature (`_PLAIN`); others may hold `p1/d8` or `MLA`.
    NoDataError where a count is negative or beyond anything that was built.
    """
    empty: dict[str, Any] = {}
    for column, most in COUNTS.items():
        number = row.number(column)
        if number == 0 or (number is None and column in _PLAIN and getattr(row, column)):
            empty[column] = ""
        elif number is not None and not 0 < number <= most:
            raise NoDataError(
                f"column `{column}` is {getattr(row, column)}: not from 0 to {most:g}"
            )
    return dataclasses.replace(row, **empty) if empty else row


def worst(rows: Sequence[Scored], count: int) -> list[Scored]:
    """The predicted rows with the largest errors, the largest first."""
    found = [row for row in rows if row.error is not None]
    return sorted(found, key=lambda row: -(row.error or 0.0))[:count]
