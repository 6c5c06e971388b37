"""The commands that build and serve: run, up, serve, chat, ask, eval, lineage, export."""

from __future__ import annotations

import argparse
import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundup.cli import plan_commands
from groundup.cli.console import Console
from groundup.facts.errors import ArtifactError, ConfigError
from groundup.stack.load import load_stack
from groundup.stack.stack import Stack

if TYPE_CHECKING:
    from groundup.apps.talk import Talk
    from groundup.pipeline.build import Built
    from groundup.planner.plan import Plan

PLAN_SAMPLES = 1000


def run(arguments: argparse.Namespace) -> None:
    """Build the stack of the arguments and say what was predicted and measured."""
    _run(arguments, _stack(arguments), Console())


def up(arguments: argparse.Namespace) -> None:
    """Plan, build and serve."""
    stack, console = _stack(arguments), Console()
    _run(arguments, stack, console)
    _serve(stack, arguments, console)


def serve(arguments: argparse.Namespace) -> None:
    """Serve what was promoted before."""
    _serve(load_stack(arguments.stack, arguments.set), arguments, Console())


def chat(arguments: argparse.Namespace) -> None:
    """Talk in the terminal with a server, or with the release opened here."""
    from groundup.apps.terminal import chat as converse

    converse(_talk(arguments))


def ask(arguments: argparse.Namespace) -> None:
    """Print one answer with its citations; with --json the whole answer and its receipt."""
    extra: dict[str, Any] = {}
    pieces: list[str] = []
    for part in _talk(arguments).ask(arguments.question, []):
        if isinstance(part, str):
            pieces.append(part)
        else:
            extra = part
    if arguments.json:
        answer = {"question": arguments.question, "answer": "".join(pieces), **extra}
        print(json.dumps(answer, indent=1))
        return
    print("".join(pieces).rstrip())
    for number, citation in enumerate(extra.get("citations", []), 1):
        print(f"[{number}] {_place(citation)}")


def evaluate(arguments: argparse.Namespace) -> None:
    """Print the evaluation report and the gates of the newest run."""
    from groundup.middleware.gates import check, describe
    from groundup.pipeline.manifest import read_manifest
    from groundup.pipeline.release import gate_report
    from groundup.pipeline.report import read_record

    stack = load_stack(arguments.stack, arguments.set)
    home = arguments.runs / stack.name
    paths = read_record(arguments.runs, stack.name)["artifacts"]
    manifests = {step: read_manifest(home / path) for step, path in paths.items()}
    gates = check(gate_report(manifests), stack.gates)
    folder = home / paths["evaluate"]
    if arguments.json:
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        print(json.dumps({"gates": [asdict(gate) for gate in gates], **report}, indent=1))
        return
    print((folder / "report.md").read_text(encoding="utf-8"))
    print(describe(gates, str(folder / "report.json")))


def lineage(arguments: argparse.Namespace) -> None:
    """Print the way from an artifact back to its sources."""
    from groundup.pipeline import lineage as trees
    from groundup.pipeline.store import Store

    if not arguments.runs.is_dir():
        raise ArtifactError(f"{arguments.runs}: no such folder; `groundup run` makes artifacts")
    tree = trees.lineage(Store(arguments.runs), arguments.artifact)
    print(json.dumps(tree, indent=1) if arguments.json else trees.render(tree))


def export(arguments: argparse.Namespace) -> None:
    """Copy a trained model out, or write feedback as preference data."""
    stack = load_stack(arguments.stack, arguments.set)
    to: Path = arguments.to
    if to.exists():
        raise ConfigError(f"{to}: exists already; name a place that does not")
    if arguments.what == "feedback":
        from groundup.apps.feedback import export_preferences

        count = export_preferences(_state(arguments.runs, stack), to)
        print(f"{count} preferences in {to} (JSON Lines in TRL's form)")
        return
    from groundup.pipeline.report import artifact

    step = {"model": "sft", "int8": "quantise", "encoder": "retriever"}[arguments.what]
    shutil.copytree(artifact(arguments.runs, stack.name, step), to)
    print(f"copied the {arguments.what} of {stack.name} to {to}")


