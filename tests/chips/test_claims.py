import pytest
from tests.claims import check, rows

from groundup.chips.claims import claims
from groundup.facts.catalogue import load_catalogue

FOUND = {claim.key: claim for claim in claims(load_catalogue())}
ROWS = rows(3)


def test_every_claim_of_the_layer_is_there_and_no_other():
    assert set(ROWS) == set(FOUND)
    assert len(ROWS) >= 17


@pytest.mark.parametrize("key", list(ROWS))
def test_number_and_verdict(key):
    assert ROWS[key]["expected_low"]  # every number of this layer can be derived
    check(FOUND[key], ROWS[key])


def test_found_numbers_follow_from_facts():
    for claim in FOUND.values():
        assert claim.found.inputs or claim.found.fact, claim.key
