"""Claim: training memory is within 8 % of what was published, a million layouts a CPU-second.

The peers are the published peaks and parts (tests/data/train_memory.csv), the plain formulas that
calculators use (states and kept activations alone), the simulated pipelines, and the cards that
published layouts ran on; calculon where $CALCULON names a checkout of it. Nothing is fitted, so
every source is held out.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
from _common import Options, Result, agree, compare, print_machine, run

from groundup.facts.catalogue import Catalogue, load_catalogue
from groundup.facts.errors import NoDataError
from groundup.models.published import published
from groundup.models.workload import work_of
from groundup.planner.validation.groups import publisher_of
from groundup.planner.validation.memory import card_of, predict
from groundup.planner.validation.memory_row import case_of
from groundup.planner.validation.model import architecture_of_row
from groundup.planner.validation.row import Row, read_rows
from groundup.training.layout import Layout
from groundup.training.memory import memory, total
from groundup.training.pipeline import idle, in_flight
from groundup.training.states import formats_of
from groundup.training.timeline import Durations, idle_of, peak_in_flight, timeline

DATA = Path(__file__).resolve().parents[1] / "tests" / "data"
ALLOWED = 0.08
CHUNK = 20_000
"""Layouts at a time: what stays in a core's cache."""


def errors(rows: Sequence[Row], facts: Catalogue) -> dict[str, list[float]]:
    """Relative error of every row by publisher and system, and how many intervals hold it."""
    found: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        said, measured = predict(row, facts), float(row.value)
        error = abs(said.value / measured - 1)
        found["all"].append(error)
        found["inside"].append(float(said.low <= measured <= said.high))
        found[f"{publisher_of(row.source)} {row.hardware}"].append(error)
    return found


def plain(rows: Sequence[Row], facts: Catalogue) -> list[float]:
    """Errors of states and kept activations alone, the count of most calculators."""
    found = []
    for row in rows:
        if not row.metric.startswith("peak"):
            continue
        case = case_of(row, facts)
        parts = memory(work_of(architecture_of_row(row)), case.layout, case.formats)
        size = float(parts.states + parts.activations) / (2**30 if row.unit == "GiB" else 1e9)
        found.append(abs(size / float(row.value) - 1))
    return found


def fits(facts: Catalogue) -> list[float]:
    """Predicted over existing memory of published layouts that state their recomputation.

    All of them ran, with micro-batches chosen as large as fits: none may exceed 1, few are small.
    """
    table = DATA / "train_throughput.csv"
    found = []
    for row in read_rows(table) if table.exists() else ():
        if not row.recompute:
            continue
        try:
            case, card = case_of(row, facts), card_of(row, facts)
            held = memory(work_of(architecture_of_row(row)), case.layout, case.formats)
        except NoDataError:
            continue
        if card is not None:
            found.append(float(held.total) / card)
    return found


def calculon() -> list[float]:
    """Errors that calculon prints of the same twelve rows; none without a checkout at $CALCULON."""
    folder = os.environ.get("CALCULON", "")
    if not folder:
        return []
    environment = {**os.environ, "PYTHONPATH": folder + ":" + os.environ.get("PYTHONPATH", "")}
    command = [sys.executable, f"{folder}/bin/calculon", "llm-validation"]
    text = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    ).stdout
    first = text.split("seq,,,|,sel")[0]  # figure 1; figure 7 repeats its activations as shares
    found = []
    for line in first.splitlines():
        cells = line.split(",")
        if len(cells) > 8 and cells[0].split("-")[0] in ("megatron", "gpt3", "turing"):
            shares = [abs(float(cell.rstrip("%"))) / 100 for cell in cells if cell.endswith("%")]
            found += shares[: 1 if cells[2:5] == cells[6:9] else 2]  # states stand there twice
    return found


