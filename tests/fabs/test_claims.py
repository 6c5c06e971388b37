"""Every circulating number about layer 2, with the table's verdict and the table's range."""

import csv
from pathlib import Path

import pytest

from groundup.fabs.claims import claims
from groundup.facts.catalogue import load_catalogue
from groundup.facts.claims import problems

TABLE = Path(__file__).resolve().parents[1] / "data" / "claims.csv"
LINES = [line for line in TABLE.read_text().splitlines() if not line.startswith("#")]
ROWS = {row["id"]: row for row in csv.DictReader(LINES) if row["layer"] == "2"}
FOUND = {claim.key: claim for claim in claims(load_catalogue())}


def test_every_claim_of_the_layer_is_there():
    assert set(FOUND) == set(ROWS)
    assert len(ROWS) == 12


@pytest.mark.parametrize("key", list(ROWS))
def test_what_follows_agrees_with_the_table(key):
    claim, row = FOUND[key], ROWS[key]
    assert claim.verdict == {"derive": "derived"}.get(row["verdict"], row["verdict"])
    assert problems(claim) == []
    if row["expected_low"]:
        low, high = float(row["expected_low"]), float(row["expected_high"])
        assert claim.agrees(low, high, row["unit"])


@pytest.mark.parametrize("key", list(ROWS))
def test_each_is_derived_from_facts(key):
    def leaves(node):
        return [node] if not node.inputs else [x for one in node.inputs for x in leaves(one)]

    assert any(leaf.fact is not None for leaf in leaves(FOUND[key].found))
