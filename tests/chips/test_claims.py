import pytest
from tests.chips.published import rows

from groundup.chips.claims import claims
from groundup.facts.catalogue import load_catalogue
from groundup.facts.claims import problems

FOUND = {claim.key: claim for claim in claims(load_catalogue())}
ROWS = [row for row in rows("claims") if row["layer"] == "3"]


def test_every_claim_of_the_layer_is_there_and_no_other():
    assert {row["id"] for row in ROWS} == set(FOUND)
    assert len(ROWS) >= 17


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_number_and_verdict(row):
    claim = FOUND[row["id"]]
    assert claim.verdict == row["verdict"]
    assert claim.agrees(float(row["expected_low"]), float(row["expected_high"]), row["unit"])
    assert problems(claim) == []


def test_found_numbers_follow_from_facts():
    for claim in FOUND.values():
        assert claim.found.inputs or claim.found.fact, claim.key
