"""Bytes on one accelerator in a training step, by part, for one layout or a million of them."""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from groundup.facts.estimate import Array
from groundup.training.activations import Kept, head, kept
from groundup.training.layout import Layout
from groundup.training.pipeline import chunks, in_flight, in_flight_last
from groundup.training.states import Formats
from groundup.training.work import Work


@dataclass(frozen=True)
class Memory:
    """Bytes on the fullest accelerator by part, and what its host holds for it."""

    weights: Array
    """Weights in the format of the passes."""
    gradients: Array
    """Gradients that the optimiser reads."""
    optimiser: Array
    """Master weights and moments on the accelerator."""
    gathered: Array
    """Layers that FSDP gathered, and their gradients before they are scattered."""
    activations: Array
    """Values kept for the backward passes of all micro-batches in flight."""
    working: Array
    """Values of the one layer that is computed: what recomputation restores, gathered inputs."""
    loss: Array
    """Logits, their softmax and gradients."""
    fixed: Array
    """Driver context, communication buffers: what the allocator does not see."""
    host: Array
    """Optimiser state in the host's memory."""

    @property
    def states(self) -> Array:
        """Weights, gradients and optimiser state."""
        return np.asarray(self.weights + self.gradients + self.optimiser)

    @property
    def allocated(self) -> Array:
        """What the framework's allocator has taken."""
        moving = self.gathered + self.activations + self.working + self.loss
        return np.asarray(self.states + moving)

    @property
    def total(self) -> Array:
        """All bytes on the accelerator."""
        return np.asarray(self.allocated + self.fixed)


@dataclass(frozen=True)
class _Rates:
    """Bytes of one parameter's states on one rank of a stage, sharding and tensor ranks counted."""

    weights: Array
    gradients: Array
    optimiser: Array
    host: Array
    on_card: Array
    """Weights, gradients and what stays of the optimiser."""


@dataclass(frozen=True)
class _Stage:
    """What differs between stages: layers, table weights, micro-batches in flight, loss or not."""

    layers: Array
    tables: Array
    flight: Array
    loss: Array


def memory(work: Work, layout: Layout, formats: Formats, fixed: float = 0.0) -> Memory:
    """Bytes by part on the fullest stage's accelerator.

    ZeRO stages after Rajbhandari et al. 2019 (arXiv:1910.02054, section 5); a pipeline holds whole
    gradients until its last micro-batch, so stage 2 shards none of them there. Activations after
    Korthikanti et al. 2022 (arXiv:2205.05198), see `groundup.training.activations`. `fixed`: bytes
    of driver context and communication buffers.
    """
    found = _parts(work, layout, formats)
    first, inner, last = _stages(work, layout)
    begins, between, ends = found.total(first), found.total(inner), found.total(last)
    fuller = begins >= between
    stage = _fuller(ends > np.maximum(begins, between), last, _fuller(fuller, first, inner))
    return found.memory(stage, fixed)


def total(work: Work, layout: Layout, formats: Formats, fixed: float = 0.0) -> Array:
    """`memory(...).total` without its parts: for searches."""
    found = _parts(work, layout, formats)
    first, inner, last = (found.total(stage) for stage in _stages(work, layout))
    return np.asarray(np.maximum(np.maximum(first, inner), last) + fixed)


