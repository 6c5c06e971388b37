"""Every circulating number about layer 2, with the table's verdict and the table's range."""

import pytest
from tests.claims import check, rows

from groundup.fabs.claims import claims
from groundup.facts.catalogue import load_catalogue

ROWS = rows(2)
FOUND = {claim.key: claim for claim in claims(load_catalogue())}


def test_every_claim_of_the_layer_is_there():
    assert set(FOUND) == set(ROWS)
    assert len(ROWS) == 12


@pytest.mark.parametrize("key", list(ROWS))
def test_what_follows_agrees_with_the_table(key):
    check(FOUND[key], ROWS[key])


@pytest.mark.parametrize("key", list(ROWS))
def test_each_is_derived_from_facts(key):
    def leaves(node):
        return [node] if not node.inputs else [x for one in node.inputs for x in leaves(one)]

    assert any(leaf.fact is not None for leaf in leaves(FOUND[key].found))
