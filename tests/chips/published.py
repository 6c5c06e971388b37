"""The tables of published numbers that the tests of this floor read."""

from __future__ import annotations

import csv
from pathlib import Path

DATA = Path(__file__).resolve().parents[1] / "data"


def rows(name, kind=""):
    """Rows of `tests/data/<name>.csv` as dictionaries, comment lines left out."""
    lines = (DATA / f"{name}.csv").read_text(encoding="utf-8").splitlines()
    found = csv.DictReader(line for line in lines if not line.startswith("#"))
    return [row for row in found if not kind or row["kind"] == kind]
