"""Claim: a million layouts a CPU-second on one core, 405B on 16,384 GPUs whole in under 2 s.

The peer is calculon where it is importable (PYTHONPATH with a checkout of
github.com/calculon-ai/calculon), pricing one layout of GPT-3 at a time in this process; else the
goal itself. Checked first: grids price like single layouts to the last bit, and the winner is the
one of pricing every layout alone. Published layouts are held against the found ones at the end.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import importlib
import importlib.util
import json
import logging
import sys
import time
import types
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from _common import Options, Result, agree, compare, no_data, print_machine, run, turns

from groundup.facts.catalogue import Catalogue, load_catalogue
from groundup.facts.errors import GroundupError
from groundup.models.published import published
from groundup.models.workload import work_of
from groundup.planner.validation.bars import published_file
from groundup.planner.validation.row import read_rows
from groundup.planner.validation.training_rows import case_of
from groundup.training.cluster import Cluster, cluster_of
from groundup.training.lattice import Choices, Job, at, cells, grids, shape_of
from groundup.training.laws import Laws, laws_of, of_software
from groundup.training.search import Constraints, point, price_all, searched
from groundup.training.step_time import step_time
from groundup.training.work import Work

RATE = 1e6
"""Layouts a CPU-second."""
LIMIT = 2.0
"""CPU-seconds for 405B on 16,384 accelerators."""
CLOSE = 0.05
"""A published layout counts as good where it is within this of the found one."""
CALCULON = {
    "num_procs": 1024, "tensor_par": 8, "pipeline_par": 16, "data_par": 8, "tensor_par_net": 0,
    "pipeline_par_net": 1, "data_par_net": 1, "batch_size": 1024, "microbatch_size": 1,
    "datatype": "float16", "fused_activation": True, "attention_type": "multihead",
    "activation_recompute": "full", "pipeline_interleaving": 1, "optimizer_sharding": True,
    "tensor_par_comm_type": "rs_ag", "tensor_par_overlap": "none", "seq_par_ag_redo": False,
    "data_par_overlap": False, "weight_offload": False, "activations_offload": False,
    "optimizer_offload": False, "training": True,
}  # fmt: skip


@dataclass(frozen=True)
class Question:
    """A search that is timed."""

    title: str
    work: Work
    cluster: Cluster
    constraints: Constraints


def questions(facts: Catalogue) -> list[Question]:
    """Dense and mixture of experts."""
    asked = (
        ("Llama 3.1 405B, 16,384 H100", "Llama-3.1-405B", "h100-sxm", "bf16", 16384, 8192, 2048),
        ("DeepSeek-V3, 2,048 H800", "DeepSeek-V3", "h800-sxm", "fp8", 2048, 4096, 15360),
        ("Llama 3.1 70B, 512 H100", "Llama-3.1-70B", "h100-sxm", "bf16", 512, 8192, 512),
        ("Qwen3 30B-A3B, 64 H100", "Qwen3-30B-A3B", "h100-sxm", "bf16", 64, 4096, 1024),
    )
    return [
        Question(title, work_of(published(model)), cluster_of(chip, facts, word),
                 Constraints((count,), sequence, batch))
        for title, model, chip, word, count, sequence, batch in asked
    ]  # fmt: skip


def timed(question: Question, laws: Laws, counted: dict[str, int]) -> float:
    """CPU-seconds of a whole search."""
    began = time.process_time()
    result = searched(question.work, question.cluster, laws, question.constraints)
    counted[question.title] = result.looked
    return time.process_time() - began


def check_bits(question: Question, laws: Laws) -> None:
    """Grids against single layouts."""
    work, cluster, plain = point(question.work), point(question.cluster), point(laws)
    asked, draw = question.constraints, np.random.default_rng(0)
    job = Job(asked.accelerators[0], asked.sequence, asked.batch, int(cluster.scale_up))
    gap = 0.0
    for grid in grids(work, job):
        some = draw.integers(0, cells(grid), 10)
        whole = price_all(work, cluster, plain, asked, grid)
        alone = price_all(work, cluster, plain, asked, at(grid, some))
        for values, single in zip(whole, alone, strict=True):
            flat = np.broadcast_to(values, shape_of(grid)).reshape(-1)[some]
            gap = max(gap, float(np.abs(flat - single).max()))
    agree(f"{question.title}: grid against single layouts, s and bytes", gap, 0.0)


def check_winner(facts: Catalogue, laws: Laws) -> None:
    """The best of a small job against every layout priced alone."""
    work, cluster = work_of(published("Qwen3-30B-A3B")), cluster_of("h100-sxm", facts)
    few = Choices(tensor=(1, 2), pipeline=(1, 2), virtual=(1, 2), context=(1,), expert=(1, 8),
                  expert_tensor=(1,), microbatch=(1, 2), sharding=(0, 1, 3))  # fmt: skip
    asked = Constraints((16,), 4096, 64, choices=few)
    best, room = np.inf, float(point(cluster).memory) * (1 - asked.headroom)
    for grid in grids(point(work), Job(16, 4096, 64, choices=few)):
        for place in range(cells(grid)):
            one = at(grid, np.array([place]))
            seconds, used = price_all(work, cluster, laws, asked, one)
            if float(used[0]) <= room:
                best = min(best, float(seconds[0]))
    found = searched(work, cluster, laws, asked, top=1).found[0].step_seconds
    agree("winner against every layout alone, s", abs(found - best), 0.0)


def calculon_rate(seconds: float) -> float | None:
    """Layouts that calculon prices in a CPU-second; None where it is not there."""
    if importlib.util.find_spec("calculon") is None:
        return None
    for unused in ("pandas", "psutil"):  # for its tables and processes; we use neither
        if importlib.util.find_spec(unused) is None:
            sys.modules[unused] = types.ModuleType(unused)
    llm: Any = importlib.import_module("calculon.llm.llm")
    system: Any = importlib.import_module("calculon.system")
    root = Path(llm.__file__).parents[2]
    log = logging.Logger("peer")
    app = llm.Llm.Application(json.loads((root / "models" / "gpt3-175B.json").read_text()))
    machine = system.System(json.loads((root / "systems" / "a100_80g.json").read_text()))
    done, began = 0, time.process_time()
    while time.process_time() - began < seconds:
        model = llm.Llm(app, log)
        model.compile(machine, llm.Llm.Execution.from_json(CALCULON))
        model.run(machine)
        done += 1
    return done / (time.process_time() - began)


def show_published(facts: Catalogue, most: int) -> Result:
    """Published layouts against found ones: predicted step of the one over that of the other."""
    ratios = []
    for row in read_rows(published_file()):
        degrees = [row.number(name) or 1 for name in ("tp", "pp", "cp", "ep")]
        if row.kind != "train_throughput" or max(degrees) == 1 or not row.microbatch:
            continue
        if len(ratios) >= most:
            break
        try:
            case = case_of(row, facts)
        except GroundupError:
            continue
        laws = of_software(laws_of(facts), case.software)
        theirs = float(np.ravel(step_time(case.work, case.layout, case.cluster, laws).total)[0])
        asked = Constraints((int(case.layout.accelerators),), int(case.layout.sequence),
                            int(case.layout.batch), headroom=0.04)  # fmt: skip
        found = searched(case.work, case.cluster, laws, asked, top=1).found
        if found:
            ratios.append((theirs / found[0].step_seconds, row.name))
    ratios.sort()
    for ratio, name in (*ratios[:3], *ratios[-5:]):
        print(f"published layout takes {ratio:5.2f} x the found one: {name[:70]}")
    values = [ratio for ratio, _ in ratios]
    share = float(np.mean(np.array(values) <= 1 + CLOSE))
    print(f"{len(values)} published layouts; {share:.0%} within {CLOSE:.0%} of the found one; "
          f"median {np.median(values):.3f}, largest {max(values):.2f}")  # fmt: skip
    return compare("published layouts, median predicted step over that of the found layout", "1",
                   [1.0], [float(np.median(values))], goal=0.99)  # fmt: skip


def show_405b(facts: Catalogue, laws: Laws) -> None:
    """Llama 3's own layout (arXiv:2407.21783, table 4) against the found one."""
    asked = questions(facts)[0]
    own = Choices(tensor=(8,), pipeline=(16,), context=(1,), microbatch=(1,), recompute=((1, 0.0),))
    theirs = searched(
        asked.work, asked.cluster, laws, replace(asked.constraints, choices=own), top=1
    )
    best = searched(asked.work, asked.cluster, laws, asked.constraints, top=1).found[0]
    for title, one in (("published TP 8, PP 16", theirs.found[0]), ("found", best)):
        names = ("tensor", "pipeline", "virtual", "context", "microbatch")
        degrees = ", ".join(f"{name} {float(getattr(one.layout, name)):.0f}" for name in names)
        print(
            f"405B {title}: {one.step_seconds:.2f} s, MFU {one.mfu:.1%}, memory "
            f"{one.memory_share:.0%}, {degrees}"
        )


