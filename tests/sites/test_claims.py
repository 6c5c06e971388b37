import csv
from pathlib import Path

import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.facts.claims import problems
from groundup.facts.explain import leaves
from groundup.sites.claims import claims

DATA = Path(__file__).parents[1] / "data" / "claims.csv"
LINES = [line for line in DATA.read_text().splitlines() if not line.startswith("#")]
ROWS = {row["id"]: row for row in csv.DictReader(LINES) if row["layer"] == "5"}
FOUND = {claim.key: claim for claim in claims(load_catalogue())}


def test_every_claim_of_the_floor_is_answered():
    assert set(FOUND) == set(ROWS)
    assert len(ROWS) >= 8


@pytest.mark.parametrize("name", list(ROWS))
def test_verdict_and_number_agree_with_the_table(name):
    row, claim = ROWS[name], FOUND[name]
    assert claim.verdict == row["verdict"]
    assert claim.agrees(float(row["expected_low"]), float(row["expected_high"]), row["unit"])
    assert problems(claim) == []


@pytest.mark.parametrize("name", list(FOUND))
def test_every_number_goes_down_to_facts(name):
    assert any(leaf.fact is not None for leaf in leaves(FOUND[name].found))
