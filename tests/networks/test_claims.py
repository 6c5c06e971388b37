import pytest
from tests.claims import check, rows

from groundup.facts.catalogue import load_catalogue
from groundup.networks.claims import claims, network_share

FACTS = load_catalogue()
MADE = {claim.key: claim for claim in claims(FACTS)}


ROWS = rows(4)


def test_every_claim_of_the_layer_is_there_and_no_other():
    assert set(MADE) == set(ROWS)


@pytest.mark.parametrize("key", list(ROWS))
def test_claim_agrees_with_the_table(key):
    check(MADE[key], ROWS[key])


@pytest.mark.parametrize("key", sorted(MADE))
def test_found_is_computed_from_inputs_and_says_how(key):
    assert MADE[key].found.inputs
    assert MADE[key].why


def test_wrong_capacity_is_kept_as_a_conflict():
    for name, wrong in (("nvswitch2", 3.2), ("nvswitch4", 14.4)):
        fact = FACTS[f"networks.{name}.capacity"]
        assert wrong in [other.value for other in fact.conflicts]
        ports = FACTS[f"networks.{name}.ports"].value
        assert fact.value == pytest.approx(ports * FACTS[f"networks.{name}.rate"].value / 1e3)


def test_faster_ports_take_a_larger_share_of_power():
    shares = [network_share(FACTS, speed).value for speed in (200.0, 400.0, 800.0, 1600.0)]
    assert shares == sorted(shares)
