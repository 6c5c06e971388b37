"""Bytes kept for the backward pass: by one layer, by the layer at work, by the loss.

Korthikanti et al. 2022 (arXiv:2205.05198) count s b h (34 + 5 a s/h) bytes for a layer of GPT with
dropout and an unfused attention kernel; `Work` carries the same count for any architecture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from groundup.facts.estimate import Array
from groundup.training.layout import BLOCKS, CHEAP, NOTHING, PRODUCTS, Layout
from groundup.training.states import Formats
from groundup.training.work import Work

_WHOLE_LEFT, _SPLIT_LEFT = 0.75, 0.5
"""What torchtitan's selective checkpointing per operation leaves of a block of Llama: its input,
the outputs of the query, value, gate (or up) and down projections (every second product) and of
attention; 3 of 4 values that are as wide as the model, half of those inside."""


@dataclass(frozen=True)
class Kept:
    """Bytes on one accelerator."""

    layer: Array
    """Kept by one average layer for one micro-batch."""
    working: Array
    """One layer while its backward pass runs: what recomputation restores, gathered sequences."""


def kept(work: Work, layout: Layout, formats: Formats) -> Kept:
    """Bytes kept by an average layer, and the working set of one layer, for one micro-batch.

    Without sequence parallelism every tensor rank keeps norms' and products' inputs whole (eq. 2
    and 4 of Korthikanti et al.); whole recomputation keeps a block's input, 2 s b h (section 5).
    """
    layers, ranks, tokens = work.layers, layout.tensor, layout.tokens
    outer = np.where(layout.sequence_parallel > 0, ranks, 1.0)
    number = formats.activation
    whole = work.kept_whole * (number / layers)
    masks = work.width * formats.dropout
    inside = (work.kept_split + work.kept_routed) * (number / layers)
    everything = (whole + masks) / outer + inside / ranks
    kind = layout.recompute
    cheap = work.kept_cheap * (number / layers) / ranks
    scores = _scores(work, layout, formats)
    block = work.width * number / outer
    share = layout.recompute_share
    left = np.where(kind == NOTHING, everything + scores, everything)
    left = np.where((kind == CHEAP) & (layout.fused_attention > 0), left - cheap, left)
    left = np.where(kind == BLOCKS, share * block + (1.0 - share) * (everything + scores), left)
    some = _WHOLE_LEFT * (whole / outer) + _SPLIT_LEFT * (inside / ranks - cheap)
    left = np.where(kind == PRODUCTS, some, left)
    again = np.where((kind == BLOCKS) | (kind == PRODUCTS), 1.0, _SPLIT_LEFT)
    at_work = again * ((whole + masks) + inside / ranks + scores)
    return Kept(np.asarray(tokens * left), np.asarray(tokens * at_work))


def _scores(work: Work, layout: Layout, formats: Formats) -> Array:
    """Bytes of attention scores a token and layer keeps where the kernel stores them."""
    stored = 1.0 - layout.fused_attention
    heads = work.score_heads / work.layers / layout.tensor
    return np.asarray(stored * heads * layout.sequence * formats.score)


def head(work: Work, layout: Layout, formats: Formats) -> Array:
    """Bytes of the loss of one micro-batch: logits and the head's input, before and after its norm.

    Tensor ranks split the vocabulary; the head's input is gathered over them. A pipeline may keep
    the logits of all micro-batches of the step (`Formats.cached_logit`).
    """
    cached = np.where(layout.pipeline > 1, layout.microbatches * formats.cached_logit, 0.0)
    logits = work.vocabulary / layout.tensor * (formats.logit + cached)
    return np.asarray(layout.tokens * (logits + 2.0 * formats.activation * work.width))