def _stack(arguments: argparse.Namespace) -> Stack:
    """The stack file with --budget, --docs and --only-docs applied."""
    stack = load_stack(arguments.stack, arguments.set)
    _check_buildable(stack)
    if arguments.budget is not None:
        recipes = replace(stack.recipes, budget_minutes=arguments.budget)
        stack = replace(stack, recipes=recipes)
    if arguments.docs or arguments.only_docs:
        for folder in arguments.docs:
            if not folder.is_dir():
                found = "is a file" if folder.exists() else "no such folder"
                raise ConfigError(f"--docs {folder}: {found}; give a folder of documents")
        docs = (*stack.data.docs, *(str(folder) for folder in arguments.docs))
        data = replace(stack.data, docs=docs, python=stack.data.python and not arguments.only_docs)
        stack = replace(stack, data=data)
    return stack


def _check_buildable(stack: Stack) -> None:
    """ConfigError for a stack that can be planned but not built on this machine."""
    if stack.models.published:
        raise ConfigError(
            f"{stack.path}: models.published = {stack.models.published!r} is planned only; to "
            "build here, take it out and leave the sizes to the budget, or state models.layers, ..."
        )
    if stack.chips.accelerator != plan_commands.THIS_MACHINE:
        raise ConfigError(
            f"{stack.path}: chips.accelerator = {stack.chips.accelerator!r} is planned only; "
            f"`run` and `up` build here: set chips.accelerator = {plan_commands.THIS_MACHINE!r}"
        )


def _run(arguments: argparse.Namespace, stack: Stack, console: Console) -> None:
    from groundup.pipeline.build import build
    from groundup.pipeline.report import comparison
    from groundup.planner.table import summary

    plan = plan_commands.plan_stack(stack, arguments.runs, PLAN_SAMPLES, 0, console)
    console.say(f"plan of {stack.name}: {summary(plan)}")
    console.say(f"(`groundup plan {stack.path}` shows all fourteen layers)")
    machine = plan_commands.known_machine(arguments.runs)
    if machine is None:
        machine = plan_commands.measure_machine(arguments.runs, 12.0, console)
    built = build(stack, arguments.runs, plan, machine, console)
    table = comparison(arguments.runs, stack.name)
    if arguments.json:
        print(json.dumps(_told(plan, built) | {"validate": table.as_json()}, indent=1))
    else:
        console.say("\npredicted against measured:")
        console.say(table.text())


def _told(plan: Plan, built: Built) -> dict[str, Any]:
    return {
        "stack": plan.stack,
        "artifacts": {name: str(item.directory) for name, item in built.made.items()},
        "metrics": {name: dict(item.manifest.metrics) for name, item in built.made.items()},
        "gates": [asdict(gate) for gate in built.gates],
    }


def _serve(stack: Stack, arguments: argparse.Namespace, console: Console) -> None:
    from groundup.apps.run import serve as listen

    home = _promoted(arguments.runs, stack)
    config = stack.apps
    if arguments.port is not None:
        config = replace(config, port=arguments.port)

    def ready(address: str) -> None:
        if arguments.json:
            print(json.dumps({"address": address}), flush=True)
        else:
            print(f"\n{stack.apps.title} is up: {address}   (Ctrl-C stops it)", flush=True)

    console.say("loading the release ...")
    listen(
        home,
        config,
        ready,
        state_dir=_state(arguments.runs, stack),
        fixed_port=arguments.port is not None,
        frameworks=stack.frameworks,
        energy=stack.systems.energy,
    )


def _talk(arguments: argparse.Namespace) -> Talk:
    url = getattr(arguments, "url", None)
    if url:
        from groundup.apps.talk import RemoteTalk

        return RemoteTalk(url)
    from groundup.apps.current import open_good
    from groundup.apps.load import load_service
    from groundup.apps.talk import LocalTalk

    stack = load_stack(arguments.stack, arguments.set)
    release = open_good(_promoted(arguments.runs, stack))
    return LocalTalk(load_service(release, stack.frameworks, stack.systems.energy))


def _promoted(runs: Path, stack: Stack) -> Path:
    from groundup.pipeline.promote import read_current

    home = runs / stack.name
    if read_current(home) is None:
        raise ArtifactError(
            f"{home}: nothing was promoted yet; `groundup run {stack.path}` builds it"
        )
    return home


def _state(runs: Path, stack: Stack) -> Path:
    """Where the server keeps what people tell it."""
    return runs / stack.name / "state"


def _place(citation: dict[str, Any]) -> str:
    start, end = citation["start_line"], citation["end_line"]
    lines = f"{start}" if start == end else f"{start}-{end}"
    return f"{citation.get('path') or citation['uri']}:{lines}"
