"""Claim: step times of published training runs are predicted better than by calculon.

The peer is calculon (Isaev et al. 2023, https://github.com/calculon-ai/calculon) with its own A100
and H100 files, in this process, on the dense rows that both take. Where a row leaves a flag open,
calculon gets the one that comes nearest to the measurement; where its memory is too small for the
published run, its memory limit is lifted. Printed first: errors in the fit and with each family of
sources held out, and on rows outside of the fit. A refit checks the shipped constants.
"""

from __future__ import annotations

import copy
import itertools
import json
import logging
import os
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from _common import (
    Options,
    Result,
    agree,
    compare,
    no_data,
    print_machine,
    run,
    seconds,
    turns,
)
from _peer import ENVIRONMENTS, peer_python

from groundup.facts.catalogue import Catalogue, load_catalogue
from groundup.facts.errors import GroundupError
from groundup.facts.estimate import Array
from groundup.planner.validation.row import Row, read_rows
from groundup.planner.validation.training import completed, predict
from groundup.planner.validation.training_fit import (
    Fitted,
    constants,
    family_of,
    refit,
    runs_of,
    seconds_of,
)
from groundup.planner.validation.training_rows import Case, case_of
from groundup.training.fit import errors, held_out, residuals
from groundup.training.laws import laws_of, of_software
from groundup.training.layout import Layout
from groundup.training.step_time import step_time

DATA = Path(__file__).resolve().parents[1] / "tests" / "data"
TABLES = ("train_throughput", "train_step_time", "finetune_time")
BARS = {"dense": 0.07, "dense, source held out": 0.12, "mixture of experts": 0.15}
"""Median errors that the project asks for."""
COVERAGE = (0.80, 0.95)
SYSTEMS = {"a100-80gb": "a100_80e.json", "h100-sxm": "h100_80g_nvl8.json"}
LAYOUTS = 1_000_000


def rows_of(*names: str) -> list[Row]:
    """Rows of tables of tests/data."""
    return [row for name in names for row in read_rows(DATA / f"{name}.csv")]


def table(title: str, names: list[str], spread: Array) -> None:
    """Errors by group, printed."""
    print(f"\n{title:44} {'rows':>5} {'median':>7} {'p90':>7} {'bias':>7}")
    groups = np.asarray(names)
    for name in sorted(set(names)):
        found = errors(spread[groups == name])
        print(f"  {name:42} {sum(groups == name):5} {found['median']:7.1%} {found['p90']:7.1%} "
              f"{found['bias']:+7.1%}")  # fmt: skip


def labels(fitted: Fitted) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Family and kind of each case, and which are dense pre-training and mixtures of experts."""
    moe = np.array([case.moe for case in fitted.cases])
    dense = ~moe & (fitted.runs.frozen == 0)
    names = [f"{family}{', experts' if m else ''}" for family, m in
             zip(fitted.families, moe, strict=True)]  # fmt: skip
    return names, dense, moe


def accuracy(fitted: Fitted, chosen: Options) -> list[Result]:
    """Medians in the fit and with sources held out, against the bars."""
    names, dense, moe = labels(fitted)
    inside = residuals(fitted.logarithms, fitted.runs)
    outside = held_out(fitted.runs, fitted.families, fitted.prior)
    models = [case.architecture.name for case in fitted.cases]
    table("in the fit", names, inside)
    table("family of sources held out", names, outside)
    if chosen.size == "full":
        expert_models = np.asarray(models)[moe].tolist()
        other = held_out(fitted.runs.part(moe), expert_models, fitted.prior)
        table("mixtures of experts, model held out", expert_models, other)
        print(f"all of them: median {errors(other)['median']:.1%}")
    found = {
        "dense": inside[dense],
        "dense, source held out": outside[dense],
        "mixture of experts": inside[moe],
    }
    results = []
    for name, bar in BARS.items():
        median = errors(found[name])["median"]
        claim = f"median error, {name}, {len(found[name])} rows; peer: the bar"
        results.append(compare(claim, "1", [median], [bar]))
    return results


def coverage(facts: Catalogue, title: str, rows: list[Row]) -> float:
    """Share of rows inside their 90 % interval; prints errors by family."""
    inside, spread, names = [], [], []
    for row in rows:
        try:
            told, value = predict(row, facts), row.number("value")
        except GroundupError as error:
            print(f"not predicted: {row.name}: {error}")
            continue
        assert value is not None
        kind = ", experts" if case_of(row, facts).moe else ""
        names.append(family_of(row) + kind)
        spread.append(np.log(value / told.value))
        inside.append(told.low <= value <= told.high)
    table(title, names, np.array(spread))
    print(f"inside the 90 % interval: {np.mean(inside):.1%} of {len(inside)}")
    return float(np.mean(inside))


def calculon(install: bool) -> tuple[ModuleType, Path] | None:
    """The peer's module and its folder; None where it is not here."""
    folder = Path(os.environ.get("CALCULON", ENVIRONMENTS / "calculon-checkout"))
    if not (folder / "systems").is_dir():
        print(f"calculon: no checkout in {folder.name}; see benchmarks/requirements-calculon.txt")
        return None
    python = peer_python("calculon", "pandas", install, 300.0)
    if python is None:
        return None
    if python != sys.executable:  # at the end of the path: our own packages come first
        sys.path += map(str, Path(python).parents[1].glob("lib/python*/site-packages"))
    sys.path.append(str(folder))
    import calculon.llm
    import calculon.system

    return calculon, folder


