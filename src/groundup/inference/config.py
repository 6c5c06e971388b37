"""The `[inference]` table of a stack file."""

from __future__ import annotations

from dataclasses import dataclass

from groundup.facts.check import in_range, one_of
from groundup.facts.errors import ConfigError


@dataclass(frozen=True)
class InferenceConfig:
    """How the trained model is served."""

    quantise: str = "int8"
    """`int8` (weights, one scale per output row) or `none`; the plan also prices `fp8` (weights and
    products), `int4`, `mxfp4` (weights alone) and `nvfp4`."""

    kv_format: str = "bf16"
    """Format of cached keys and values, for the plan: `bf16` or `fp8`."""

    prompt_tokens: int = 384
    """Mean tokens of a prompt, for the plan."""

    output_tokens: int = 120
    """Mean tokens of an answer, for the plan."""

    accelerators_per_replica: int = 1
    """Accelerators that hold one copy of the model when serving, for the plan."""

    data_parallel: int = 1
    """Copies of attention and its cache inside a replica, for the plan; the rest of
    `accelerators_per_replica` splits each of them (tensor parallelism)."""

    expert_parallel: int = 1
    """Accelerators over which routed experts are spread as wholes, for the plan of a mixture
    model."""

    batch: int = 1
    """Requests decoded together on one replica, for the plan."""

    peak_utilisation: float = 0.6
    """Share of what a replica can answer that the busiest hour asks of it, for the plan; waits
    grow without bound as it nears 1 (`groundup simulate --size` finds what limits allow)."""

    chunk_tokens: int = 8192
    """Prompt tokens that one step reads at most, for the plan: fewer keep other answers flowing,
    more bring the first token sooner."""

    prefix_hit_rate: float = 0.0
    """Share of prompt tokens whose keys and values are cached from earlier requests, for the
    plan."""

    guesses: int = 0
    """Tokens guessed and checked in a step (speculative decoding, multi-token prediction), for the
    plan; 0 for none."""

    acceptance: float = 0.7
    """Chance that a guess is accepted, for the plan (`inference.acceptance` has published ones)."""

    guess_cost: float = 0.075
    """One guess over one step of the model, for the plan."""

    overlapped: bool = False
    """Whether the host prepares the next step while the accelerators work (TensorRT-LLM, SGLang,
    vLLM from 0.14), for the plan."""

    disaggregated: bool = False
    """Whether prompts are read on replicas of their own, for the plan."""

    prefill_accelerators: int = 0
    """Accelerators of such a replica, for the plan; 0 for as many as a decoding one has."""

    def __post_init__(self) -> None:
        kinds = ("none", "int8", "fp8", "int4", "mxfp4", "nvfp4")
        one_of("inference.quantise", self.quantise, kinds)
        one_of("inference.kv_format", self.kv_format, ("bf16", "fp8"))
        for name in ("prompt_tokens", "output_tokens", "accelerators_per_replica", "data_parallel",
                     "expert_parallel", "batch", "chunk_tokens"):  # fmt: skip
            in_range(f"inference.{name}", getattr(self, name), 1)
        for name in ("guesses", "prefill_accelerators"):
            in_range(f"inference.{name}", getattr(self, name), 0)
        in_range("inference.peak_utilisation", self.peak_utilisation, 0.01, 1)
        for name in ("prefix_hit_rate", "acceptance", "guess_cost"):
            in_range(f"inference.{name}", getattr(self, name), 0, 1)
        if self.accelerators_per_replica % self.data_parallel:
            raise ConfigError(
                f"inference.data_parallel = {self.data_parallel}: must divide "
                f"inference.accelerators_per_replica = {self.accelerators_per_replica}"
            )
