"""The table of circulating numbers, and what every claim of a floor must agree with in it."""

from __future__ import annotations

import csv
from pathlib import Path

from groundup.facts.claims import Claim, problems

TABLE = Path(__file__).parent / "data" / "claims.csv"


def rows(layer: int) -> dict[str, dict[str, str]]:
    """Rows of one layer by their id."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    found = csv.DictReader(line for line in lines if not line.startswith("#"))
    return {row["id"]: row for row in found if row["layer"] == str(layer)}


def check(claim: Claim, row: dict[str, str]) -> None:
    """Verdict and number (where the table has one) agree, and nothing contradicts itself."""
    assert claim.verdict == row["verdict"]
    assert problems(claim) == []
    if row["expected_low"]:
        low, high = float(row["expected_low"]), float(row["expected_high"])
        assert claim.agrees(low, high, row["unit"]), claim.found.value
