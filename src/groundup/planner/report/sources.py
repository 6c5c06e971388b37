"""Writes the facts that a plan rests on: value, interval, source, date, confidence, conflicts."""

from __future__ import annotations

from collections.abc import Sequence

from groundup.facts.fact import Fact
from groundup.planner.report.derivation import fact_anchor, linked
from groundup.planner.report.scale import scientific
from groundup.planner.report.svg import element, escape
from groundup.planner.report.table import column_head, table

_HEADS = ("fact", "value", "kind", "confidence", "as of", "source, place, note")


def draw_sources(facts: Sequence[Fact]) -> str:
    """A table of facts for each layer that has some."""
    layers: dict[str, list[Fact]] = {}
    for fact in facts:
        layers.setdefault(fact.key.split(".")[0], []).append(fact)
    head = "".join(column_head(name, name == "value") for name in _HEADS)
    return "".join(
        table(f"Facts of {layer} ({len(rows)})", head, "".join(map(_row, rows)), "facts")
        for layer, rows in layers.items()
    )


def fact_value(fact: Fact) -> str:
    """`700 W/accelerator`, with its plausible bounds below where it has some."""
    unit = "" if fact.unit == "1" else f" {fact.unit}"
    text = f'<span class="value">{escape(_digits(fact.value, 6) + unit)}</span>'
    if fact.low == fact.high:
        return text
    bounds = f"{_digits(fact.low, 4)} – {_digits(fact.high, 4)}"
    return f'{text} <span class="interval">{bounds}</span>'


def _digits(value: float, digits: int) -> str:
    """All digits that a source gives, thousands grouped; powers of ten only far from 1."""
    if 10.0 ** min(digits, 5) <= abs(value) < 1e10:
        return f"{value:,.0f}"
    if 1e-4 <= abs(value) < 10.0**digits or value == 0:
        return f"{value:,.{digits}g}"
    return scientific(value, digits)


def confidence(fact: Fact) -> str:
    """A badge: high, medium or low."""
    return element("span", {"class": f"badge {fact.confidence}"}, fact.confidence)


def _row(fact: Fact) -> str:
    name = fact.key.split(".", 1)[-1]
    return (
        f'<tr id="{fact_anchor(fact.key)}"><th scope="row" title="{escape(fact.key)}">'
        f'{_breakable(name)}</th><td class="number">{fact_value(fact)}</td><td>{_kind(fact)}</td>'
        f"<td>{confidence(fact)}</td><td>{fact.as_of.isoformat()}</td><td>{_source(fact)}</td></tr>"
    )


def _breakable(name: str) -> str:
    """A dotted name that may be broken after its dots and underscores."""
    return escape(name).replace(".", ".<wbr/>").replace("_", "_<wbr/>")


def _kind(fact: Fact) -> str:
    return escape(f"{fact.kind}, {fact.convention}" if fact.convention else fact.kind)


def _source(fact: Fact) -> str:
    text = linked(f"{fact.source}; {fact.locator}")
    if fact.note:
        text += f'<div class="remark">{linked(fact.note)}</div>'
    return text + "".join(_conflict(other) for other in fact.conflicts)


def _conflict(other: Fact) -> str:
    said = f"{other.kind}, {other.as_of.isoformat()}: {other.source}; {other.locator}"
    return (
        f'<div class="conflict">disagrees: {fact_value(other)} '
        f"({linked(said)}){' – ' + linked(other.note) if other.note else ''}</div>"
    )
