import pytest
from tests.claims import check, rows

from groundup.facts.catalogue import load_catalogue
from groundup.facts.explain import leaves
from groundup.sites.claims import claims

ROWS = rows(5)
FOUND = {claim.key: claim for claim in claims(load_catalogue())}


def test_every_claim_of_the_floor_is_answered():
    assert set(FOUND) == set(ROWS)
    assert len(ROWS) >= 8


@pytest.mark.parametrize("name", list(ROWS))
def test_verdict_and_number_agree_with_the_table(name):
    assert ROWS[name]["expected_low"]  # every number of this layer can be derived
    check(FOUND[name], ROWS[name])


@pytest.mark.parametrize("name", list(FOUND))
def test_every_number_goes_down_to_facts(name):
    assert any(leaf.fact is not None for leaf in leaves(FOUND[name].found))
