"""Checks the whole catalogue against identities that true facts obey."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date

from groundup.facts.catalogue import Catalogue
from groundup.facts.fact import Fact
from groundup.facts.units import convert, parse, same_dimension

_TOLERANCE = 0.005
"""Data sheets round to three or four digits."""
_MARKETS = (".share", ".mining", ".refining", ".production")
"""Below these words of a key stand suppliers with their shares of one step of a market."""


def problems(facts: Catalogue, today: date | None = None) -> list[str]:
    """Every identity that is broken, one sentence each; an empty list means that all hold."""
    checks = (_sparse, _memory, _shares, _bounds, _prices, _servers)
    found = [text for check in checks for text in check(facts)]
    return found + list(_dates(facts, today or date.today())) + list(_same_unit(facts))


def _sparse(facts: Catalogue) -> Iterator[str]:
    """2:4 structured sparsity doubles the dense peak, never anything else."""
    for fact in facts:
        dense = fact.key.removesuffix(".sparse") + ".dense"
        if fact.key.endswith(".sparse") and dense in facts:
            expected = 2 * facts[dense].value
            if abs(fact.value - expected) > _TOLERANCE * expected:
                yield f"{fact.key}: {fact.value:g} is not twice the dense {facts[dense].value:g}"
        if fact.key.endswith((".sparse", ".dense")) and not fact.convention:
            yield f"{fact.key}: has no convention; write `dense` or `sparse 2:4`"


def _memory(facts: Catalogue) -> Iterator[str]:
    """Memory is stacks times capacity of a stack; makers switch off at most a tenth of it."""
    for fact in facts:
        base = fact.key.removesuffix(".stacks")
        needed = (f"{base}.memory", f"{base}.stack_capacity")
        if fact.key.endswith(".stacks") and all(key in facts for key in needed):
            built = fact.value * facts[needed[1]].value
            usable = facts[needed[0]].value
            if not 0.9 * built <= usable <= built * (1 + _TOLERANCE):
                yield f"{needed[0]}: {usable:g} GB, but the stacks hold {built:g} GB"


def _shares(facts: Catalogue) -> Iterator[str]:
    """Shares of one market lie in 0..1 and add to at most one."""
    total: dict[str, float] = defaultdict(float)
    for fact in facts:
        if market := _market(fact.key):
            total[market] += fact.value
    for market, sum_of_shares in total.items():
        if sum_of_shares > 1 + 1e-9:
            yield f"{market}: shares add to {sum_of_shares:.2f}, more than one"


def _market(key: str) -> str:
    """Market of which a fact is one supplier's share; empty where it is none."""
    market = key.rpartition(".")[0]
    return market if market.endswith(_MARKETS) else ""


def _bounds(facts: Catalogue) -> Iterator[str]:
    """A site uses at least what its machines use, and a share or a yield is between 0 and 1."""
    for fact in facts:
        words = fact.key.split(".")
        if "pue" in words and fact.low < 1:
            yield f"{fact.key}: a power usage effectiveness below 1 is impossible"
        share = _market(fact.key) or {"share", "stack_yield"} & set(words)
        if share and not 0 <= fact.low <= fact.high <= 1:
            yield f"{fact.key}: [{fact.low:g}, {fact.high:g}] is not between 0 and 1"


def _prices(facts: Catalogue) -> Iterator[str]:
    """A price is in money and not below nothing."""
    for fact in facts:
        if fact.kind == "price":
            if dict(parse(fact.unit).dimension).get("money") != 1:
                yield f"{fact.key}: a price in `{fact.unit}`, which is not money per something"
            if fact.low < 0:
                yield f"{fact.key}: a price below zero"


def _servers(facts: Catalogue) -> Iterator[str]:
    """A server draws at least the design power of its accelerators."""
    for fact in facts:
        chip = fact.key.removeprefix("sites.node.")
        if chip != fact.key and f"chips.{chip}.tdp" in facts:
            chip_watts = facts[f"chips.{chip}.tdp"]
            if convert(fact.value, fact.unit, "W/accelerator") < chip_watts.value:
                yield f"{fact.key}: {fact.value:g} W is less than the chip's {chip_watts.value:g} W"


def _dates(facts: Catalogue, today: date) -> Iterator[str]:
    for fact in _all(facts):
        if fact.as_of > today:
            yield f"{fact.key}: dated {fact.as_of}, in the future"


def _same_unit(facts: Catalogue) -> Iterator[str]:
    for fact in facts:
        for other in fact.conflicts:
            if not same_dimension(fact.unit, other.unit):
                yield f"{fact.key}: conflicting values in `{fact.unit}` and `{other.unit}`"


def _all(facts: Catalogue) -> Iterator[Fact]:
    for fact in facts:
        yield fact
        yield from fact.conflicts
