"""The `[training]` table of a stack file."""

from __future__ import annotations

from dataclasses import dataclass

from groundup.facts.check import in_range, one_of

SCHEDULES = {"1f1b": 0.0, "zero-bubble": 1.0, "gpipe": 2.0}
"""Pipeline schedules by the number that `training.layout` gives them."""
RECOMPUTE = {"none": 0.0, "selective": 1.0, "full": 2.0}
"""Degrees of recomputation by the number that `training.layout` gives them."""
DEGREES = (
    "tensor_parallel", "pipeline_parallel", "virtual_stages", "schedule", "context_parallel",
    "expert_parallel", "sharding", "shard_group", "microbatch", "recompute", "offload",
)  # fmt: skip
"""Keys that state a layout."""


@dataclass(frozen=True)
class TrainingConfig:
    """Optimiser, layout and safety of a training run."""

    optimiser: str = "muon"
    """`muon` (matrices by Muon, the rest by AdamW) or `adamw`."""

    precision: str = "bf16"
    """Number format of matrix products that the plan prices: `bf16` or `fp8`."""

    formats: str = ""
    """Recipe of number formats of a cluster's states: `mixed-adam`, `megatron-adam`, `fsdp-adam`,
    `bf16-adam`, `adam8bit`, `muon`, `fp8`, `fp8-deepseek`, `fp8-msamp`; empty for the
    optimiser's."""

    layout: str = "auto"
    """`auto`: the layout that the keys below state if any of them is set, else the fastest that
    fits, found by search; `stated`: the keys below; `search`: the fastest, whatever they say."""

    tensor_parallel: int = 1
    """Accelerators that share one layer's matrices."""

    pipeline_parallel: int = 1
    """Stages that the layers are cut into."""

    virtual_stages: int = 1
    """Chunks of layers that one stage interleaves."""

    schedule: str = "1f1b"
    """Pipeline schedule: `1f1b` (interleaved with virtual stages), `zero-bubble` or `gpipe`."""

    context_parallel: int = 1
    """Accelerators that share one sequence."""

    expert_parallel: int = 1
    """Accelerators that share the routed experts of a layer."""

    sharding: int = 1
    """ZeRO stage over data-parallel ranks: 0 none, 1 optimiser, 2 gradients too, 3 weights too
    (FSDP)."""

    shard_group: int = 0
    """Accelerators that share one copy of the sharded states (HSDP); 0 for all of them."""

    microbatch: int = 1
    """Sequences that one data-parallel rank computes at once."""

    recompute: str = "selective"
    """What the backward pass computes again: `none`, `selective` (cheap operations) or `full`
    (whole blocks)."""

    offload: float = 0.0
    """Share of the optimiser state that is kept in the hosts' memory."""

    batch_tokens: int = 0
    """Tokens of one optimiser step; 0 lets the recipe choose."""

    sequence: int = 0
    """Tokens of one training sequence; 0 lets the recipe choose."""

    checkpoint: str = "asynchronous"
    """How a cluster's run keeps checkpoints: `blocking` (training waits for the store),
    `asynchronous` (it waits for the copy to the hosts' memory) or `in-memory` (peers keep it)."""

    checkpoint_seconds: float = 20.0
    """Seconds between two checkpoints of a run on this machine."""

    deadline_days: float | None = None
    """Days within which training must end; the planner compares it with what the layers allow."""

    def __post_init__(self) -> None:
        one_of("training.optimiser", self.optimiser, ("muon", "adamw"))
        one_of("training.precision", self.precision, ("bf16", "fp8"))
        one_of("training.checkpoint", self.checkpoint, ("blocking", "asynchronous", "in-memory"))
        one_of("training.layout", self.layout, ("auto", "stated", "search"))
        one_of("training.schedule", self.schedule, tuple(SCHEDULES))
        one_of("training.recompute", self.recompute, tuple(RECOMPUTE))
        in_range("training.virtual_stages", self.virtual_stages, 1)
        in_range("training.expert_parallel", self.expert_parallel, 1)
        in_range("training.sharding", self.sharding, 0, 3)
        in_range("training.shard_group", self.shard_group, 0)
        in_range("training.microbatch", self.microbatch, 1)
        in_range("training.offload", self.offload, 0, 1)
        in_range("training.tensor_parallel", self.tensor_parallel, 1)
        in_range("training.pipeline_parallel", self.pipeline_parallel, 1)
        in_range("training.context_parallel", self.context_parallel, 1)
        in_range("training.batch_tokens", self.batch_tokens, 0)
        in_range("training.sequence", self.sequence, 0)
        in_range("training.checkpoint_seconds", self.checkpoint_seconds, 0.1)
        if self.deadline_days is not None:
            in_range("training.deadline_days", self.deadline_days, 0)
