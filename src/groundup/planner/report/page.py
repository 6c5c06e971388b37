"""The whole report: one HTML document with the plan, its floors, claims, facts and derivations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from groundup.facts.catalogue import Catalogue
from groundup.facts.claims import Claim
from groundup.facts.figures import Figure
from groundup.facts.layer import LayerPlan
from groundup.planner.plan import Plan
from groundup.planner.report.assumptions import draw_assumptions
from groundup.planner.report.claims import draw_claims
from groundup.planner.report.derivation import Derivations
from groundup.planner.report.figure import draw
from groundup.planner.report.overview import draw_header, draw_plan
from groundup.planner.report.sources import draw_sources
from groundup.planner.report.svg import element, escape


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
    body += [draw_assumptions(plan), _facts(derivations, facts), _steps(derivations)]
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


def _section(anchor: str, title: str, figures: Sequence[Figure], derivations: Derivations) -> str:
    drawn = "".join(draw(figure, derivations) for figure in figures)
    return (
        f'<section id="{anchor}"><h2>{escape(title)}</h2><div class="figures">{drawn}</div>'
        "</section>"
    )


def _floor(page: Page, row: LayerPlan | None, derivations: Derivations) -> str:
    """A floor with what it shows; one that shows nothing is a line with its quantities."""
    drawn = "".join(draw(figure, derivations) for figure in page.figures)
    drawn += draw_claims(page.claims, derivations)
    details = _details(row, derivations) if row is not None else ""
    head = f'<h2><span class="floor">{page.floor}</span> {escape(page.title)}</h2>'
    if not drawn:
        return f'<section id="floor-{page.floor}" class="bare">{head}{details}</section>'
    figures = f'<div class="figures">{drawn}</div>'
    return f'<section id="floor-{page.floor}">{head}{figures}{details}</section>'


def _details(row: LayerPlan, derivations: Derivations) -> str:
    """All further quantities of a floor, folded away."""
    if not row.details:
        return ""
    body = "".join(
        f"<li><span>{escape(name.replace('_', ' '))}</span> {derivations.cell(value)}</li>"
        for name, value in row.details.items()
    )
    count = len(row.details)
    said = f"All {count} quantities" if count > 1 else "The one quantity"
    return (
        f'<details class="all"><summary>{said} of {escape(row.name)}</summary>'
        f'<ul class="quantities">{body}</ul></details>'
    )


def _facts(derivations: Derivations, facts: Catalogue) -> str:
    used = derivations.facts()
    disagree = sum(bool(fact.conflicts) for fact in used)
    low = sum(fact.confidence == "low" for fact in used)
    said = (
        f"{len(used)} of the {len(facts):,} facts on record stand behind the numbers above; "
        f"sources disagree about {disagree} of them, {low} are of low confidence. high: read at "
        "its primary source; medium: primary source named, number from one who quotes it; low: one "
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
