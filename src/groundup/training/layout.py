"""How a training step is spread over accelerators: one layout, or a million of them, as arrays."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from groundup.facts.estimate import Array

ONE_F_ONE_B, ZERO_BUBBLE, GPIPE, ZERO_BUBBLE_DEEP = 0, 1, 2, 3
"""Pipeline schedules: one forward one backward (interleaved where `virtual` > 1), backward split
into input and weight gradients (ZB-H1 of Qi et al. 2023, arXiv:2401.10241), all forwards first, and
the split one that keeps twice as many micro-batches and has no bubble (ZB-H2)."""

NOTHING, CHEAP, BLOCKS, PRODUCTS = 0, 1, 2, 3
"""What is recomputed: nothing; cheap operations; whole blocks; all but attention and every second
matrix product (selective checkpointing per operation, as torchtitan does)."""


def _one() -> Array:
    return np.asarray(1.0)


def _zero() -> Array:
    return np.asarray(0.0)


@dataclass(frozen=True)
class Layout:
    """Degrees and choices; every field broadcasts with every other."""

    accelerators: Array
    """All of the job."""
    sequence: Array
    """Tokens of a sequence."""
    batch: Array
    """Sequences of an optimiser step, all data-parallel ranks together."""
    microbatch: Array = field(default_factory=_one)
    """Sequences that a data-parallel rank computes at once."""
    tensor: Array = field(default_factory=_one)
    """Tensor-parallel ranks (Shoeybi et al. 2019, arXiv:1909.08053)."""
    sequence_parallel: Array = field(default_factory=_one)
    """1 where norms and residuals are split over the tensor ranks too (Korthikanti et al. 2022,
    arXiv:2205.05198)."""
    pipeline: Array = field(default_factory=_one)
    """Pipeline stages."""
    virtual: Array = field(default_factory=_one)
    """Model chunks of one stage, interleaved (Narayanan et al. 2021, arXiv:2104.04473)."""
    schedule: Array = field(default_factory=_zero)
    """ONE_F_ONE_B, ZERO_BUBBLE, GPIPE or ZERO_BUBBLE_DEEP."""
    context: Array = field(default_factory=_one)
    """Context-parallel ranks: parts of one sequence (ring attention, Liu et al. 2023)."""
    expert: Array = field(default_factory=_one)
    """Expert-parallel ranks, taken from data x context x tensor ranks of a stage."""
    expert_tensor: Array = field(default_factory=_one)
    """Tensor-parallel ranks inside one expert."""
    sharding: Array = field(default_factory=_one)
    """ZeRO stage 0 to 3 over data x context ranks; 3 is FSDP (Rajbhandari et al. 2019,
    arXiv:1910.02054; Zhao et al. 2023, arXiv:2304.11277)."""
    shard_group: Array = field(default_factory=_zero)
    """Ranks that share one copy of the sharded states (HSDP); 0 for all data x context ranks."""
    recompute: Array = field(default_factory=_zero)
    """0 keeps activations, 1 recomputes the cheap ones (attention scores without a fused kernel,
    activation function), 2 whole blocks, 3 all but attention and every second matrix product."""
    recompute_share: Array = field(default_factory=_one)
    """Share of the layers that recompute whole blocks where `recompute` is 2."""
    offload: Array = field(default_factory=_zero)
    """Share of the optimiser state in the host's memory (Ren et al. 2021, arXiv:2101.06840)."""
    fused_attention: Array = field(default_factory=_one)
    """1 where the attention kernel never stores scores (Dao et al. 2022, arXiv:2205.14135)."""

    @property
    def data(self) -> Array:
        """Data-parallel ranks."""
        return np.asarray(self.accelerators / (self.tensor * self.pipeline * self.context))

    @property
    def microbatches(self) -> Array:
        """Micro-batches of a pipeline in one step."""
        return np.asarray(self.batch / (self.data * self.microbatch))

    @property
    def sharers(self) -> Array:
        """Ranks over which sharded states of dense weights are split."""
        everyone = self.data * self.context
        return np.asarray(np.where(self.shard_group > 0, self.shard_group, everyone))

    @property
    def expert_copies(self) -> Array:
        """Ranks that hold the same expert: the data-parallel ranks of expert weights."""
        stage = self.accelerators / self.pipeline
        return np.asarray(stage / (self.expert * self.expert_tensor))

    @property
    def tokens(self) -> Array:
        """Tokens of a micro-batch on one rank."""
        return np.asarray(self.microbatch * self.sequence / self.context)
