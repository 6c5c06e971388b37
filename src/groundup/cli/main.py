"""The `groundup` command: one parser, one place where errors become messages."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import groundup.cli.compare_command as compare_command
import groundup.cli.plan_commands as plan_commands
import groundup.cli.run_commands as run_commands
import groundup.cli.search_command as search_command
import groundup.cli.simulate_command as simulate_command
import groundup.cli.validate_runs_command as validate_runs_command
import groundup.cli.what_if_command as what_if_command
from groundup import __version__
from groundup.cli.budget import minutes
from groundup.facts.errors import GateError, GroundupError

EXIT_ERROR, EXIT_GATE, EXIT_INTERRUPTED = 1, 3, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, 1 error, 2 usage, 3 failed gate, 130 Ctrl-C."""
    arguments = _parser().parse_args(argv)
    try:
        arguments.command(arguments)
    except GateError as error:
        print(f"groundup: {error}", file=sys.stderr)
        return EXIT_GATE
    except GroundupError as error:
        print(f"groundup: {error}", file=sys.stderr)
        return EXIT_ERROR
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output went away, as `| head` does
        return EXIT_ERROR
    except KeyboardInterrupt:
        print("\ngroundup: stopped; the same command goes on from here", file=sys.stderr)
        return EXIT_INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="groundup",
        description="The AI stack from the ground up: one stack file, planned and really built.",
    )
    parser.add_argument("--version", action="version", version=f"groundup {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")
    _plan_parsers(commands)
    _run_parsers(commands)
    return parser


def _plan_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    init = commands.add_parser("init", help="write a commented stack file")
    init.add_argument("file", type=Path, nargs="?", default=Path("stack.toml"))
    init.add_argument("--force", action="store_true", help="replace a file that exists")
    init.set_defaults(command=plan_commands.init)

    plan = commands.add_parser("plan", help="price a stack at every layer")
    _stack_arguments(plan)
    _sampling_arguments(plan)
    _report_argument(plan)
    plan.set_defaults(command=plan_commands.plan)

    what_if = commands.add_parser("what-if", help="what a change of a fact or a key moves")
    _stack_arguments(what_if)
    what_if.add_argument(
        "change",
        nargs="+",
        metavar="KEY=VALUE",
        help="a fact or a key of the stack file: KEY=8, KEY=x2 or KEY=-90%%; a supplier of a "
        "material (materials.gallium.refining.china=-90%%) is lost for --months",
    )
    what_if.add_argument("--months", type=int, default=12, help="how long a supplier is lost (12)")
    what_if.add_argument("--start", type=int, default=0, help="months after the order (0)")
    what_if.add_argument("--horizon", type=int, default=60, help="months to look at (60)")
    _report_argument(what_if)
    _sampling_arguments(what_if)
    what_if.set_defaults(command=what_if_command.what_if)

    compare = commands.add_parser("compare", help="two stacks side by side, and what differs why")
    compare.add_argument("stack", type=Path, help="first stack file")
    compare.add_argument("other", type=Path, help="second stack file")
    _set_argument(compare)
    compare.add_argument(
        "--set-other",
        action="append",
        default=[],
        metavar="TABLE.KEY=VALUE",
        help="set a key of the second stack only (may be repeated)",
    )
    _report_argument(compare)
    _sampling_arguments(compare)
    compare.set_defaults(command=compare_command.compare)

    tornado = commands.add_parser("tornado", help="which assumptions move a result, and how far")
    _stack_arguments(tornado)
    tornado.add_argument(
        "cell",
        nargs="*",
        help="cells of the plan (totals.usd_training, ...); the headlines without",
    )
    tornado.add_argument("--top", type=int, default=12, help="most assumptions to show (12)")
    _sampling_arguments(tornado)
    tornado.set_defaults(command=compare_command.tornado)

    explain = commands.add_parser("explain", help="show where a cell of the plan comes from")
    _stack_arguments(explain)
    explain.add_argument("cell", help="layer.quantity, e.g. sites.power or training.needs")
    _sampling_arguments(explain)
    explain.set_defaults(command=plan_commands.explain)

    calibrate = commands.add_parser("calibrate", help="measure this machine")
    calibrate.add_argument(
        "--seconds", type=float, default=50.0, help="time to spend (default 50; 5 is the least)"
    )
    _output_arguments(calibrate)
    calibrate.set_defaults(command=plan_commands.calibrate)

    search = commands.add_parser("search", help="the best layouts to train a stack's model")
    _stack_arguments(search)
    search_command.add_arguments(search)
    _output_arguments(search)
    search.set_defaults(command=search_command.search)

    simulate = commands.add_parser("simulate", help="what the users of a served stack wait")
    _stack_arguments(simulate)
    simulate_command.add_arguments(simulate)
    _runs_argument(simulate)
    simulate.set_defaults(command=simulate_command.simulate)

    _validate_parser(commands)


