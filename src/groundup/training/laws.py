"""What training kernels, links and hosts reach of the peaks: a few fitted constants, as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

import numpy as np

from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Array

REFERENCE_YEAR = 2026.0
"""Date of the software that the laws of dated overheads are stated for."""
_PREFIX = "training.law."


def _zero() -> Array:
    return np.asarray(0.0)


def _newest() -> Array:
    return np.asarray(3.0)


def _now() -> Array:
    return np.asarray(REFERENCE_YEAR)


@dataclass(frozen=True)
class Software:
    """What the laws depend on of a framework; every field broadcasts with layouts."""

    eager: Array = field(default_factory=_zero)
    """1 where operations run one by one as written (PyTorch without compilation or fused layers),
    0 where norms, activations and casts are fused, between where it is not known."""
    kernel: Array = field(default_factory=_newest)
    """Generation of the attention kernel: 1 FlashAttention, 2 FlashAttention-2, 3 one made for the
    die (FlashAttention-3 on Hopper)."""
    whole_scores: Array = field(default_factory=_zero)
    """1 where the attention kernel computes the scores that a causal mask throws away."""
    block_scaled: Array = field(default_factory=_zero)
    """1 where 8-bit or 4-bit products scale blocks (MXFP8, NVFP4), 0 for one scale a tensor."""
    year: Array = field(default_factory=_now)
    """Date of the software, years."""


@dataclass(frozen=True)
class Laws:
    """Constants of the step-time model and the software they speak of; all broadcast."""

    matmul_share: Array
    """In a training step, share of the speed that the best matrix product alone reaches."""
    power_exponent: Array
    """By which power of the chip's relative power that share grows: chips of one architecture with
    more power keep a higher clock in a long step."""
    matmul_traffic: Array
    """Share of a product's operands and result whose movement is not hidden by its arithmetic."""
    attention_share: Array
    """Attention, forward and backward, against the best forward kernel on long sequences."""
    attention_start: Array
    """Sequence length at which attention reaches half of its speed on long ones, tokens."""
    scan_share: Array
    """Share of the 16-bit peak that recurrences reach (state-space scans, delta rules)."""
    score_passes: Array
    """Times that scores go through memory, forward and backward, without a fused kernel."""
    pointwise_passes: Array
    """Times that each kept number goes through memory, forward and backward, operations fused."""
    eager_passes: Array
    """Times more of it where operations run one by one."""
    cast_passes: Array
    """Times that inputs of 8-bit and 4-bit products go through memory to be converted."""
    block_passes: Array
    """Times more of it where blocks are scaled."""
    layer_seconds: Array
    """Time of a block and micro-batch that no size explains: launches, tails of kernels, s."""
    tensor_exposed: Array
    """Share of tensor-parallel collectives that nothing hides."""
    context_exposed: Array
    """Share of context-parallel transfers that nothing hides."""
    expert_exposed: Array
    """Share of experts' all-to-all that nothing hides."""
    pipeline_exposed: Array
    """Share of sends between stages that nothing hides."""
    gather_exposed: Array
    """Share of gathers of sharded weights that nothing hides, however long the arithmetic."""
    gather_window: Array
    """Share of the arithmetic behind which gathers hide."""
    data_exposed: Array
    """Share of the reduction of gradients that nothing hides."""
    up_share: Array
    """Share of the scale-up links' rate that collectives reach."""
    out_share: Array
    """Share of the scale-out links' rate that collectives reach."""
    uneven_stages: Array
    """Share of the head's time that the last stage does not give away to the others."""
    expert_share: Array
    """Grouped products of experts against one product of the same shape."""
    permute_passes: Array
    """Times that routed tokens go through memory beside the products: sorting, weighing, adding."""
    routed_seconds: Array
    """Time of a routed layer and micro-batch that no size explains, at the reference year, s."""
    expert_seconds: Array
    """The same for each expert that a rank holds: launches and padding of its products, s."""
    routed_pace: Array
    """By what the logarithm of all time of routing falls in a year of software: fused sorting,
    overlapped all-to-all, captured graphs."""
    optimiser_bytes: Array
    """Bytes that an optimiser step moves for a weight."""
    software: Software = field(default_factory=Software)
    """Of the framework that runs."""


NAMES = tuple(one.name for one in fields(Laws) if one.name != "software")
"""The constants, in the order of the fit."""
SECONDS = ("layer_seconds", "routed_seconds", "expert_seconds")
"""Those that are times; the others are plain numbers or counts."""


def laws_of(facts: Catalogue, samples: int = 0, software: Software | None = None) -> Laws:
    """The fitted constants as 1 + `samples` draws (facts `training.law.*`).

    Without `software`: fused operations, the newest attention kernel, the reference year.
    """
    values = {name: facts.estimate(_PREFIX + name, samples) for name in NAMES}
    arrays = {
        name: value.to("s").samples if name in SECONDS else value.samples
        for name, value in values.items()
    }
    return laws_from(arrays, software or Software())


def laws_from(constants: Mapping[str, Array], software: Software) -> Laws:
    """Laws of given constants; the fit calls it with many rows of software at once."""
    return Laws(**{name: constants[name] for name in NAMES}, software=software)


def of_software(laws: Laws, software: Software) -> Laws:
    """The same constants under another framework."""
    return replace(laws, software=software)


def passes(laws: Laws) -> Array:
    """Times that kept numbers go through memory under the laws' software."""
    eager = laws.software.eager
    return np.asarray(laws.pointwise_passes * (1 + eager * (laws.eager_passes - 1)))


def routing_age(laws: Laws) -> Array:
    """Time of routing at the software's date over that at the reference year."""
    return np.asarray(np.exp(laws.routed_pace * (REFERENCE_YEAR - laws.software.year)))