def measure(chosen: Options) -> list[Result]:
    """Agreement, rates, published layouts."""
    print_machine(["groundup", "numpy"], "peer: calculon where importable, else the goals")
    facts = load_catalogue()
    laws = laws_of(facts)
    asked = questions(facts)
    for question in asked[2:3] if chosen.size == "smoke" else asked:
        check_bits(question, laws)
    check_winner(facts, laws)
    counted: dict[str, int] = {}
    work = {one.title: partial(timed, one, laws, counted) for one in asked}
    results = []
    for one in asked:
        times = turns({one.title: work[one.title]}, chosen)[one.title]
        rates = [counted[one.title] / spent for spent in times]
        print(f"{one.title}: {counted[one.title]:,} layouts, {np.median(times):.3f} CPU-s")
        if counted[one.title] >= RATE / 4:  # a small job ends before a rate means anything
            results.append(compare(f"layouts a CPU-second, {one.title}", "1/s", rates,
                                   [RATE] * len(rates), more_is_better=True))  # fmt: skip
        if one is asked[0]:
            results.append(compare(f"whole search, {one.title}", "s", times, [LIMIT] * len(times)))
    peer = calculon_rate(0.2 if chosen.size == "smoke" else 3.0)
    title = "layouts a CPU-second against calculon"
    if peer is None:
        results.append(no_data(title, "1/s", "calculon is not importable"))
    else:
        rates = [counted[asked[0].title] / timed(asked[0], laws, counted) for _ in range(5)]
        results.append(compare(title, "1/s", rates, [peer] * 5, more_is_better=True))
    show_405b(facts, laws)
    results.append(show_published(facts, chosen.pick(100, 60, 5)))
    return results


if __name__ == "__main__":
    run(__doc__, measure)
