"""Seconds of an optimiser step by part: arithmetic, memory, links, idle stages; vectorised.

One accelerator of the slowest stage is followed through a step. Every field of `Work`, `Layout`,
`Cluster` and `Laws` broadcasts, so that a million layouts or ten thousand draws are one call.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from groundup.facts.estimate import Array
from groundup.training.cluster import Cluster
from groundup.training.communication import (
    all_to_all_seconds,
    exposed,
    gather_seconds,
    send_seconds,
)
from groundup.training.laws import Laws, passes, routing_age
from groundup.training.layout import Layout
from groundup.training.pipeline import idle
from groundup.training.work import Work

HALF = 2.0
"""Bytes of a 16-bit number."""
FULL = 4.0
"""Bytes of a 32-bit number."""
BACKWARD = 2.0
"""Products backward for one forward: gradients of inputs and of weights."""
ATTENTION_BACKWARD = 2.5
"""The same of fused attention, which computes the scores again: 5 products for 2."""
_LOGIT_PASSES = 4.0
"""Passes of logits in 32 bits: written, read for the maximum and the sum, gradient written and
read."""


@dataclass(frozen=True)
class StepTime:
    """Seconds of a step on one accelerator of the slowest stage, by what it waits for."""

    matmul: Array
    """Products with weights, forward and backward."""
    attention: Array
    """Attention and recurrences, forward and backward."""
    pointwise: Array
    """Norms, activations, casts, logits: memory's speed; launches and tails of kernels."""
    recompute: Array
    """Forward work that the backward pass does again."""
    tensor: Array
    """Collectives of tensor parallelism that nothing hides."""
    context: Array
    """Transfers of context parallelism that nothing hides."""
    expert: Array
    """Routing: all-to-all, sorting and what no size explains."""
    pipeline: Array
    """Sends between stages that nothing hides."""
    data: Array
    """Gradients' reduction and gathers of sharded weights that nothing hides."""
    optimiser: Array
    """The pass over the optimiser's state."""
    offload: Array
    """Transfers of optimiser state to the host's memory and back."""
    bubble: Array
    """Idle stages of the pipeline."""

    @property
    def total(self) -> Array:
        """Seconds of the step."""
        total = self.matmul + self.attention
        for part in fields(self)[2:]:
            total = total + getattr(self, part.name)
        return np.asarray(total)


def step_time(
    work: Work, layout: Layout, cluster: Cluster, laws: Laws, frozen: Array | float = 0.0
) -> StepTime:
    """Seconds by part of one optimiser step (arrays of the fields' common shape).

    `frozen` is the share of the weights that are not trained (1 for low-rank adapters): they need
    no gradients of their own, no reduction and no optimiser.
    """
    micro = _micro_batch(work, layout, cluster, laws, frozen)
    count = layout.microbatches
    forward = micro.blocks / (1 + BACKWARD - frozen) + micro.attention / (1 + ATTENTION_BACKWARD)
    again = _again(work, layout, cluster, laws, micro, forward)
    busy = micro.matmul + micro.attention + micro.pointwise
    data = _data(work, layout, cluster, laws, frozen, busy + again)
    optimiser, offload = _optimiser(work, layout, cluster, laws, frozen)
    inside = busy + again + micro.tensor + micro.context + micro.expert + micro.pipeline
    return StepTime(
        matmul=count * micro.matmul,
        attention=count * micro.attention,
        pointwise=count * micro.pointwise,
        recompute=count * again,
        tensor=count * micro.tensor,
        context=count * micro.context,
        expert=count * micro.expert,
        pipeline=count * micro.pipeline,
        data=data,
        optimiser=optimiser,
        offload=offload,
        bubble=idle(layout, inside / 3, inside / 3, inside / 3),
    )


@dataclass(frozen=True)
class _Micro:
    """Seconds of one micro-batch on one accelerator, forward and backward."""

    matmul: Array
    blocks: Array  # of the products, those of blocks: all but the head's
    attention: Array
    pointwise: Array
    tensor: Array
    context: Array
    expert: Array
    pipeline: Array


