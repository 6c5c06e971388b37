import pytest
from tests.claims import check, rows

from groundup.facts.catalogue import load_catalogue
from groundup.inference.claims import claims

FACTS = load_catalogue()
MADE = {claim.key: claim for claim in claims(FACTS)}
ROWS = rows(12)


def test_every_claim_of_the_layer_is_there_and_no_other() -> None:
    assert set(MADE) == set(ROWS)


@pytest.mark.parametrize("key", list(ROWS))
def test_claim_agrees_with_the_table(key: str) -> None:
    check(MADE[key], ROWS[key])


@pytest.mark.parametrize("key", sorted(MADE))
def test_found_is_computed_from_inputs_and_says_how(key: str) -> None:
    assert MADE[key].found.inputs
    assert MADE[key].why
