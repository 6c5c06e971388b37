"""The command that plans twice: `groundup what-if STACK KEY=VALUE ...`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from groundup.cli.console import Console
from groundup.facts.errors import ConfigError
from groundup.stack.load import load_stack
from groundup.stack.stack import Stack

if TYPE_CHECKING:
    from groundup.facts.catalogue import Catalogue
    from groundup.facts.fact import Fact
    from groundup.planner.change import Changes
    from groundup.planner.plan import Plan
    from groundup.planner.what_if import WhatIf

LONGEST = 240
"""Months that are looked at, at most: twenty years."""


def what_if(arguments: argparse.Namespace) -> None:
    """Print what a change moves: cells, totals, binding layer, months."""
    from groundup.cli.plan_commands import write_report
    from groundup.planner.what_if import what_if_json
    from groundup.planner.what_if_figures import what_if_figures
    from groundup.planner.what_if_text import render_what_if

    changed, result = changed_plan(arguments)
    text = json.dumps(what_if_json(result), indent=1) if arguments.json else render_what_if(result)
    print(text)
    if arguments.report is not None:
        write_report(changed, result.after, arguments.report, what_if_figures(result))


def changed_plan(arguments: argparse.Namespace) -> tuple[Stack, WhatIf]:
    """The changed stack, and what the change moves. Raises ConfigError for what cannot be."""
    from groundup.cli.plan_commands import plan_stack
    from groundup.facts.catalogue import load_catalogue
    from groundup.planner.change import overrides, parse_change, sort_changes
    from groundup.planner.what_if import what_if as compare

    _check(arguments)
    stack = load_stack(arguments.stack, arguments.set)
    parsed = [parse_change(text) for text in arguments.change]
    facts = load_catalogue(arguments.seed)
    changes = sort_changes(parsed, stack, facts, arguments.start, arguments.months)
    changed = load_stack(arguments.stack, [*arguments.set, *overrides(changes, stack)])

    def plan(of: Stack, facts: Callable[[Catalogue], Iterable[Fact]] | None) -> Plan:
        return plan_stack(
            of, arguments.runs, arguments.samples, arguments.seed, Console(), changed=facts
        )

    said = _said(arguments, changes)
    return changed, compare(stack, changed, changes, said, plan, arguments.horizon)


def _said(arguments: argparse.Namespace, changes: Changes) -> list[str]:
    """The changes in words; what one supplier loses stands together, with its months."""
    lost: dict[tuple[str, float], list[str]] = {}
    for shock in changes.shocks:
        goods = lost.setdefault((shock.supplier, shock.lost), [])
        goods.append(f"{shock.material} ({shock.step})")
    months = f"in months {arguments.start + 1} to {arguments.start + arguments.months}"
    return [change.text for change in (*changes.stack, *changes.facts)] + [
        f"{supplier} makes {100 * share:.4g} % less {', '.join(goods)} {months}"
        for (supplier, share), goods in lost.items()
    ]


def _check(arguments: argparse.Namespace) -> None:
    for name, least in (("months", 1), ("start", 0), ("horizon", 1)):
        value = getattr(arguments, name)
        if not least <= value <= LONGEST:
            raise ConfigError(f"--{name} {value}: allowed is {least} to {LONGEST} months")