def _validate_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`validate STACK [--runs DIR]` or `validate --runs [FILE.csv]`."""
    validate = commands.add_parser(
        "validate", help="predicted against measured: after a run, or of published measurements"
    )
    validate.add_argument(
        "stack", type=Path, nargs="?", help="stack file whose newest run is compared"
    )
    _set_argument(validate)
    validate_runs_command.add_arguments(validate)
    validate.add_argument("--json", action="store_true", help="print one JSON object")
    validate.set_defaults(command=plan_commands.validate)


def _run_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    for name, text in (
        ("run", "build the stack: documents to a release that passed its gates"),
        ("up", "plan, build and serve"),
    ):
        build = commands.add_parser(name, help=text)
        _stack_arguments(build)
        _build_arguments(build)
        _output_arguments(build)
        build.set_defaults(command=getattr(run_commands, name))
    commands.choices["up"].add_argument("--port", type=int, help="port to listen on")

    serve = commands.add_parser("serve", help="serve the promoted release")
    _stack_arguments(serve)
    _output_arguments(serve)
    serve.add_argument("--port", type=int, help="port to listen on")
    serve.set_defaults(command=run_commands.serve)

    chat = commands.add_parser("chat", help="talk to the promoted release in the terminal")
    _stack_arguments(chat)
    _output_arguments(chat)
    chat.add_argument("--url", help="address of a running server; without it the release is opened")
    chat.set_defaults(command=run_commands.chat)

    ask = commands.add_parser("ask", help="one question, one answer")
    _stack_arguments(ask)
    ask.add_argument("question")
    ask.add_argument("--url", help="address of a running server; without it the release is opened")
    _output_arguments(ask)
    ask.set_defaults(command=run_commands.ask)

    evaluate = commands.add_parser("eval", help="show the evaluations and gates of the newest run")
    _stack_arguments(evaluate)
    _output_arguments(evaluate)
    evaluate.set_defaults(command=run_commands.evaluate)

    lineage = commands.add_parser("lineage", help="the way from an artifact back to its sources")
    lineage.add_argument("artifact", help="a step, `<step>-<key>`, part of a key, or a path")
    _output_arguments(lineage)
    lineage.set_defaults(command=run_commands.lineage)

    export = commands.add_parser("export", help="copy out the model, or feedback as preferences")
    _stack_arguments(export)
    export.add_argument("what", choices=("model", "int8", "encoder", "feedback"))
    export.add_argument("to", type=Path, help="directory (model) or JSONL file (feedback)")
    _output_arguments(export)
    export.set_defaults(command=run_commands.export)


def _stack_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("stack", type=Path, help="stack file, e.g. stacks/laptop.toml")
    _set_argument(parser)


def _set_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="TABLE.KEY=VALUE",
        help="set a key of the stack file, e.g. chips.count=8 (may be repeated)",
    )


def _report_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--report", type=Path, metavar="FILE.html", help="also write the plan as one page"
    )


def _sampling_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--samples", type=int, default=2000, help="Monte Carlo samples")
    parser.add_argument("--seed", type=int, default=0, help="seed of the samples")
    _output_arguments(parser)


def _output_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    _runs_argument(parser)


def _runs_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--runs", type=Path, default=Path("runs"), help="where artifacts are kept (default runs)"
    )


def _build_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--budget", type=minutes, metavar="TIME", help="training time, e.g. 5m, 90s or 1h"
    )
    parser.add_argument(
        "--docs",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="add a folder of your own documents (may be repeated)",
    )
    parser.add_argument(
        "--only-docs", action="store_true", help="leave Python out: only the folders of --docs"
    )


if __name__ == "__main__":
    sys.exit(main())