def check_pipelines() -> None:
    """Closed forms against schedules run block by block."""
    waits, kept = 0.0, 0.0
    for kind, virtual in ((0, 1), (0, 2), (0, 4), (1, 1), (2, 1), (3, 1)):
        for ranks in (2, 4, 8):
            count = 4 * ranks
            each = Durations.even(ranks * virtual, *[1.0 / virtual] * 3)
            passes = timeline(kind, ranks, count, each, virtual)
            one = Layout(
                accelerators=np.asarray(float(ranks)), sequence=np.ones(()),
                batch=np.asarray(float(count)), pipeline=np.asarray(float(ranks)),
                virtual=np.asarray(float(virtual)), schedule=np.asarray(float(kind)),
            )  # fmt: skip
            waits = max(waits, abs(float(idle(one, *[np.ones(())] * 3)) - idle_of(passes).max()))
            kept = max(kept, abs(float(in_flight(one)) - peak_in_flight(passes, 0, virtual)))
    agree("seconds that pipelines wait, closed form and simulation", waits, 1e-9)
    agree("micro-batches in flight, closed form and simulation", kept, 1e-9)


def layouts_per_second(facts: Catalogue, count: int, model: str) -> float:
    """Layouts whose memory one core finds in a CPU-second."""
    draw = np.random.default_rng(0)
    choices = {
        "microbatch": (1, 2, 4), "tensor": (1, 2, 4, 8), "pipeline": (1, 2, 4, 8, 16),
        "virtual": (1, 2), "schedule": (0, 1), "context": (1, 2, 4), "expert": (1, 8),
        "sharding": (0, 1, 2, 3), "recompute": (0, 1, 2, 3),
    }  # fmt: skip
    numbers = {name: draw.choice(np.asarray(some, float), count) for name, some in choices.items()}
    fixed = {"accelerators": 16384.0, "sequence": 8192.0, "batch": 4096.0}
    grid = Layout(**{name: np.asarray(value) for name, value in fixed.items()}, **numbers)
    work, formats = work_of(published(model)), formats_of("megatron-adam", facts, "megatron")
    start = time.process_time()
    for first in range(0, count, CHUNK):
        part = {
            field.name: getattr(grid, field.name)[first : first + CHUNK]
            for field in fields(Layout)
            if getattr(grid, field.name).ndim
        }
        total(work, replace(grid, **part), formats)
    return count / (time.process_time() - start)


def measure(chosen: Options) -> list[Result]:
    """Agreement first, then errors, cards and speed."""
    facts = load_catalogue()
    print_machine(["groundup", "numpy"])
    check_pipelines()
    rows = read_rows(DATA / "train_memory.csv")
    found = errors(rows, facts)
    for name, some in found.items():
        if name not in ("all", "inside"):
            print(f"{name}: {len(some)} rows, median error {np.median(some):.1%}, held out")
    print(f"90 % quantile {np.quantile(found['all'], 0.9):.1%}; in the 90 % interval "
          f"{np.mean(found['inside']):.0%} of {len(rows)}")  # fmt: skip
    shares = fits(facts)
    results = [
        compare("median error of published memory", "1", [float(np.median(found["all"]))],
                [ALLOWED]),
        compare("median error of published peaks, against states and activations alone", "1",
                [float(np.median([e for row, e in zip(rows, found["all"], strict=True)
                                  if row.metric.startswith("peak")]))],
                [float(np.median(plain(rows, facts)))]),
    ]  # fmt: skip
    theirs = calculon()
    if theirs:
        ours = [e for row, e in zip(rows, found["all"], strict=True) if "2205.05198" in row.source]
        print(f"calculon on {len(theirs)} of the {len(ours)} rows of arXiv 2205.05198")
        results.append(
            compare("mean error of Korthikanti's memory, against calculon", "1",
                    [float(np.mean(ours))], [float(np.mean(theirs))])
        )  # fmt: skip
    if shares:
        print(f"{len(shares)} published layouts: predicted over existing memory, median "
              f"{np.median(shares):.2f}, 90 % quantile {np.quantile(shares, 0.9):.2f}")  # fmt: skip
        held = float(np.mean(np.asarray(shares) <= 1.0))
        results.append(
            compare("published layouts that are predicted to fit", "1", [held], [0.98], 1.0, True)
        )
    count = chosen.pick(1_000_000, 400_000, 20_000)
    for model in ("Llama-3.1-405B", "DeepSeek-V3"):
        speeds = [layouts_per_second(facts, count, model) for _ in range(max(chosen.repeats, 1))]
        results.append(
            compare(f"layouts of {model} a CPU-second", "1/s", speeds, [1e6] * len(speeds),
                    1.0, True)
        )  # fmt: skip
    return results


if __name__ == "__main__":
    run(__doc__, measure)
