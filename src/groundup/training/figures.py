"""What the training page of the report shows, as plain data."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from groundup.facts.catalogue import Catalogue
from groundup.facts.figures import Bar, Bars, Curves, Figure, Lane, Lanes, Line
from groundup.facts.layer import Ask
from groundup.training.config import TrainingConfig
from groundup.training.layout import (
    BLOCKS,
    CHEAP,
    GPIPE,
    NOTHING,
    ONE_F_ONE_B,
    PRODUCTS,
    ZERO_BUBBLE,
    ZERO_BUBBLE_DEEP,
    Layout,
)
from groundup.training.memory import Memory, memory, total
from groundup.training.pipeline import idle_share
from groundup.training.states import Formats
from groundup.training.timeline import BACKWARD, FORWARD, Durations, idle_of, timeline
from groundup.training.work import Work

SCHEDULES = {
    ONE_F_ONE_B: "1F1B",
    ZERO_BUBBLE: "zero bubble (ZB-H1)",
    GPIPE: "GPipe",
    ZERO_BUBBLE_DEEP: "zero bubble (ZB-H2)",
}
RECOMPUTED = {
    NOTHING: "nothing recomputed",
    CHEAP: "cheap operations recomputed",
    PRODUCTS: "half of the products recomputed",
    BLOCKS: "whole blocks recomputed",
}
_MOST_STAGES, _MOST_PASSES = 16, 2
"""Lanes and, for each stage, micro-batches that a timeline can show legibly."""
_STAGES = 8
"""Stages of the figure of bubbles where the plan has no pipeline."""
_GB = 1e9


def figures(
    config: TrainingConfig,
    ask: Ask,
    facts: Catalogue,
    samples: int = 0,
    *,
    work: Work | None = None,
    layout: Layout | None = None,
    formats: Formats | None = None,
    card: float | None = None,
    fixed: float = 0.0,
) -> tuple[Figure, ...]:
    """Memory by part, memory against micro-batch, pipeline, bubbles.

    `card` is an accelerator's memory and `fixed` what no allocator sees, bytes. Without a layout
    only the figure that needs no plan is made.
    """
    shown: list[Figure] = []
    if work is not None and layout is not None and formats is not None:
        shown += [parts(work, layout, formats, card, fixed)]
        shown += [by_microbatch(work, layout, formats, card, fixed)]
        if float(layout.pipeline) > 1:
            shown.append(lanes(layout))
    return (*shown, bubbles(layout))


def parts(
    work: Work, layout: Layout, formats: Formats, card: float | None, fixed: float = 0.0
) -> Bars:
    """Memory of the fullest accelerator by part: the plan's layout and its neighbours."""
    bars = [_bar("the plan's layout", memory(work, layout, formats, fixed))]
    for kind, title in RECOMPUTED.items():
        if kind not in (float(layout.recompute), PRODUCTS):
            other = replace(layout, recompute=np.asarray(float(kind)))
            bars.append(_bar(title, memory(work, other, formats, fixed)))
    for stage, title in enumerate(("nothing", "optimiser", "gradients too", "weights too")):
        if stage != float(layout.sharding):
            other = replace(layout, sharding=np.asarray(float(stage)))
            bars.append(_bar(f"sharded: {title}", memory(work, other, formats, fixed)))
    if card is not None:
        bars.append(Bar("an accelerator has", (("memory", card / _GB),)))
    return Bars(
        "Memory of the fullest accelerator", "GB", tuple(bars),
        "Bars below the first change one choice of the plan's layout. Values kept for the backward "
        "pass are those of all micro-batches in flight.",
    )  # fmt: skip


def _bar(title: str, found: Memory) -> Bar:
    named = [(field.name, float(getattr(found, field.name)) / _GB) for field in fields(Memory)]
    return Bar(title, tuple((name, value) for name, value in named if value and name != "host"))


