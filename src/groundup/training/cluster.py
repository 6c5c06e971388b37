"""The machines a step runs on, as plain arrays in SI units."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from groundup.chips.catalogue import chip, figure, known
from groundup.chips.gemm import gemm_share
from groundup.chips.kernels import attention_share
from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.facts.estimate import Array, Estimate

FORMATS = {
    "fp4": ("fp4", "fp8", "bf16"),
    "fp8": ("fp8", "bf16"),
    "bf16": ("bf16", "fp16"),
    "fp16": ("fp16", "bf16"),
    "fp32": ("fp32",),
    "tf32": ("tf32",),
}
"""Formats in which a chip without the one asked for computes instead, nearest first."""
_SECOND = "flash2"
"""The attention kernel before the one made for a die."""


def _one() -> Array:
    return np.asarray(1.0)


@dataclass(frozen=True)
class Cluster:
    """One accelerator and its links; every field broadcasts with layouts and draws."""

    peak: Array
    """Dense matrix-product peak in the format of the products, FLOP/s."""
    half_peak: Array
    """The same in 16 bits, for what does not run in the format of the products (attention)."""
    memory: Array
    """Bytes of memory."""
    bandwidth: Array
    """Bytes/s of memory."""
    power: Array
    """Design power, W."""
    scale_up: Array
    """Accelerators of a scale-up domain (NVLink): 8 of a board, 72 of a rack."""
    scale_up_rate: Array
    """Bytes/s that one accelerator sends one way inside the domain."""
    scale_out_rate: Array
    """Bytes/s that one accelerator sends one way between domains."""
    scale_up_latency: Array
    """Seconds of one step of a collective inside the domain."""
    scale_out_latency: Array
    """Seconds of one step between domains."""
    host_rate: Array
    """Bytes/s between an accelerator and its host's memory, one way."""
    matmul_share: Array = field(default_factory=_one)
    """Share of `peak` that the best large matrix product reaches under the chip's power."""
    half_share: Array = field(default_factory=_one)
    """The same of `half_peak`."""
    relative_power: Array = field(default_factory=_one)
    """Design power for a 16-bit operation against the chip of the same architecture that is the
    reference (facts `training.watts.*`); 1 where there is none."""
    attention_share: Array = field(default_factory=_one)
    """Share of `half_peak` that the best attention kernel on record for the die reaches."""
    second_attention_share: Array = field(default_factory=_one)
    """The same of FlashAttention-2."""
    first_attention_share: Array = field(default_factory=_one)
    """The same of FlashAttention."""


def cluster_of(
    accelerator: str,
    facts: Catalogue,
    number_format: str = "bf16",
    *,
    samples: int = 0,
    scale_up: float | None = None,
    scale_out_gbit_per_s: float | None = None,
) -> Cluster:
    """The accelerator of the catalogue with the links it is sold with; shapes (1 + samples,).

    A format that the chip lacks is computed in the next wider one. `scale_up` and
    `scale_out_gbit_per_s` take the place of the usual domain and of the usual network card
    (facts `training.domain.*`, `training.nic.*`). NoDataError without peak, power or memory, and
    for families that the law of matrix products was not fitted on.
    """
    half, word = (
        number_format_of(accelerator, "bf16", facts),
        number_format_of(accelerator, number_format, facts),
    )
    inside = usual_domain(accelerator, facts) if scale_up is None else scale_up
    outside = scale_out_gbit_per_s or usual_nic(accelerator, facts)

    def of(quantity: str, unit: str) -> Array:
        return figure(accelerator, quantity, facts, samples).to(unit).samples

    host = facts.estimate("training.host.rate", samples).to("byte/s").samples
    link = known(accelerator, "link", facts, samples)
    newest, second = _attention(accelerator, facts, samples)
    gain = facts.estimate("training.attention.first_of_second", samples).samples
    return Cluster(
        peak=of(f"peak.{word}.dense", "FLOP/(s*accelerator)"),
        half_peak=of(f"peak.{half}.dense", "FLOP/(s*accelerator)"),
        memory=of("memory", "byte/accelerator"),
        bandwidth=of("bandwidth", "byte/(s*accelerator)"),
        power=of("tdp", "W/accelerator"),
        scale_up=np.asarray([inside]),
        scale_up_rate=_one_way(link) if link is not None and inside > 1 else host,
        scale_out_rate=np.asarray([outside * 1e9 / 8]),
        scale_up_latency=facts.estimate("training.latency.scale_up", samples).to("s").samples,
        scale_out_latency=facts.estimate("training.latency.scale_out", samples).to("s").samples,
        host_rate=host,
        matmul_share=gemm_share(accelerator, word, facts, samples).samples,
        half_share=gemm_share(accelerator, half, facts, samples).samples,
        relative_power=_relative_power(accelerator, half, facts, samples),
        attention_share=newest,
        second_attention_share=second,
        first_attention_share=second * gain,
    )


def usual_domain(accelerator: str, facts: Catalogue) -> float:
    """Accelerators of the scale-up domain it is sold in; 1 where none is on record."""
    for prefix in ("training.domain.", "networks.domain."):
        if prefix + accelerator in facts:
            return facts[prefix + accelerator].value
    return 1.0


def usual_nic(accelerator: str, facts: Catalogue) -> float:
    """Gbit/s one way of the network card beside one accelerator; NoDataError where unknown."""
    key = f"training.nic.{accelerator}"
    if key not in facts:
        raise NoDataError(
            f"no usual network rate for {accelerator}; give scale_out_gbit_per_s, or a fact `{key}`"
        )
    return facts[key].value


def number_format_of(accelerator: str, wanted: str, facts: Catalogue) -> str:
    """The format asked for, or the next wider one that the chip has; NoDataError without any."""
    for word in FORMATS.get(wanted, (wanted,)):
        if f"chips.{accelerator}.peak.{word}.dense" in facts:
            return word
    raise NoDataError(f"{accelerator}: no dense peak in {wanted} on record, nor in a wider format")


def _one_way(link: Estimate) -> Array:
    return np.asarray(link.to("byte/(s*accelerator)").samples / 2)


def _relative_power(accelerator: str, half: str, facts: Catalogue, samples: int) -> Array:
    key = f"training.watts.{chip(accelerator).die}"
    if key not in facts:
        return np.ones(samples + 1)
    power = figure(accelerator, "tdp", facts, samples)
    peak = figure(accelerator, f"peak.{half}.dense", facts, samples)
    return np.asarray((power / peak / facts.estimate(key, samples)).samples)


def _attention(accelerator: str, facts: Catalogue, samples: int) -> tuple[Array, Array]:
    """Shares of the newest kernel and of FlashAttention-2; a die without any has a prior's."""
    prior = facts.estimate("training.attention.prior", samples).samples
    try:
        best = attention_share(accelerator, facts, samples)[0].samples
    except NoDataError:
        return prior, prior
    try:
        return best, attention_share(accelerator, facts, samples, _SECOND)[0].samples
    except NoDataError:
        return best, best