def _micro_batch(
    work: Work, layout: Layout, cluster: Cluster, laws: Laws, frozen: Array | float
) -> _Micro:
    tokens = layout.tokens
    attention = _attention(work, layout, cluster, laws, tokens)
    trained = (1 + BACKWARD - frozen) / (1 + BACKWARD)
    blocks, head = _matmul(work, layout, cluster, laws, tokens)
    return _Micro(
        matmul=(blocks + head) * trained,
        blocks=blocks * trained,
        attention=attention,
        pointwise=_pointwise(work, layout, cluster, laws, tokens),
        tensor=_tensor(work, layout, cluster, laws, tokens),
        context=_context(work, layout, cluster, laws, tokens, attention),
        expert=_expert(work, layout, cluster, laws, tokens),
        pipeline=_pipeline(work, layout, cluster, laws, tokens),
    )


def _matmul(
    work: Work, layout: Layout, cluster: Cluster, laws: Laws, tokens: Array
) -> tuple[Array, Array]:
    """Products of blocks and of the head, as if every weight were trained: 6 FLOPs a weight.

    A product of m x k by k x n takes its arithmetic at the best speed, and a share of the time
    that moving its operands and its result takes: bytes / FLOPs ~ 1/m + 1/k + 1/n.
    """
    share = laws.matmul_share * cluster.relative_power**laws.power_exponent
    speed = cluster.peak * np.minimum(cluster.matmul_share * share, 1.0)
    half = cluster.half_peak * np.minimum(cluster.half_share * share, 1.0)
    mine = layout.tensor * layout.pipeline
    drag = laws.matmul_traffic * HALF / 2 / cluster.bandwidth
    thin = layout.tensor / work.narrow + 1 / work.width + 1 / tokens
    dense = 6 * work.matrices / mine * tokens * (1 / speed + drag * thin)
    head = 6 * work.vocabulary * work.width / layout.tensor * tokens
    head = head * (1 / half + drag * (1 / work.width + 1 / tokens))
    stages = 1 / layout.pipeline
    head = head * (stages + laws.uneven_stages * (1 - stages))
    if np.any(work.experts > 0):
        dense = dense + _routed(work, layout, laws, tokens, speed, drag)
    return np.asarray(dense), np.asarray(head)


def _routed(
    work: Work, layout: Layout, laws: Laws, tokens: Array, speed: Array, drag: Array
) -> Array:
    """Products of routed experts: what a rank's tokens ask of them, balanced over the ranks."""
    experts = np.maximum(work.experts, 1.0)
    chosen = tokens * work.top_k / experts
    flops = 6 * work.expert_matrices * chosen / (layout.tensor * layout.pipeline)
    rows = chosen * layout.expert * layout.expert_tensor / layout.tensor
    thin = (
        layout.expert_tensor / np.maximum(work.expert_width, 1.0)
        + 1 / work.width
        + 1 / np.maximum(rows, 1.0)
    )
    return np.asarray(flops / laws.expert_share * (1 / speed + drag * thin))


def _attention(work: Work, layout: Layout, cluster: Cluster, laws: Laws, tokens: Array) -> Array:
    """Scores and their use, forward and backward, and recurrences.

    A fused kernel skips what the causal mask throws away and computes scores again backward; plain
    products compute all of it and send scores through memory.
    """
    sequence, mine = layout.sequence, layout.tensor * layout.pipeline
    keys = sequence * np.where(laws.software.whole_scores > 0, 1.0, 0.5)
    near = np.where(work.window > 0, np.minimum(keys, work.window), keys)
    flops = (work.key_flops * keys + work.window_key_flops * near) * tokens / mine
    older = np.where(
        laws.software.kernel > 1.5, cluster.second_attention_share, cluster.first_attention_share
    )
    kernel = np.where(laws.software.kernel > 2.5, cluster.attention_share, older)
    reached = laws.attention_share / (1 + laws.attention_start / sequence)
    reached = reached * cluster.relative_power**laws.power_exponent
    taken = flops * (1 + ATTENTION_BACKWARD) / (cluster.half_peak * kernel * reached)
    if not np.all(layout.fused_attention):
        plain = _unfused(work, layout, cluster, laws, tokens)
        taken = np.where(layout.fused_attention > 0, taken, plain)
    if np.any(work.scan_flops > 0):
        scans = work.scan_flops * tokens / mine * (1 + BACKWARD)
        taken = taken + scans / (cluster.half_peak * laws.scan_share)
    return np.asarray(taken)


