"""The command that searches: `groundup search STACK`, the best layouts to train its model."""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from groundup.cli.console import Console
from groundup.facts.check import in_range
from groundup.facts.errors import ConfigError
from groundup.stack.load import load_stack

if TYPE_CHECKING:
    from groundup.planner.layouts import Question
    from groundup.training.search import Found, Searched

OBJECTIVES = ("time", "cost", "tokens-per-usd")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this command beside the stack's."""
    parser.add_argument(
        "--objective", choices=OBJECTIVES, default="time", help="what is best (time)"
    )
    parser.add_argument(
        "--headroom", type=float, default=0.08, help="share of memory that stays free (0.08)"
    )
    parser.add_argument(
        "--accelerators", default="", metavar="N", help="N, N,M or A-B; the stack's without it"
    )
    parser.add_argument("--deadline", type=float, metavar="DAYS", help="days the run may take")
    parser.add_argument("--top", type=int, default=20, help="layouts to show (20)")


def search(arguments: argparse.Namespace) -> None:
    """Print the best layouts under the constraints, how many were looked at, what would help."""
    from groundup.cli.plan_commands import THIS_MACHINE, plan_stack
    from groundup.planner.layouts import question

    _check(arguments)
    stack = load_stack(arguments.stack, arguments.set)
    if stack.chips.accelerator == THIS_MACHINE:
        raise ConfigError(
            f"{arguments.stack}: chips.accelerator = {THIS_MACHINE!r} trains on one machine, which "
            "has no layouts to search; set chips.accelerator and chips.count to a cluster's"
        )
    plan = plan_stack(stack, arguments.runs, 0, 0, Console())
    asked = question(stack, plan, arguments.headroom, arguments.accelerators, arguments.deadline)
    result, seconds = _timed(asked, arguments)
    if not result.found:
        raise ConfigError(_nothing(asked, result))
    print(_json(asked, result, seconds) if arguments.json else _text(asked, result, seconds))


def _timed(asked: Question, arguments: argparse.Namespace) -> tuple[Searched, float]:
    from groundup.training.search import searched

    began = time.process_time()
    result = searched(
        asked.work, asked.cluster, asked.laws, asked.constraints, arguments.objective, arguments.top
    )
    return result, time.process_time() - began


def _text(asked: Question, result: Searched, seconds: float) -> str:
    from groundup.planner.layouts import front_lines, gains_text, looked_text, table
    from groundup.training.search import point

    room = float(point(asked.cluster).memory)
    lines = [
        table(result.found, room),
        "",
        looked_text(result.looked, result.fitting, seconds),
        gains_text(_gains(asked, result)),
    ]
    return "\n".join([*lines, *front_lines(_front(asked))])


def _json(asked: Question, result: Searched, seconds: float) -> str:
    from groundup.planner.layouts import found_json

    return json.dumps(
        {
            "found": [found_json(one, rank) for rank, one in enumerate(result.found, 1)],
            "looked": result.looked,
            "fitting": result.fitting,
            "cpu_seconds": seconds,
            "faster": _gains(asked, result),
            "front": [found_json(one, rank) for rank, one in enumerate(_front(asked), 1)],
        },
        indent=1,
    )


def _gains(asked: Question, result: Searched) -> dict[str, float]:
    """What doubling parts of the machine does for the best number of accelerators."""
    from groundup.training.search import faster

    best = replace(asked.constraints, accelerators=(result.found[0].accelerators,))
    return faster(asked.work, asked.cluster, asked.laws, best)


def _front(asked: Question) -> tuple[Found, ...]:
    """Days against dollars, where the number of accelerators is free and has a price."""
    from groundup.training.search import front

    if len(asked.constraints.accelerators) < 2 or asked.constraints.usd_per_hour is None:
        return ()
    return front(asked.work, asked.cluster, asked.laws, asked.constraints)


def _nothing(asked: Question, result: Searched) -> str:
    """Why nothing was found: no layout divides, none is quick enough, or none fits into memory."""
    from groundup.planner.layouts import without_room
    from groundup.training.search import searched

    wanted = asked.constraints
    counts = ", ".join(str(count) for count in wanted.accelerators)
    if result.looked == 0:
        return (
            f"search: no layout of {counts} accelerators divides a batch of {wanted.batch} "
            "sequences; change training.batch_tokens, or --accelerators"
        )
    loose = searched(asked.work, asked.cluster, asked.laws, without_room(wanted), top=1)
    if loose.found and wanted.deadline_days is not None:
        return (
            f"search: the fastest of {result.looked:,} layouts takes {loose.found[0].days:.1f} "
            f"days, --deadline {wanted.deadline_days:g} cannot be met with {counts} accelerators"
        )
    if loose.found:
        share = loose.found[0].memory_share
        return (
            f"search: none of {result.looked:,} layouts leaves {100 * wanted.headroom:g} % of the "
            f"memory free; the fastest that fits at all fills {100 * share:.0f} %; lower --headroom"
        )
    return (
        f"search: none of {result.looked:,} layouts on {counts} accelerators fits into memory; "
        "raise chips.count or --accelerators"
    )


def _check(arguments: argparse.Namespace) -> None:
    in_range("--headroom", arguments.headroom, 0.0, 0.95)
    in_range("--top", arguments.top, 1, 10_000)
    if arguments.deadline is not None:
        in_range("--deadline", arguments.deadline, 1e-3)