def by_microbatch(
    work: Work, layout: Layout, formats: Formats, card: float | None, fixed: float = 0.0
) -> Curves:
    """Memory against sequences of a micro-batch for what may be recomputed."""
    most = max(float(layout.batch / layout.data), 1.0)
    sizes = np.asarray([size for size in (1.0, 2.0, 4.0, 8.0, 16.0, 32.0) if size <= most])
    if len(sizes) == 1:
        sizes = np.asarray([1.0, 2.0])
    lines = []
    for kind, title in RECOMPUTED.items():
        grid = replace(layout, microbatch=sizes, recompute=np.asarray(float(kind)))
        used = total(work, grid, formats, fixed) / _GB
        lines.append(Line(title, tuple(sizes.tolist()), tuple(used.tolist())))
    if card is not None:
        lines.append(Line("an accelerator has", tuple(sizes.tolist()), (card / _GB,) * len(sizes)))
    return Curves(
        "Memory against micro-batch", "sequences of a micro-batch", "GB", tuple(lines), x_log=True,
        y_log=True, note="The plan's degrees and batch, so larger micro-batches are fewer.",
    )  # fmt: skip


def lanes(layout: Layout) -> Lanes:
    """The plan's pipeline block by block; at most 16 stages and two micro-batches for each."""
    ranks = int(min(float(layout.pipeline), _MOST_STAGES))
    virtual = int(layout.virtual) if float(layout.schedule) == ONE_F_ONE_B else 1
    count = int(min(float(layout.microbatches), _MOST_PASSES * ranks))
    count = max(count // ranks, 1) * ranks if virtual > 1 else max(count, 1)
    each = 1.0 / virtual
    kind = int(layout.schedule)
    run = timeline(kind, ranks, count, Durations.even(ranks * virtual, each, each, each), virtual)
    split = kind in (ZERO_BUBBLE, ZERO_BUBBLE_DEEP)
    words = {FORWARD: "forward", BACKWARD: "gradients of inputs" if split else "backward"}
    rows = [
        Lane(
            f"stage {rank + 1}",
            tuple((one.start, one.end, words.get(one.kind, "gradients of weights"))
                  for one in run if one.rank == rank),
        )
        for rank in range(ranks)
    ]  # fmt: skip
    name = f"{SCHEDULES[kind]}, {virtual} chunks a stage" if virtual > 1 else SCHEDULES[kind]
    waits = float(np.max(idle_of(run)))
    return Lanes(
        f"The plan's pipeline: {name}", "forward passes of a stage", tuple(rows),
        f"{ranks} of {float(layout.pipeline):.0f} stages and {count} of "
        f"{float(layout.microbatches):.0f} micro-batches, every block run in order; the first "
        f"stage waits {waits:.4g} forward passes. Gradients of inputs and of weights take as long "
        "as a forward pass each.",
    )  # fmt: skip


def bubbles(layout: Layout | None = None) -> Curves:
    """Share of a step that stages wait, against micro-batches, by schedule."""
    ranks = float(layout.pipeline) if layout is not None else 1.0
    ranks = ranks if ranks > 1 else float(_STAGES)
    counts = ranks * 2.0 ** np.arange(6)
    lines = [
        Line(title, tuple(counts.tolist()), tuple(_shares(ranks, counts, kind, virtual)))
        for title, kind, virtual in (
            ("1F1B and GPipe", ONE_F_ONE_B, 1.0),
            ("interleaved, 2 chunks", ONE_F_ONE_B, 2.0),
            ("interleaved, 4 chunks", ONE_F_ONE_B, 4.0),
            ("zero bubble (ZB-H1)", ZERO_BUBBLE, 1.0),
            ("zero bubble, twice the memory (ZB-H2)", ZERO_BUBBLE_DEEP, 1.0),
        )
    ]
    return Curves(
        f"Share of a step that {ranks:.0f} pipeline stages wait", "micro-batches of a step",
        "share", tuple(lines), x_log=True,
        note="(p - 1)/(v m + p - 1) and its split forms; even stages, sending takes no time.",
    )  # fmt: skip


def _shares(ranks: float, counts: np.ndarray, kind: int, virtual: float) -> list[float]:
    layout = Layout(
        accelerators=np.asarray(ranks), sequence=np.ones(()), batch=counts,
        pipeline=np.asarray(ranks), virtual=np.asarray(virtual), schedule=np.asarray(float(kind)),
    )  # fmt: skip
    return [float(value) for value in idle_share(layout)]
