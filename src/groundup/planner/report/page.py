"""The whole report: one HTML document with the plan, its floors, claims, facts and derivations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from groundup.facts.catalogue import Catalogue
from groundup.facts.claims import Claim
from groundup.facts.explain import leaves
from groundup.facts.figures import Bar, Bars, Figure
from groundup.facts.layer import LayerPlan
from groundup.planner.plan import Plan
from groundup.planner.report.claims import draw_claims
from groundup.planner.report.derivation import Derivations, fact_anchor
from groundup.planner.report.figure import draw
from groundup.planner.report.overview import draw_header, draw_plan, title_of
from groundup.planner.report.sources import confidence, draw_sources, fact_value
from groundup.planner.report.svg import element, escape
from groundup.planner.report.table import table
from groundup.planner.report.weakest import HEADLINES, Assumption, weakest


@dataclass(frozen=True)
class Page:
    """What a floor shows of itself."""

    floor: int
    """1 (materials) to 14 (apps)."""
    name: str
    """Package name of the floor."""
    title: str
    """Head of its section."""
    figures: tuple[Figure, ...]
    """From top to bottom."""
    claims: tuple[Claim, ...] = ()
    """Circulating numbers of the layer, checked."""


def render(
    plan: Plan,
    pages: Sequence[Page],
    facts: Catalogue,
    extra: Sequence[tuple[str, tuple[Figure, ...]]] = (),
) -> str:
    """The report as one HTML document that needs no other file, network or script.

    `extra` are named sections of figures (`What if`, ...). Every floor of the plan has a section,
    those without a page one with their quantities. The same plan gives the same text.
    """
    derivations = Derivations()
    known = {row.floor: row for row in plan.layers}
    shown = {page.floor for page in pages}
    bare = [Page(r.floor, r.name, r.name.capitalize(), ()) for r in plan.layers]
    every = sorted([*pages, *(p for p in bare if p.floor not in shown)], key=lambda p: p.floor)
    body = [draw_header(plan, derivations), _nav(every, extra), draw_plan(plan, derivations)]
    body += [_section(f"extra-{i + 1}", *part, derivations) for i, part in enumerate(extra)]
    body += [_floor(page, known.get(page.floor), derivations) for page in every]
    body += [_assumptions(plan), _facts(derivations, facts), _steps(derivations)]
    return _document(plan, body)


def _document(plan: Plan, body: Sequence[str]) -> str:
    style, script = _packed("style.css"), _packed("sort.js")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"/>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
        '<meta name="color-scheme" content="light dark"/>'
        f"<title>Plan of {escape(plan.stack)}</title><style>{style}</style></head>\n<body><main>"
        + "\n".join(body)
        + f"</main><script>{script}</script></body></html>\n"
    )


def _packed(name: str) -> str:
    return (files("groundup.planner.report") / name).read_text(encoding="utf-8")


def _nav(pages: Sequence[Page], extra: Sequence[tuple[str, tuple[Figure, ...]]]) -> str:
    links = [("plan", "Plan")]
    links += [(f"extra-{i + 1}", name) for i, (name, _) in enumerate(extra)]
    floors = dict.fromkeys((f"floor-{page.floor}", f"{page.floor} {page.name}") for page in pages)
    links += [*floors, ("weakest", "Weakest assumptions"), ("facts", "Facts")]
    links.append(("steps", "Derivations"))
    items = "".join(element("a", {"href": f"#{to}"}, escape(name)) for to, name in links)
    return f'<nav aria-label="Sections">{items}</nav>'


def _section(
    anchor: str, title: str, figures: Sequence[Figure], derivations: Derivations
) -> str:
    drawn = "".join(draw(figure, derivations) for figure in figures)
    return (
        f'<section id="{anchor}"><h2>{escape(title)}</h2><div class="figures">{drawn}</div>'
        "</section>"
    )


def _floor(page: Page, row: LayerPlan | None, derivations: Derivations) -> str:
    drawn = "".join(draw(figure, derivations) for figure in page.figures)
    drawn += draw_claims(page.claims, derivations)
    details = _details(row, derivations) if row is not None else ""
    inside = f'<div class="figures">{drawn}</div>' if drawn else ""
    head = f'<h2><span class="floor">{page.floor}</span> {escape(page.title)}</h2>'
    return f'<section id="floor-{page.floor}">{head}{inside}{details}</section>'


def _details(row: LayerPlan, derivations: Derivations) -> str:
    """All further quantities of a floor, folded away."""
    if not row.details:
        return ""
    body = "".join(
        f'<li><span>{escape(name.replace("_", " "))}</span> {derivations.cell(value)}</li>'
        for name, value in row.details.items()
    )
    return (
        f'<details class="all"><summary>All {len(row.details)} quantities of '
        f'{escape(row.name)}</summary><ul class="quantities">{body}</ul></details>'
    )


def _assumptions(plan: Plan) -> str:
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
    parts = [_ranking(ranked), *_chart(ranked), *low]
    return (
        f'<section id="weakest"><h2>Weakest assumptions</h2><p class="lead">{said}</p>'
        f'<div class="figures">{"".join(parts)}</div></section>'
    )


def _ranking(ranked: Sequence[Assumption]) -> str:
    if not ranked:
        return ""
    names = [name for name in HEADLINES if any(name in item.shares for item in ranked)]
    head = '<th scope="col">fact</th><th scope="col" class="number">value</th>'
    head += '<th scope="col">confidence</th>'
    head += "".join(f'<th scope="col" class="number">{escape(title_of(n))}</th>' for n in names)
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
    return f'<td class="number" data-v="{abs(share):.4f}">{abs(share):.0%} {"↑" if share > 0 else "↓"}</td>'


def _chart(ranked: Sequence[Assumption]) -> list[str]:
    names = [name for name in HEADLINES if any(name in item.shares for item in ranked)]
    bars = []
    for name in names:
        largest = sorted(ranked, key=lambda item: -abs(item.shares.get(name, 0.0)))[:6]
        bars += [
            Bars(
                f"Spread of {title_of(name)}",
                "%",
                tuple(
                    Bar(item.fact.key, (("", 100 * abs(item.shares.get(name, 0.0))),))
                    for item in largest
                    if abs(item.shares.get(name, 0.0)) >= 0.005
                ),
            )
        ]
    return [draw(figure, Derivations()) for figure in bars if figure.bars]


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
    head = "".join(
        element("th", {"scope": "col"}, name) for name in ("fact", "value", "in the ranking", "why")
    )
    body = "".join(
        f'<tr><th scope="row"><a href="#{fact_anchor(key)}">{escape(key)}</a></th>'
        f'<td class="number">{fact_value(fact)}</td><td>{"yes" if key in ranked else "no"}</td>'
        f"<td>{escape(fact.note or fact.source)}</td></tr>"
        for key, fact in sorted(found.items())
    )
    caption = "Facts of low confidence that the totals rest on"
    return [f'<figure class="wide">{table(caption, head, body)}</figure>']


def _facts(derivations: Derivations, facts: Catalogue) -> str:
    used = derivations.facts()
    disagree = sum(bool(fact.conflicts) for fact in used)
    low = sum(fact.confidence == "low" for fact in used)
    said = (
        f"{len(used)} of the {len(facts):,} facts on record stand behind the numbers above; sources "
        f"disagree about {disagree} of them, {low} are of low confidence. high: read at its "
        "primary source; medium: primary source named, number from one who quotes it; low: one "
        "unconfirmed voice or a reasoned range."
    )
    return (
        f'<section id="facts"><h2>Facts</h2><p class="lead">{said}</p>{draw_sources(used)}'
        "</section>"
    )


def _steps(derivations: Derivations) -> str:
    return (
        '<section id="steps"><h2>Derivations</h2><p class="lead">Every step behind the numbers '
        "above, once; intervals are 5 % and 95 % quantiles.</p>"
        f"{derivations.written()}</section>"
    )
