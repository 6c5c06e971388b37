from __future__ import annotations

import pytest
from tests.planner.report.reading import read_html

from groundup.facts.claims import VERDICTS, Claim
from groundup.facts.estimate import given
from groundup.planner.report.claims import badge, draw_claims
from groundup.planner.report.derivation import Derivations


def claim(key: str, verdict: str) -> Claim:
    return Claim(key, f"{key} <said>", 1.0, 2.0, given(1.5, "MW", "x"), verdict, "arXiv:2407.21783")


def test_a_row_a_claim_with_verdict_and_reason() -> None:
    read = read_html(draw_claims([claim("S1", "ok"), claim("S2", "wrong")], Derivations()))
    assert read.tags.count("tr") == 3
    for said in ("S1 <said>", "S2 <said>", "✓ ok", "✗ wrong", "1.5 MW"):
        assert said in read.text
    assert "1 ok" in read.text
    assert ("a", "href", "https://arxiv.org/abs/2407.21783") in read.attributes


@pytest.mark.parametrize("verdict", VERDICTS)
def test_each_verdict_has_a_mark_and_its_meaning(verdict: str) -> None:
    read = read_html(badge(verdict))
    assert read.text.split()[1] == verdict
    assert ("span", "title", VERDICTS[verdict]) in read.attributes


def test_no_claims_no_table() -> None:
    assert draw_claims([], Derivations()) == ""
