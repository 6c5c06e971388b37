"""`groundup validate --runs [FILE.csv]`: predictions against published measurements."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from groundup.cli.console import Console
from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import ConfigError, GroundupError
from groundup.facts.files import write_text
from groundup.planner.validation.bars import (
    RECORD,
    Bar,
    Regression,
    bars,
    published_file,
    record_text,
    regressions,
)
from groundup.planner.validation.held_out import HeldOut, held_out, render_held_out
from groundup.planner.validation.row import read_rows
from groundup.planner.validation.score import Scores, score_file
from groundup.planner.validation.text import render


class WorseError(GroundupError):
    """Published measurements are predicted worse than they were, or a model broke."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of scoring a table; `--runs` without a file means groundup's own table."""
    parser.add_argument(
        "--runs",
        type=Path,
        nargs="?",
        const=published_file(),
        metavar="FILE.csv",
        help="score a table of measurements (without a file: the one that ships with groundup); "
        "with a stack: folder where its artifacts are kept",
    )
    parser.add_argument(
        "--rows", action="store_true", help="with --json: every row with its prediction"
    )
    parser.add_argument(
        "--worst", type=int, default=0, metavar="N", help="list the N rows with the largest errors"
    )
    parser.add_argument(
        "--hold-out",
        action="store_true",
        help="also predict each source and model with all constants fitted without it",
    )
    parser.add_argument(
        "--strict", action="store_true", help="fail where a goal is missed, in any table"
    )
    parser.add_argument(
        "--record", action="store_true", help="write the scores as the record of later runs"
    )


def validate_runs(arguments: argparse.Namespace) -> None:
    """Score `arguments.runs` and print text, or JSON with `--json`.

    Raises WorseError (after printing) where a group of groundup's own rows is predicted worse than
    recorded, where a model broke, and with `--strict` where a goal is missed; DataError where the
    file is not a table of measurements; ConfigError for `--record` with a table of the user.
    """
    path = Path(arguments.runs if arguments.runs is not None else published_file())
    if arguments.record and path != published_file():
        raise ConfigError(
            f"--record with {path}: only scores of groundup's own table are kept; give no file"
        )
    scores = score_file(path, load_catalogue())
    goals = bars(scores)
    if arguments.record:
        write_text(published_file().with_name(RECORD), record_text(scores))
    worse = () if arguments.record else regressions(scores)
    apart = _held_out(path) if arguments.hold_out else ()
    if arguments.json:
        print(as_json(scores, goals, worse, arguments.rows, apart))
    else:
        print(render(scores, goals, worse, arguments.worst))
        if arguments.hold_out:
            print("\n" + render_held_out(apart))
    _fail(scores, goals, worse, arguments.strict)


def _held_out(path: Path) -> tuple[HeldOut, ...]:
    """Errors with each source held out; it takes as many fits as there are sources."""
    Console().say("fitting all constants once without each source ...")
    return held_out(read_rows(path), load_catalogue())


def as_json(
    scores: Scores,
    goals: tuple[Bar, ...],
    worse: tuple[Regression, ...],
    rows: bool = False,
    apart: tuple[HeldOut, ...] = (),
) -> str:
    """One JSON object of groups, sums, unpredicted rows, goals, regressions, what was held out."""
    found = scores.as_json(rows)
    if apart:
        found["held_out"] = [one.as_json() for one in apart]
    found["bars"] = [bar.as_json() for bar in goals]
    found["regressions"] = [vars(one) for one in worse]
    return json.dumps(found, ensure_ascii=False, allow_nan=False)


def _fail(
    scores: Scores, goals: tuple[Bar, ...], worse: tuple[Regression, ...], strict: bool
) -> None:
    why = []
    if scores.defects:
        why.append(f"{len(scores.defects)} rows broke a model: {scores.defects[0].why}")
    if worse:
        first = worse[0]
        why.append(
            f"{len(worse)} groups are predicted worse than recorded: {first.kind}, "
            f"{first.source}: {first.what}; mend it, or record it with --record"
        )
    missed = [bar.title for bar in goals if bar.passed is False]
    if strict and missed:
        why.append(f"goals missed: {'; '.join(missed)}")
    if why:
        raise WorseError("; ".join(why))