def _unfused(work: Work, layout: Layout, cluster: Cluster, laws: Laws, tokens: Array) -> Array:
    """Attention as plain products over all keys, its scores through memory."""
    sequence, mine = layout.sequence, layout.tensor * layout.pipeline
    dense = (work.key_flops + work.window_key_flops) * sequence * tokens / mine
    plain = dense * (1 + BACKWARD) / (cluster.half_peak * cluster.half_share * laws.matmul_share)
    moved = work.score_heads * sequence * tokens / mine * HALF * laws.score_passes
    return np.asarray(plain + moved / cluster.bandwidth)


def _pointwise(work: Work, layout: Layout, cluster: Cluster, laws: Laws, tokens: Array) -> Array:
    """What memory's speed sets: kept numbers some times over, casts, logits; and launches."""
    whole = work.kept_whole / np.where(layout.sequence_parallel > 0, layout.tensor, 1.0)
    split = (work.kept_split + work.kept_routed) / layout.tensor
    kept = (whole + split) / layout.pipeline
    narrow = cluster.peak > 1.5 * cluster.half_peak  # products of 8 or 4 bits
    scaled = 1 + laws.software.block_scaled * (laws.block_passes - 1)
    cast = np.where(narrow, laws.cast_passes * scaled, 0.0)
    logits = work.vocabulary / layout.tensor * FULL * _LOGIT_PASSES
    stages = 1 / layout.pipeline
    logits = logits * (stages + laws.uneven_stages * (1 - stages))
    moved = tokens * (kept * HALF * (passes(laws) + cast) + logits)
    launches = work.layers / layout.pipeline * laws.layer_seconds
    return np.asarray(moved / cluster.bandwidth + launches)


def _again(
    work: Work, layout: Layout, cluster: Cluster, laws: Laws, micro: _Micro, forward: Array
) -> Array:
    """Forward work done again: whole blocks with their collectives, or the cheap parts alone."""
    whole = layout.recompute_share * (forward + (micro.pointwise + micro.tensor) / 3)
    cheap = work.kept_cheap / (work.kept_whole + work.kept_split + work.kept_routed)
    part = np.where(layout.fused_attention > 0, micro.pointwise * cheap, micro.attention) / 3
    return np.asarray(
        np.where(layout.recompute >= 2, whole, np.where(layout.recompute >= 1, part, 0.0))
    )


def _tensor(work: Work, layout: Layout, cluster: Cluster, laws: Laws, tokens: Array) -> Array:
    """Four gathers and four reductions a block (two of each a pass), each of all the tokens.

    An all-reduce is both at once, so that splitting the sequence moves no more bytes (Korthikanti
    et al. 2022, arXiv:2205.05198, section 4.2.2) but lets products hide some.
    """
    one = gather_seconds(tokens * work.width * HALF, layout.tensor, np.asarray(1.0), cluster, laws)
    calls = 8 * work.layers / layout.pipeline
    hidden = np.where(layout.sequence_parallel > 0, laws.tensor_exposed, 1.0)
    return np.asarray(np.where(layout.tensor > 1, calls * one * hidden, 0.0))


def _context(
    work: Work, layout: Layout, cluster: Cluster, laws: Laws, tokens: Array, window: Array
) -> Array:
    """Keys and values of all the sequence to every rank, and their gradients back: 3 passes."""
    if np.all(layout.context == 1):
        return np.zeros(())
    split = np.minimum(layout.tensor, np.maximum(work.kv_heads, 1.0))
    payload = work.cache_width * tokens * layout.context / split / layout.pipeline * HALF
    taken = 3 * gather_seconds(payload, layout.context, layout.tensor, cluster, laws)
    return np.asarray(
        np.where(layout.context > 1, exposed(taken, window, laws.context_exposed), 0.0)
    )


