"""Where numbers come from, in HTML: a short tree beside each number, every step once at the end."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from textwrap import shorten

from groundup.facts.estimate import Estimate
from groundup.facts.explain import formula, named_inputs
from groundup.facts.fact import Fact
from groundup.planner.report.svg import element, escape, pretty
from groundup.planner.words import number, readable, unit_text

_DEPTH, _MOST = 3, 8
"""Levels and steps of the short tree; the rest is a link away."""
_SOURCE = 80
"""Characters of a source in a tree; the list of facts has all of it."""
_ADDRESS = re.compile(
    r"https?://[^\s<>\"']+[^\s<>\"'.,;:)\]]|arXiv:\d{4}\.\d{4,5}|doi:10\.\S+[^\s.,;)]|`[^`]+`"
)


_MILLIONS = re.compile(r"\b[kMGT]USD\b")


class Derivations:
    """Collects the named values that a page shows, so that each is written out once."""

    def __init__(self) -> None:
        self._anchors: dict[int, str] = {}
        self._texts: dict[int, tuple[str, str]] = {}
        self._formulas: dict[int, str] = {}
        self._by_content: dict[tuple[str, str, str], str] = {}
        self._nodes: dict[str, Estimate] = {}
        self._kept: list[Estimate] = []  # ids stay unique only while their objects live

    def cell(self, estimate: Estimate | None, shown: tuple[str, str] | None = None) -> str:
        """A number with interval that unfolds to its derivation; "no data" where there is none.

        `shown` are value and interval as they are to be written, where not in their own unit.
        """
        if estimate is None or not _finite(estimate):
            return '<span class="none">no data</span>'
        self.anchor(estimate)
        tree = "".join(self._branches(estimate))
        summary = _written(shown or self.text(estimate))
        return (
            f'<details name="why" class="why"><summary>{summary}</summary>'
            f'<div class="tree">{self._said(estimate)}<ul>{tree}</ul></div></details>'
        )

    def value(self, estimate: Estimate) -> str:
        """Value and interval, without a derivation."""
        return _written(self.text(estimate))

    def text(self, estimate: Estimate) -> tuple[str, str]:
        """Value with unit, and its interval (empty for an exact value)."""
        if id(estimate) not in self._texts:
            self._kept.append(estimate)
            self._texts[id(estimate)] = value_text(estimate)
        return self._texts[id(estimate)]

    def anchor(self, estimate: Estimate) -> str:
        """Name of the place where a value is written out; all that it rests on comes along."""
        pending = [estimate]
        while pending:
            node = pending.pop()
            if id(node) in self._anchors:
                continue
            self._kept.append(node)
            self._anchors[id(node)] = self._place(node)
            pending.extend(named_inputs(node))
        return self._anchors[id(estimate)]

    def facts(self) -> list[Fact]:
        """All facts that the collected values rest on, by key."""
        found = {node.fact.key: node.fact for node in self._nodes.values() if node.fact is not None}
        return [found[key] for key in sorted(found)]

    def written(self) -> str:
        """Every collected step: name, value, formula, links to what it was computed from."""
        steps = []
        for anchor, node in self._nodes.items():
            if node.fact is None:
                used = ", ".join(self._link(child) for child in named_inputs(node))
                below = f'<div class="from">from {used}</div>' if used else ""
                steps.append(f'<li id="{anchor}">{self._said(node)}{below}</li>')
        return f'<ul class="steps">{"".join(steps)}</ul>'

    def _place(self, node: Estimate) -> str:
        """Anchor of a node; equal steps that were computed twice share one."""
        if node.fact is not None:
            anchor = fact_anchor(node.fact.key)
        else:
            content = (node.label, " ".join(self.text(node)), self._formula(node) + node.source)
            anchor = self._by_content.setdefault(content, f"d-{len(self._by_content) + 1}")
        self._nodes.setdefault(anchor, node)
        return anchor

    def _formula(self, node: Estimate) -> str:
        if not node.inputs:
            return ""
        return node.formula or formula(node, self._formulas)

    def _said(self, node: Estimate) -> str:
        """`name = value [interval] = formula; source`."""
        text = f"<b>{escape(node.label or 'result')}</b> = {self.value(node)}"
        if node.inputs:
            text += f' <span class="formula">= {escape(self._formula(node))}</span>'
        if node.fact is not None:
            text += f' <span class="source">{_sourced(node.fact)}</span>'
        elif node.source:
            text += f' <span class="source">{linked(node.source)}</span>'
        return text

    def _branches(self, root: Estimate) -> Iterator[str]:
        """List items of the nearest steps, breadth before depth, until there are enough."""
        shown = {self._anchors[id(root)]}
        wanted: set[int] = set()
        level = [root]
        for _ in range(_DEPTH):
            below = [child for node in level for child in named_inputs(node)]
            level = []
            for child in below:
                if self._anchors[id(child)] not in shown and len(wanted) < _MOST:
                    shown.add(self._anchors[id(child)])
                    wanted.add(id(child))
                    level.append(child)
        yield from self._items(root, wanted)
        here = self._anchors[id(root)]
        yield f'<li class="more"><a href="#{here}">all steps</a></li>'

    def _items(self, node: Estimate, wanted: set[int]) -> Iterator[str]:
        for child in named_inputs(node):
            if id(child) in wanted:
                wanted.discard(id(child))
                below = "".join(self._items(child, wanted))
                yield f"<li>{self._said(child)}{f'<ul>{below}</ul>' if below else ''}</li>"
            else:
                yield f"<li>{self._link(child)} = {self.value(child)}</li>"

    def _link(self, node: Estimate) -> str:
        return f'<a href="#{self._anchors[id(node)]}">{escape(node.label or "result")}</a>'


def _written(text: tuple[str, str]) -> str:
    said = f'<span class="value">{escape(text[0])}</span>'
    return f'{said} <span class="interval">{escape(text[1])}</span>' if text[1] else said


def value_text(estimate: Estimate) -> tuple[str, str]:
    """`("$71M", "65M – 80M")`: value with unit, and interval; many rows are told from-to."""
    if estimate.rows != 1:
        values = estimate.values
        values = values[[math.isfinite(v) for v in values]]
        if not values.size:
            return "no data", ""
        return f"{values.min():.3g} to {values.max():.3g} {estimate.unit}", f"{estimate.rows} rows"
    if not math.isfinite(estimate.value):
        return "no data", ""
    inside = readable(_plain_money(estimate))
    money, unit = str(inside.unit).startswith("USD"), unit_text(inside.unit)
    main = f"${_said(inside.value, money)}{unit.removeprefix('USD')}"
    if not money:
        main = f"{_said(inside.value, money)} {unit}".rstrip()
    bounds = [inside.low, inside.high] if inside.samples.size > 1 else [inside.value]
    low, high = (_said(end, money) for end in (bounds[0], bounds[-1]))
    known = low != high and all(map(math.isfinite, bounds))
    return pretty(main), pretty(f"{low} – {high}") if known else ""


def _said(value: float, money: bool) -> str:
    """A number with decimal prefix; dollars have billions."""
    text = number(value)
    return text.replace("G", "B") if money else text


def _plain_money(estimate: Estimate) -> Estimate:
    """Millions of dollars as dollars, so that they are written with the sign."""
    unit = str(estimate.unit)
    return estimate.to(_MILLIONS.sub("USD", unit)) if _MILLIONS.search(unit) else estimate


def _finite(estimate: Estimate) -> bool:
    return estimate.rows != 1 or math.isfinite(estimate.value)


def fact_anchor(key: str) -> str:
    """Anchor of a fact in the list of facts."""
    return "f-" + re.sub(r"[^A-Za-z0-9_.-]", "_", key)


def linked(text: str) -> str:
    """Escaped text in which addresses, arXiv and DOI numbers are links, and `names` are code."""
    parts, last = [], 0
    for match in _ADDRESS.finditer(text):
        parts.append(escape(text[last : match.start()]))
        if match[0].startswith("`"):
            parts.append(element("code", {}, escape(match[0].strip("`"))))
        else:
            parts.append(element("a", {"href": _address(match[0])}, escape(match[0])))
        last = match.end()
    return "".join([*parts, escape(text[last:])])


def _address(found: str) -> str:
    if found.startswith("arXiv:"):
        return f"https://arxiv.org/abs/{found.removeprefix('arXiv:')}"
    return f"https://doi.org/{found.removeprefix('doi:')}" if found.startswith("doi:") else found


def _sourced(fact: Fact) -> str:
    low = ' <span class="badge low">low confidence</span>' if fact.confidence == "low" else ""
    anchor, source = fact_anchor(fact.key), shorten(fact.source, _SOURCE, placeholder=" …")
    return f'{fact.kind}: {escape(source)}; <a href="#{anchor}">fact</a>{low}'