def flags(case: Case, layout: Layout) -> Iterator[dict[str, Any]]:
    """Executions of calculon that agree with what the row says; it may choose the rest."""
    tensor, stages = int(layout.tensor), int(layout.pipeline)
    data = int(layout.data)
    told = case.row
    level = {0: ["none", "attn_only"], 1: ["attn_only"], 2: ["full"]}
    recompute = ["none", "attn_only", "full"] if not told.recompute else level[
        int(layout.recompute)]  # fmt: skip
    micro = [int(layout.microbatch)] if told.microbatch else [1, 2, 4, 8]
    chunks = int(float(case.work.layers)) // stages
    virtual = [v for v in range(1, chunks + 1) if chunks % v == 0] if stages > 1 else [1]
    if "virtual" not in case.open:
        virtual = [int(layout.virtual)]
    types = ["rs_ag"] if layout.sequence_parallel and tensor > 1 else ["ar", "p2p_rs_ag"]
    overlap = ["none", "ring", "pipe"] if tensor > 1 else ["none"]
    shared = [True, False] if data > 1 else [False]
    precise = "float8" if case.number_format == "fp8" else "float16"
    for level_, size, v, kind, over, shard, hide, fused in itertools.product(
        recompute, micro, virtual, types, overlap, shared, shared, (True, False)
    ):
        yield {
            "num_procs": int(layout.accelerators), "tensor_par": tensor, "pipeline_par": stages,
            "data_par": data, "tensor_par_net": 0, "pipeline_par_net": 1,
            "data_par_net": 0 if tensor * data <= 8 and stages == 1 else 1,
            "batch_size": int(layout.batch), "microbatch_size": size, "datatype": precise,
            "fused_activation": fused, "attention_type": "multihead",
            "activation_recompute": level_, "pipeline_interleaving": v,
            "optimizer_sharding": shard, "tensor_par_comm_type": kind,
            "tensor_par_overlap": over, "seq_par_ag_redo": False, "data_par_overlap": hide,
            "weight_offload": False, "activations_offload": False, "optimizer_offload": False,
            "training": True,
        }  # fmt: skip


def model_json(case: Case) -> dict[str, int]:
    """The row's model for calculon: two feed-forward matrices of as many weights as three."""
    block = case.architecture.blocks[0]
    assert block.mixer is not None
    assert block.ffn is not None
    width = case.architecture.width
    return {
        "hidden": width, "feedforward": block.ffn.width * block.ffn.matrices // 2,
        "seq_size": int(case.layout.sequence), "attn_heads": block.mixer.heads,
        "attn_size": block.mixer.head_width, "num_blocks": int(float(case.work.layers)),
    }  # fmt: skip


def their_seconds(
    module: ModuleType, system: dict[str, Any], case: Case, layout: Layout
) -> tuple[list[float], bool]:
    """Times of all executions that calculon takes, and whether any fits its memory."""
    log = logging.getLogger("calculon")
    times: list[float] = []
    fits = False
    for execution in flags(case, layout):
        for memory in (system["mem1"]["GiB"], 1e6):  # its own, then as much as it asks for
            made = copy.deepcopy(system)
            made["mem1"]["GiB"] = memory
            try:
                model = module.llm.Llm(module.llm.Llm.Application(model_json(case)), log)
                built = module.system.System(made)
                model.compile(built, module.llm.Llm.Execution.from_json(execution))
                model.run(built)
            except (module.llm.Llm.Error, AssertionError):
                continue
            times.append(float(model.get_total_time()))
            fits = fits or memory < 1e6
            break
    return times, fits