def _expert(work: Work, layout: Layout, cluster: Cluster, laws: Laws, tokens: Array) -> Array:
    """Tokens to their experts and back, twice; sorting them; time that no size explains."""
    if not np.any(work.experts > 0):
        return np.zeros(())
    copies = np.maximum(work.top_k, 1.0)
    mine = work.routed_layers / layout.pipeline
    sent = tokens / layout.tensor * copies * _sent_width(work) * HALF
    ranks = layout.expert * layout.expert_tensor
    one = all_to_all_seconds(sent, copies, ranks, np.asarray(1.0), cluster, laws)
    moved = sent * laws.permute_passes / cluster.bandwidth
    taken = np.where(layout.expert > 1, 4 * one * laws.expert_exposed, 0.0)
    held = work.experts * layout.expert_tensor / ranks
    fixed = laws.routed_seconds + held * laws.expert_seconds
    return np.asarray(mine * (taken + moved + fixed) * routing_age(laws))


def _sent_width(work: Work) -> Array:
    """Width in which tokens go to experts: the model's, or a latent one (Nemotron 3).

    Kept numbers of a token and expert are l + m w, weights of an expert l m w, for m = 2 or 3
    matrices of inner width w: l follows.
    """
    layers, chosen = np.maximum(work.routed_layers, 1.0), np.maximum(work.top_k, 1.0)
    kept = work.kept_routed / (layers * chosen)
    weights = work.expert_matrices / (layers * np.maximum(work.experts, 1.0))
    plain, gated = kept - 2 * work.expert_width, kept - 3 * work.expert_width
    off_plain = np.abs(plain * 2 * work.expert_width - weights)
    off_gated = np.abs(gated * 3 * work.expert_width - weights)
    return np.asarray(np.where(off_plain < off_gated, plain, gated))


def _pipeline(work: Work, layout: Layout, cluster: Cluster, laws: Laws, tokens: Array) -> Array:
    """Activations to the next stage and gradients back, once for every chunk of a stage."""
    split = np.where(layout.sequence_parallel > 0, layout.tensor, 1.0)
    span = layout.accelerators / layout.pipeline
    one = send_seconds(tokens * work.width * HALF / split, span, cluster, laws)
    taken = 2 * layout.virtual * one * laws.pipeline_exposed
    return np.asarray(np.where(layout.pipeline > 1, taken, 0.0))


def _data(
    work: Work,
    layout: Layout,
    cluster: Cluster,
    laws: Laws,
    frozen: Array | float,
    busy: Array,
) -> Array:
    """Gradients and sharded weights over data-parallel ranks.

    Stages 0 to 2: one reduction of gradients and one gather of weights a step, hidden behind one
    micro-batch. Stage 3 gathers weights forward and backward and reduces gradients with every
    micro-batch, hidden behind its arithmetic.
    """
    dense = (work.matrices + work.other_parameters) / (layout.tensor * layout.pipeline)
    dense = dense + work.tables / layout.tensor / layout.pipeline
    ranks = layout.data * layout.context
    taken = gather_seconds(dense * HALF, layout.sharers, layout.tensor, cluster, laws)
    if np.any(work.experts > 0):
        stride = layout.expert * layout.expert_tensor
        held = work.expert_matrices / (layout.pipeline * stride)
        copies = np.maximum(layout.expert_copies, 1.0)
        experts = gather_seconds(held * HALF, copies, stride, cluster, laws)
        taken = taken + np.where(work.experts > 0, experts, 0.0)
    once = exposed((3 - 2 * frozen) * taken, busy, laws.data_exposed)  # 32-bit gradients, weights
    always = exposed((3 - frozen) * taken, busy * laws.gather_window, laws.gather_exposed)
    sharded = layout.sharding >= 3
    return np.asarray(
        np.where(ranks > 1, np.where(sharded, always * layout.microbatches, once), 0.0)
    )


def _optimiser(
    work: Work, layout: Layout, cluster: Cluster, laws: Laws, frozen: Array | float
) -> tuple[Array, Array]:
    """The pass over weights, gradients and moments, and their way to the host and back."""
    mine = work.parameters - work.expert_matrices
    mine = mine / (layout.tensor * layout.pipeline)
    routed = work.expert_matrices / (layout.pipeline * layout.expert * layout.expert_tensor)
    split = layout.sharding > 0
    weights = mine / np.where(split, layout.sharers, 1.0)
    weights = weights + routed / np.where(split, np.maximum(layout.expert_copies, 1.0), 1.0)
    moved = (1 - frozen) * weights * laws.optimiser_bytes
    near = moved * (1 - layout.offload) / cluster.bandwidth
    return np.asarray(near), np.asarray(moved * layout.offload / cluster.host_rate)