@dataclass(frozen=True)
class _Parts:
    """Bytes for each layer and for each table weight, so that stages are sums of few products."""

    dense: Array
    """Weights of a layer's shared part on one tensor rank."""
    expert: Array
    """Weights of a layer's routed experts on one rank."""
    tensor: Array
    rates: _Rates
    expert_rates: _Rates
    kept: Kept
    loss: Array
    gathered: Array
    gathered_table: Array

    def total(self, stage: _Stage) -> Array:
        states = self.dense * self.rates.on_card + self.expert * self.expert_rates.on_card
        each = states + stage.flight * self.kept.layer
        table = stage.tables / self.tensor
        kept = stage.layers * each + table * (self.rates.on_card + self.gathered_table)
        return np.asarray(kept + self.gathered + self.kept.working + stage.loss * self.loss)

    def memory(self, stage: _Stage, fixed: float) -> Memory:
        dense = stage.layers * self.dense + stage.tables / self.tensor
        expert = stage.layers * self.expert

        def summed(name: str) -> Array:
            shared, routed = getattr(self.rates, name), getattr(self.expert_rates, name)
            return np.asarray(dense * shared + expert * routed)

        gathered = self.gathered + stage.tables / self.tensor * self.gathered_table
        return Memory(
            weights=summed("weights"),
            gradients=summed("gradients"),
            optimiser=summed("optimiser"),
            gathered=np.asarray(gathered),
            activations=np.asarray(stage.layers * stage.flight * self.kept.layer),
            working=np.asarray(self.kept.working),
            loss=np.asarray(stage.loss * self.loss),
            fixed=np.asarray(fixed),
            host=summed("host"),
        )


def _fuller(yes: NDArray[np.bool_], one: _Stage, other: _Stage) -> _Stage:
    pairs = zip(astuple(one), astuple(other), strict=True)
    return _Stage(*(np.where(yes, left, right) for left, right in pairs))


def _parts(work: Work, layout: Layout, formats: Formats) -> _Parts:
    stage, ranks = layout.sharding, layout.tensor
    sharers, copies = layout.sharers, layout.expert_copies
    split = layout.expert * layout.expert_tensor
    dense = (work.matrices + work.other_parameters) / work.layers / ranks
    expert = work.expert_matrices / work.layers / split
    routed = work.expert_matrices / np.maximum(work.routed_layers, 1.0) / split
    reduced = formats.trained * formats.reduced
    full = np.where((stage == 3) & (sharers > 1), formats.gathered, 0.0)
    moving = 2.0 * full + np.where((stage >= 2) & (sharers > 1), reduced, 0.0)
    return _Parts(
        dense=dense,
        expert=expert,
        tensor=ranks,
        rates=_rates(layout, formats, sharers),
        expert_rates=_rates(layout, formats, np.minimum(sharers, copies)),
        kept=kept(work, layout, formats),
        loss=head(work, layout, formats),
        gathered=np.asarray((dense + routed) * moving),
        gathered_table=full,
    )


def _rates(layout: Layout, formats: Formats, sharers: Array) -> _Rates:
    stage = layout.sharding
    weights = np.where(stage >= 3, formats.sharded_weight / sharers, formats.weight)
    scattered = (stage >= 3) | ((stage == 2) & (layout.pipeline == 1))
    gradients = formats.trained * formats.gradient / np.where(scattered, sharers, 1.0)
    kept_by = np.where(stage >= 1, sharers, 1.0)
    optimiser = formats.trained * (formats.master + formats.moments) / kept_by
    here = optimiser * (1.0 - layout.offload)
    host = optimiser * layout.offload
    return _Rates(weights, gradients, here, host, weights + gradients + here)


def _stages(work: Work, layout: Layout) -> tuple[_Stage, _Stage, _Stage]:
    """First, second and last stage: one of them is the fullest.

    Layers are cut into p v chunks; where they do not divide evenly, the first and the last stage,
    which have the embedding and the head, have fewer (Llama 3 405B: 126 layers, 16 stages).
    """
    ranks = layout.pipeline
    whole = np.minimum(
        np.ceil(work.layers / (ranks * layout.virtual)) * layout.virtual, work.layers
    )
    ends = whole - np.minimum((whole * ranks - work.layers) / 2.0, whole)
    table, none = work.vocabulary * work.width, np.zeros(())
    alone = ranks == 1
    first, last = in_flight(layout), in_flight_last(layout)
    parts = chunks(layout)
    second = np.maximum(first - np.where(parts > 1, 2.0 / parts, 1.0), last)
    return (
        _Stage(ends, np.asarray(table), first, none),
        _Stage(whole, none, second, none),
        _Stage(
            ends,
            np.asarray(table * np.where(alone, 2.0 - work.tied, 1.0)),
            last,
            np.ones(()),
        ),
    )
