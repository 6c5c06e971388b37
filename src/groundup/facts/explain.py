"""Prints where a number comes from: its derivation tree down to facts with source and date."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from groundup.facts.estimate import Estimate
from groundup.facts.fact import Fact

_LONGEST = 240
"""Characters of a formula that are shown; longer ones are cut with an ellipsis."""
_TIGHT = {"*", "/"}


def explain(estimate: Estimate) -> str:
    """The tree as text: `name = value [low, high] unit = formula`, leaves with their source.

    A named value that is used more than once is written out once and referred to afterwards.
    """
    lines: list[str] = []
    seen: set[str | int] = set()
    formulas: dict[int, str] = {}
    pending = [(estimate, 0)]
    while pending:
        node, depth = pending.pop()
        indent = "  " * depth
        if _identity(node) in seen:
            lines.append(f"{indent}{_name(node)}: see above")
            continue
        seen.add(_identity(node))
        lines.extend(indent + line for line in _lines(node, formulas))
        pending.extend((child, depth + 1) for child in reversed(named_inputs(node)))
    return "\n".join(lines)


def explain_json(estimate: Estimate) -> dict[str, Any]:
    """The same tree as nested plain objects; a repeated value is `{"ref": name}`."""
    seen: set[str | int] = set()
    formulas: dict[int, str] = {}

    def build(node: Estimate) -> dict[str, Any]:
        if _identity(node) in seen:
            return {"ref": _name(node)}
        seen.add(_identity(node))
        tree: dict[str, Any] = {"name": _name(node), **_quantity(node)}
        if node.inputs:
            tree["formula"] = node.formula or formula(node, formulas)
        if node.source:
            tree["source"] = node.source
        if node.fact is not None:
            tree["fact"] = _fact_json(node.fact)
        children = [build(child) for child in named_inputs(node)]
        return {**tree, "inputs": children} if children else tree

    return build(estimate)


def leaves(estimate: Estimate) -> list[Estimate]:
    """The facts and given values that an estimate rests on, each once, in order of first use."""
    found: dict[str | int, Estimate] = {}
    for node in _nodes(estimate):
        if not node.inputs and node.op != "number":
            found.setdefault(_identity(node), node)
    return list(found.values())


def formula(node: Estimate, memo: dict[int, str] | None = None) -> str:
    """The recorded arithmetic of a node in the names of its inputs, cut to a readable length."""
    memo = {} if memo is None else memo
    for part in _unnamed_below(node):
        memo[id(part)] = _compose(part, memo)
    return memo[id(node)]


def _compose(node: Estimate, memo: dict[int, str]) -> str:
    """Formula of one node, from the formulas of its unnamed inputs that `memo` already holds."""
    texts = [
        x.label if x.label else _bracketed(memo.get(id(x), "..."), x, node) for x in node.inputs
    ]
    if node.op in ("+", "-", "*", "/") or (node.op == "**" and len(texts) == 2):
        text = f" {node.op} ".join(texts)
    elif node.op.startswith("**"):
        text = f"{texts[0]}{node.op}"
    elif node.op == "to":
        text = f"{texts[0]} in {node.unit}"
    elif node.op == "is":
        text = texts[0]
    else:
        text = f"{node.op}({', '.join(texts)})"
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def _bracketed(text: str, inner: Estimate, outer: Estimate) -> str:
    binds_less = inner.op in ("+", "-", "to") and outer.op not in ("+", "sum", "to", "is")
    divisor = outer.op == "/" and inner.op in _TIGHT and inner is outer.inputs[-1]
    power = outer.op.startswith("**") and inner.op in _TIGHT
    return f"({text})" if (binds_less or divisor or power) and outer.op != "ceil" else text


def _unnamed_below(node: Estimate) -> list[Estimate]:
    """The node and its unnamed ancestors in an order where inputs come first (no recursion)."""
    order: list[Estimate] = []
    done: set[int] = set()
    pending: list[tuple[Estimate, bool]] = [(node, False)]
    while pending:
        current, ready = pending.pop()
        if ready:
            order.append(current)
        elif id(current) not in done:
            done.add(id(current))
            pending.append((current, True))
            pending.extend((x, False) for x in current.inputs if not x.label)
    return order


def named_inputs(node: Estimate) -> list[Estimate]:
    """Nearest named inputs, each once; plain numbers in formulas are not lines of their own."""
    found: dict[str | int, Estimate] = {}
    for part in _unnamed_below(node):
        for x in part.inputs:
            if x.label and x.op != "number":
                found.setdefault(_identity(x), x)
    return list(found.values())


def _nodes(estimate: Estimate) -> Iterator[Estimate]:
    seen: set[int] = set()
    pending = [estimate]
    while pending:
        node = pending.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        pending.extend(reversed(node.inputs))


def _identity(node: Estimate) -> str | int:
    """A fact is one node however often it was looked up; anything else is itself."""
    return node.fact.key if node.fact is not None else id(node)


def _name(node: Estimate) -> str:
    return node.label or "result"


def _quantity(node: Estimate) -> dict[str, float | str | int]:
    if node.rows != 1:
        return {"rows": node.rows, "unit": str(node.unit)}
    return {**node.as_json()}


def _lines(node: Estimate, memo: dict[int, str]) -> Iterator[str]:
    text = f"{_name(node)} = {_value_text(node)}"
    if node.inputs:
        text += f" = {node.formula or formula(node, memo)}"
    yield text
    if node.fact is not None:
        yield from _fact_lines(node.fact)
    elif node.source:
        yield f"    from {node.source}"


def _fact_lines(fact: Fact) -> Iterator[str]:
    counted = f", {fact.convention}" if fact.convention else ""
    yield f"    {fact.kind}{counted}: {fact.source}; {fact.locator}; {fact.as_of}"
    if fact.confidence == "low":
        yield "    low confidence: one unconfirmed voice, or a reasoned range"
    if fact.note:
        yield f"    note: {fact.note}"
    for other in fact.conflicts:
        yield (
            f"    conflicts with {other.value:.6g} {other.unit} ({other.kind}): {other.source}; "
            f"{other.locator}; {other.as_of}"
        )


def _value_text(node: Estimate) -> str:
    if node.rows != 1:
        return f"{node.rows} rows in {node.unit}"
    low, high = node.low, node.high
    unit = "" if str(node.unit) == "1" else f" {node.unit}"
    spread = f" [{low:.4g}, {high:.4g}]" if low != high else ""
    return f"{node.value:.5g}{spread}{unit}"


def _fact_json(fact: Fact) -> dict[str, Any]:
    plain = {
        "key": fact.key,
        "value": fact.value,
        "unit": fact.unit,
        "low": fact.low,
        "high": fact.high,
        "kind": fact.kind,
        "convention": fact.convention,
        "source": fact.source,
        "locator": fact.locator,
        "as_of": fact.as_of.isoformat(),
        "note": fact.note,
        "confidence": fact.confidence,
    }
    if fact.conflicts:
        return {**plain, "conflicts": [_fact_json(other) for other in fact.conflicts]}
    return plain
