import pytest
from tests.claims import check, rows

from groundup.apps.claims import claims, service_cost
from groundup.facts.catalogue import load_catalogue

FACTS = load_catalogue()
MADE = {claim.key: claim for claim in claims(FACTS)}
ROWS = rows(14)


def test_every_claim_of_the_layer_is_there_and_no_other():
    assert set(MADE) == set(ROWS)


@pytest.mark.parametrize("key", sorted(ROWS))
def test_claim_agrees_with_the_table(key):
    check(MADE[key], ROWS[key])


@pytest.mark.parametrize("key", sorted(MADE))
def test_found_is_computed_from_inputs_and_says_how(key):
    assert MADE[key].found.inputs
    assert MADE[key].why


def test_cost_of_a_published_answer_token():
    assert service_cost(FACTS).value == pytest.approx(87_072 / 168e3)  # 0.52 USD a million
