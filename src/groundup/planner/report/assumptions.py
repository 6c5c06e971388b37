"""Writes the weakest assumptions: where the spread comes from, and facts of low confidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from groundup.facts.explain import leaves
from groundup.planner.plan import Plan
from groundup.planner.report.derivation import fact_anchor
from groundup.planner.report.overview import title_of
from groundup.planner.report.sources import confidence, fact_value
from groundup.planner.report.svg import element, escape
from groundup.planner.report.table import column_head, table
from groundup.planner.report.weakest import HEADLINES, Assumption, weakest


def draw_assumptions(plan: Plan) -> str:
    """Facts by how much of the spread of the headline totals they explain; then weak voices."""
    ranked = weakest(plan.totals)
    low = _low(plan, {item.fact.key for item in ranked})
    if ranked:
        said = (
            "Share of the spread of a headline number that each fact explains: squared rank "
            f"correlation over {plan.samples:,} draws. ↑ raises the number, ↓ lowers it. The "
            "first ones are worth a better source before anything else is refined."
        )
    else:
        said = "The plan was made without draws, so there is no spread to take apart."
    parts = [_ranking(ranked), *low]
    return (
        f'<section id="weakest"><h2>Weakest assumptions</h2><p class="lead">{said}</p>'
        f'<div class="figures">{"".join(parts)}</div></section>'
    )


def _ranking(ranked: Sequence[Assumption]) -> str:
    if not ranked:
        return ""
    names = [name for name in HEADLINES if any(name in item.shares for item in ranked)]
    head = "".join(column_head(n, n == "value") for n in ("fact", "value", "confidence"))
    head += "".join(column_head(title_of(name), numeric=True) for name in names)
    body = "".join(
        f'<tr><th scope="row"><a href="#{fact_anchor(item.fact.key)}">{escape(item.fact.key)}</a>'
        f'</th><td class="number">{fact_value(item.fact)}</td><td>{confidence(item.fact)}</td>'
        + "".join(_share(item.shares, name) for name in names)
        + "</tr>"
        for item in ranked
    )
    return f'<figure class="wide">{table("Where the spread comes from", head, body)}</figure>'


def _share(shares: Mapping[str, float], name: str) -> str:
    share = shares.get(name, 0.0)
    if abs(share) < 0.005:
        return '<td class="number none">–</td>'
    said = f"{abs(share):.0%} {'↑' if share > 0 else '↓'}"
    cell = {"class": "number share", "data-v": f"{abs(share):.4f}"}
    return element("td", {**cell, "style": f"--share: {abs(share):.1%}"}, said)


def _low(plan: Plan, ranked: set[str]) -> list[str]:
    """Facts of low confidence that the totals rest on."""
    found = {
        leaf.fact.key: leaf.fact
        for value in plan.totals.values()
        for leaf in leaves(value)
        if leaf.fact is not None and leaf.fact.confidence == "low"
    }
    if not found:
        return []
    heads = ("fact", "value", "in the ranking", "why")
    head = "".join(column_head(name, name == "value") for name in heads)
    body = "".join(
        f'<tr><th scope="row"><a href="#{fact_anchor(key)}">{escape(key)}</a></th>'
        f'<td class="number">{fact_value(fact)}</td><td>{"yes" if key in ranked else "no"}</td>'
        f"<td>{escape(fact.note or fact.source)}</td></tr>"
        for key, fact in sorted(found.items())
    )
    caption = "Facts of low confidence that the totals rest on"
    return [f'<figure class="wide">{table(caption, head, body)}</figure>']