def against_calculon(facts: Catalogue, chosen: Options) -> list[Result]:
    """Errors of both on the dense rows of A100 and H100 whose degrees are stated.

    Every flag that a row leaves open is tried; a quick run takes every sixth row.
    """
    claim = "median error on the rows that calculon takes"
    found = calculon(chosen.size != "smoke")
    if found is None:
        return [no_data(claim, "1", "calculon is not here")]
    module, folder = found
    laws = laws_of(facts)
    ours, theirs, fastest, names, refused, squeezed = [], [], [], [], 0, 0
    for case in _comparable(facts)[:: chosen.pick(1, 6, 60)]:
        layout = completed(case, of_software(laws, case.software), facts)
        measured = seconds_of(case, layout, facts)
        name = "h100-sxm" if case.row.hardware.startswith("H100") else "a100-80gb"
        system = json.loads((folder / "systems" / SYSTEMS[name]).read_text())
        system["mem1"]["GBps"] = float(case.cluster.bandwidth) / 1e9
        times, fits = their_seconds(module, system, case, layout)
        if not times:
            refused += 1
            continue
        squeezed += not fits
        steps = step_time(case.work, layout, case.cluster, of_software(laws, case.software))
        near = min(times, key=lambda one: abs(one / measured - 1))
        ours.append(np.log(measured / float(np.ravel(steps.total)[0])))
        theirs.append(np.log(measured / near))
        fastest.append(np.log(measured / min(times)))
        names.append(family_of(case.row))
    print(f"\ncalculon: {len(ours)} rows taken, {refused} refused with every flag, "
          f"{squeezed} taken only with its memory limit lifted")  # fmt: skip
    table("ours on those rows", names, np.array(ours))
    table("calculon, flags nearest to the measurement", names, np.array(theirs))
    table("calculon, its fastest flags", names, np.array(fastest))
    medians = [errors(np.array(x))["median"] for x in (ours, theirs, fastest)]
    return [
        compare(f"{claim} ({len(ours)}), its best flags", "1", medians[:1], medians[1:2]),
        compare(f"{claim} ({len(ours)}), its fastest flags", "1", medians[:1], medians[2:]),
    ]


def _comparable(facts: Catalogue) -> list[Case]:
    """Dense pre-training rows of A100 and H100 with stated tensor and pipeline degrees."""
    cases = []
    for row in rows_of("train_throughput", "train_step_time"):
        if not row.hardware.startswith(("A100", "H100")):
            continue
        try:
            case = case_of(row, facts)
        except GroundupError:
            continue
        if not case.moe and not {"tensor", "pipeline"} & set(case.open) and case.layout.context < 2:
            cases.append(case)
    return cases


def speed(facts: Catalogue, chosen: Options) -> Result:
    """Layouts a second of the step time alone, dense, in pieces that fit the cache."""
    case = next(c for c in _comparable(facts) if c.layout.pipeline > 1)
    laws, rng = laws_of(facts), np.random.default_rng(0)
    count = 8192
    degrees = {n: 2.0 ** rng.integers(0, 4, count) for n in ("tensor", "pipeline", "microbatch")}
    many = Layout(np.asarray(16384.0), np.asarray(8192.0), np.asarray(2048.0), **degrees)
    pieces = chosen.pick(LAYOUTS, LAYOUTS // 4, count) // count

    def evaluate() -> None:
        for _ in range(max(1, pieces)):
            step_time(case.work, many, case.cluster, laws)

    taken = turns({"ours": partial(seconds, evaluate)}, chosen)["ours"]
    scaled = [t / (max(1, pieces) * count) * 1e6 for t in taken]
    return compare("a million layouts, step time alone; peer: 1 s", "s", scaled, [1.0] * len(taken))


def measure(chosen: Options) -> list[Result]:
    """Refit, errors, coverage, the peer, speed."""
    print_machine(["groundup", "numpy"], "peers: calculon, the project's bars")
    facts = load_catalogue()
    fitted = refit(rows_of(*TABLES), facts)
    for name, why in fitted.left_out.items():
        print(f"not in the fit: {name}: {why}")
    shipped = laws_of(facts)
    made = constants(fitted.logarithms)
    off = max(abs(float(getattr(shipped, n)[0]) / float(v) - 1) for n, v in made.items())
    agree("shipped constants against a refit, largest difference", off, 0.02)
    runs_of(fitted.cases[:1], shipped, facts)
    results = accuracy(fitted, chosen)
    shares = [
        coverage(facts, "predicted, fitted tables", rows_of(*TABLES)),
        coverage(facts, "predicted, rows outside of the fit", rows_of("train_unfitted")),
    ]
    for share, name in zip(shares, ("fitted tables", "outside of the fit"), strict=True):
        claim = f"coverage of 90 % intervals, {name}; peer: {COVERAGE[0]:.0%}"
        results.append(compare(claim, "1", [share], [COVERAGE[0]], more_is_better=True))
    results += against_calculon(facts, chosen)
    return [*results, speed(facts, chosen)]


if __name__ == "__main__":
    run(__doc__, measure)
