import pytest
from tests.claims import check, rows

from groundup.facts.catalogue import load_catalogue
from groundup.training.claims import claims, zero_bytes
from groundup.training.states import formats_of

FACTS = load_catalogue()
MADE = {claim.key: claim for claim in claims(FACTS)}
ROWS = rows(8)


def test_every_claim_of_the_layer_is_there_and_no_other():
    assert set(MADE) == set(ROWS)


@pytest.mark.parametrize("key", list(ROWS))
def test_claim_agrees_with_the_table(key):
    check(MADE[key], ROWS[key])


@pytest.mark.parametrize("key", sorted(MADE))
def test_found_is_computed_from_inputs_and_says_how(key):
    assert MADE[key].found.inputs
    assert MADE[key].why


def test_zero_is_the_papers_figure():
    """Rajbhandari et al., figure 1: 7.5G parameters on 64 ranks."""
    formats = formats_of("mixed-adam", FACTS)
    found = [zero_bytes(stage, 64, formats) * 7.5 for stage in range(4)]
    assert found == pytest.approx([120, 31.4, 16.6, 1.88], rel=3e-3)


def test_zero_is_the_papers_formula():
    formats = formats_of("mixed-adam", FACTS)
    for ranks in (1.0, 4.0, 1024.0):
        found = [zero_bytes(stage, ranks, formats) for stage in range(4)]
        assert found == pytest.approx([16, 4 + 12 / ranks, 2 + 14 / ranks, 16 / ranks])
