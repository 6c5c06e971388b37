"""The commands that calculate: init, plan, explain, calibrate, validate."""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundup.cli.console import Console
from groundup.facts.errors import ArtifactError, ConfigError
from groundup.facts.files import write_text
from groundup.stack.load import load_stack
from groundup.stack.stack import Stack
from groundup.stack.template import template

if TYPE_CHECKING:
    from groundup.chips.this_machine import Machine
    from groundup.facts.catalogue import Catalogue
    from groundup.facts.estimate import Array
    from groundup.facts.fact import Fact
    from groundup.facts.figures import Figure
    from groundup.planner.plan import Plan
    from groundup.planner.tornado import Replan

THIS_MACHINE = "this-machine"
_BUSY = 0.25
"""Load a core above which a calibration cannot be repeated within some per cent."""


def init(arguments: argparse.Namespace) -> None:
    """Write a commented stack file; never over one that exists unless told so."""
    path: Path = arguments.file
    if path.exists() and not arguments.force:
        raise ConfigError(f"{path}: exists already; name another file, or say --force")
    if not path.parent.is_dir():
        raise ConfigError(f"{path}: there is no folder {path.parent}")
    path.write_text(template(path.stem), encoding="utf-8")
    print(
        f"wrote {path}\nnext: groundup plan {path}   (price it)\n"
        f"      groundup up {path}     (build and serve it)"
    )


def plan(arguments: argparse.Namespace) -> None:
    """Print the plan of a stack as a table or as JSON."""
    from groundup.planner.table import render_table
    from groundup.planner.to_json import plan_json

    stack, made = planned(arguments)
    if arguments.json:
        print(json.dumps(plan_json(made), indent=1))
    else:
        print(render_table(made, width=max(100, shutil.get_terminal_size((120, 24)).columns)))
    if arguments.report is not None:
        write_report(stack, made, arguments.report, replan=replanner(stack, arguments))


def explain(arguments: argparse.Namespace) -> None:
    """Print where one cell of the plan comes from."""
    from groundup.planner.explain_cell import explain_cell, explain_cell_json

    made = plan_of(arguments)
    if arguments.json:
        print(json.dumps(explain_cell_json(made, arguments.cell), indent=1))
    else:
        print(explain_cell(made, arguments.cell))


def calibrate(arguments: argparse.Namespace) -> None:
    """Measure this machine and keep the measurement for later plans."""
    machine = measure_machine(arguments.runs, arguments.seconds, Console())
    path = machine_file(arguments.runs)
    if arguments.json:
        print(path.read_text(encoding="utf-8"))
        return
    for fact in machine.facts():
        print(f"{fact.key:45} {fact.value:>12.4g} [{fact.low:.4g}, {fact.high:.4g}] {fact.unit}")
    for what, why in machine.skipped.items():
        print(f"not measured: {what} ({why})")
    if machine.load > _BUSY:
        print(
            f"other programs took {100 * machine.load:.0f} % of the cores: the readings are those "
            "of a busy machine; measure again when it is idle"
        )
    print(f"kept in {path}; `groundup plan` uses it for `{THIS_MACHINE}`")


def validate(arguments: argparse.Namespace) -> None:
    """Print predicted against measured: of a stack's newest run, or of a table of measurements."""
    from groundup.cli.validate_runs_command import validate_runs
    from groundup.pipeline.report import comparison

    if arguments.stack is None and arguments.runs is None:
        raise ConfigError(
            "validate: name a stack file whose newest run is compared (groundup validate "
            "stacks/laptop.toml), or --runs for published measurements (groundup validate --runs)"
        )
    if arguments.stack is None:
        validate_runs(arguments)
        return
    stack = load_stack(arguments.stack, arguments.set)
    table = comparison(arguments.runs or Path("runs"), stack.name)
    print(json.dumps(table.rows(), indent=1) if arguments.json else table.text())


def plan_of(arguments: argparse.Namespace) -> Plan:
    """The plan that the arguments of a command ask for."""
    return planned(arguments)[1]


def planned(arguments: argparse.Namespace) -> tuple[Stack, Plan]:
    """The stack that the arguments name, and its plan."""
    stack = load_stack(arguments.stack, arguments.set)
    made = plan_stack(stack, arguments.runs, arguments.samples, arguments.seed, Console())
    return stack, made


def replanner(stack: Stack, arguments: argparse.Namespace) -> Callable[[Mapping[str, Array]], Plan]:
    """Plans the stack again with given draws of some facts, all others nominal."""

    def replan(draws: Mapping[str, Array]) -> Plan:
        count = max((len(drawn) for drawn in draws.values()), default=1) - 1
        return plan_stack(stack, arguments.runs, count, arguments.seed, Console(), draws=draws)

    return replan


def write_report(
    stack: Stack,
    made: Plan,
    path: Path,
    extra: tuple[Figure, ...] = (),
    replan: Replan | None = None,
    title: str = "What if",
) -> None:
    """Write the plan's page, whole or not at all; raises ArtifactError where it cannot be."""
    from groundup.planner.report.build import report_of

    try:
        write_text(path, report_of(stack, made, extra, replan, title))
    except OSError as error:
        raise ArtifactError(
            f"{path}: cannot be written ({error.strerror}); choose another file with --report"
        ) from error
    Console().say(f"wrote {path}: the plan as one page, figures and sources in it")


def plan_stack(
    stack: Stack,
    runs: Path,
    samples: int,
    seed: int,
    console: Console,
    changed: Callable[[Catalogue], Iterable[Fact]] | None = None,
    draws: Mapping[str, Array] | None = None,
) -> Plan:
    """Plan a stack; `this-machine` is measured once and kept under `runs`.

    `changed` gives facts to plan with instead of the recorded ones, `draws` their draws.
    """
    from groundup.planner.passes import make_plan

    if samples < 0:
        raise ConfigError(f"--samples {samples}: allowed is 0 (a point) or more")
    if stack.chips.accelerator != THIS_MACHINE:
        return make_plan(stack, samples, seed, changed=changed, draws=draws)
    machine = known_machine(runs) or measure_machine(runs, 12.0, console)
    known = _measured_training(runs)
    return make_plan(stack, samples, seed, machine, changed=changed, draws=draws, **known)


def _measured_training(runs: Path) -> dict[str, Any]:
    """The measured training speeds of an earlier run, where there is one."""
    from groundup.pipeline.report import newest_calibration

    calibration = newest_calibration(runs)
    return {} if calibration is None else {"calibration": calibration}


def machine_file(runs: Path) -> Path:
    """Where the measurement of this machine is kept."""
    return runs / "machine.json"


def known_machine(runs: Path) -> Machine | None:
    """The kept measurement of this machine, if any."""
    from groundup.chips.this_machine import load

    path = machine_file(runs)
    return load(path) if path.exists() else None


def measure_machine(runs: Path, seconds: float, console: Console) -> Machine:
    """Measure this machine and keep the result; raises ArtifactError when it cannot be kept.

    The place is tried before the time is spent.
    """
    from groundup.chips.this_machine import measure

    path = machine_file(runs)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise _unwritable(path, error) from error
    console.say(f"measuring this machine once ({seconds:g} s) ...")
    machine = measure(seconds, console.progress("calibrate"))
    try:
        machine.save(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    return machine


def _unwritable(path: Path, error: OSError) -> ArtifactError:
    return ArtifactError(
        f"{path}: cannot be written ({error.strerror}); choose another place with --runs DIR"
    )
