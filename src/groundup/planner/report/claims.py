"""Writes circulating numbers beside the numbers that follow from facts, with a verdict each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from groundup.facts.claims import VERDICTS, Claim
from groundup.planner.report.derivation import Derivations, linked
from groundup.planner.report.svg import element, escape
from groundup.planner.report.table import column_head, in_unit_of_head, table

_MARKS = {
    "ok": "✓", "approx": "≈", "derived": "∴", "wrong": "✗", "inconsistent": "≠",
    "ambiguous": "?", "misattributed": "⇄", "check": "!", "input": "→",
}  # fmt: skip
_HEADS = ("number", "said", "found", "verdict", "why")


def draw_claims(claims: Sequence[Claim], derivations: Derivations) -> str:
    """A table of claims, a row each; empty without claims."""
    if not claims:
        return ""
    head = "".join(column_head(name, name == "found") for name in _HEADS)
    body = "".join(_row(claim, derivations) for claim in claims)
    found = table("Numbers that circulate, held against facts", head, body, "claims")
    return f'<figure class="wide">{found}<p class="note">{escape(_count(claims))}</p></figure>'


def badge(verdict: str) -> str:
    """The verdict with a mark that does not need its colour; what it means as a hint."""
    attributes = {"class": f"badge {verdict}", "title": VERDICTS[verdict]}
    return element("span", attributes, f"{_MARKS[verdict]} {verdict}")


def _row(claim: Claim, derivations: Derivations) -> str:
    return (
        f'<tr><th scope="row">{escape(claim.key)}</th><td>{linked(claim.said)}</td>'
        f'<td class="number">{derivations.cell(claim.found, in_unit_of_head(claim.found))}</td>'
        f"<td>{badge(claim.verdict)}</td><td>{linked(claim.why)}</td></tr>"
    )


def _count(claims: Sequence[Claim]) -> str:
    counts = Counter(claim.verdict for claim in claims)
    return "; ".join(
        f"{counts[name]} {name}: {meaning}" for name, meaning in VERDICTS.items() if counts[name]
    )
