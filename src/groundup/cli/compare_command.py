"""The commands that set plans against each other: `groundup compare` and `groundup tornado`."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from groundup.cli.console import Console
from groundup.facts.errors import ConfigError
from groundup.stack.load import load_stack
from groundup.stack.stack import Stack

if TYPE_CHECKING:
    from groundup.planner.plan import Plan


def compare(arguments: argparse.Namespace) -> None:
    """Print two stacks side by side, and how one becomes the other."""
    from groundup.cli.plan_commands import plan_stack, write_report
    from groundup.planner.compare import (
        compare_figures,
        compare_json,
        compare_stacks,
        render_compare,
    )

    first = load_stack(arguments.stack, arguments.set)
    second = load_stack(arguments.other, [*arguments.set, *arguments.set_other])

    def plan(stack: Stack, samples: int) -> Plan:
        return plan_stack(stack, arguments.runs, samples, arguments.seed, Console())

    found = compare_stacks(first, second, plan, arguments.samples)
    if arguments.json:
        print(json.dumps(compare_json(found), indent=1))
    else:
        print(render_compare(found))
    if arguments.report is not None:
        title = f"{found.second.stack} against {found.first.stack}"
        figures = compare_figures(found)
        write_report(second, found.second, arguments.report, figures, title=title)


def tornado(arguments: argparse.Namespace) -> None:
    """Print which assumptions move a result of the plan, and how far."""
    from groundup.cli.plan_commands import planned, replanner
    from groundup.planner.tornado import HEADLINES, render_tornado, tornado_json, tornados

    if arguments.top < 1:
        raise ConfigError(f"--top {arguments.top}: allowed is 1 or more assumptions")
    if arguments.samples < 100:
        raise ConfigError(
            f"--samples {arguments.samples}: what matters is found from the draws; take 100 or more"
        )
    stack, made = planned(arguments)
    cells = tuple(arguments.cell) or tuple(
        name for name in HEADLINES if name.removeprefix("totals.") in made.totals
    )
    found = tornados(made, replanner(stack, arguments), cells, arguments.top)
    if arguments.json:
        print(json.dumps([tornado_json(one) for one in found], indent=1))
    else:
        print("\n\n".join(render_tornado(one) for one in found))
