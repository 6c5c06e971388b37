"""Pipeline schedules in closed form: how long stages wait, how many micro-batches they keep.

`groundup.training.timeline` runs every schedule block by block; tests hold these formulas to it.
"""

from __future__ import annotations

import numpy as np

from groundup.facts.estimate import Array
from groundup.training.layout import GPIPE, ZERO_BUBBLE, ZERO_BUBBLE_DEEP, Layout


def idle(layout: Layout, forward: Array, backward: Array, weight: Array) -> Array:
    """Seconds of a step that a stage waits for others.

    `forward`, `backward` (gradients of inputs) and `weight` (gradients of weights) are seconds of
    one micro-batch on one stage. 1F1B and GPipe wait (p - 1)(F + B + W), interleaved 1/v of it
    (Narayanan et al. 2021, arXiv:2104.04473, section 2.2); ZB-H1 (p - 1)(F + B - W) and ZB-H2
    (p - 1)(F + B - 2W), never below 0 (Qi et al. 2023, arXiv:2401.10241, table 2). A split schedule
    with fewer micro-batches than it keeps in flight hides less: an upper bound.
    """
    ranks, kind = layout.pipeline, layout.schedule
    moved = 2.0 * (kind == ZERO_BUBBLE) + 3.0 * (kind == ZERO_BUBBLE_DEEP)  # W that fill waits
    full = np.where(kind == ZERO_BUBBLE_DEEP, 2.0 * ranks - 1.0, ranks)
    moved = moved * np.clip((layout.microbatches - 1.0) / np.maximum(full - 1.0, 1.0), 0.0, 1.0)
    left = np.maximum(forward + backward + weight - moved * weight, 0.0)
    return np.asarray((ranks - 1.0) * left / chunks(layout))


def bubble(
    layout: Layout, forward: float = 1.0, backward: float = 1.0, weight: float = 1.0
) -> Array:
    """Idle over busy seconds of a step: (p - 1)/(v m) for 1F1B.

    The three durations matter in proportion only; equal ones are those of matrix products.
    """
    one = [np.asarray(part) for part in (forward, backward, weight)]
    busy = layout.microbatches * (forward + backward + weight)
    return np.asarray(idle(layout, *one) / busy)


def idle_share(layout: Layout) -> Array:
    """Idle over all seconds of a step: (p - 1)/(v m + p - 1) for 1F1B."""
    over = bubble(layout)
    return np.asarray(over / (1.0 + over))


def chunks(layout: Layout) -> Array:
    """Model chunks of a stage that a schedule interleaves; only 1F1B does."""
    return np.asarray(np.where(layout.schedule == 0, layout.virtual, 1.0))


def in_flight(layout: Layout) -> Array:
    """Micro-batches whose activations the first stage keeps at once, in whole stages.

    1F1B and ZB-H1 keep p, interleaved p + (p - 1)/v (Korthikanti et al. 2022, arXiv:2205.05198,
    section 4.2.3), ZB-H2 2p - 1 (Qi et al., table 2), GPipe all m; never more than there are.
    """
    ranks, kind, parts = layout.pipeline, layout.schedule, chunks(layout)
    kept = ranks + np.where(parts > 1, (ranks - 1.0) / parts, 0.0)
    return _limited(np.where(kind == ZERO_BUBBLE_DEEP, 2.0 * ranks - 1.0, kept), layout)


def in_flight_last(layout: Layout) -> Array:
    """The same of the last stage: 1 for 1F1B, (p (v - 1) + 1)/v interleaved.

    Schedules that put off weight gradients keep as many on every stage as on the first.
    """
    ranks, kind, parts = layout.pipeline, layout.schedule, chunks(layout)
    kept = (ranks * (parts - 1.0) + 1.0) / parts
    late = (kind == ZERO_BUBBLE) | (kind == ZERO_BUBBLE_DEEP)
    return np.where(late, in_flight(layout), _limited(kept, layout))


def _limited(kept: Array, layout: Layout) -> Array:
    """Never more than all micro-batches; GPipe keeps them all."""
    most = layout.microbatches
    return np.asarray(np.where(layout.schedule == GPIPE, most, np.minimum(kept, most)))


def span_of_stages(seconds: Array, microbatches: Array) -> Array:
    """Seconds of a step whose stages differ: the sum of all stages and m - 1 times the slowest.

    `seconds`, shape (..., p): forward and backward of one micro-batch on every stage, the head on
    the last. Exact for GPipe and where the last stage is the slowest (a large vocabulary); 1F1B
    with a slow inner stage overlaps some of it, so this is an upper bound there.
    """
    return np.asarray(seconds.sum(axis=-1) + (microbatches - 1.0) * seconds.max(axis=-1))
