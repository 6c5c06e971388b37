"""One replica of a served model: the model, the accelerators that hold it, and their laws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from groundup.chips import catalogue as chips
from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.facts.estimate import Array
from groundup.inference.formats import SMALL, Format, format_name, format_of
from groundup.inference.laws import Laws, laws_of
from groundup.inference.served import Served, served_of
from groundup.models.architecture import Architecture
from groundup.systems.accelerator import accelerator

_BOARD = 8
"""Accelerators that share a scale-up domain where the catalogue has none for a chip: one server."""


@dataclass(frozen=True)
class Engine:
    """A replica as plain numbers and arrays in SI units; every field broadcasts with batches."""

    served: Served
    """Counts of the model."""
    ranks: Array
    """Accelerators of the replica: tensor x data."""
    tensor: Array
    """Ranks that share one attention and its cache."""
    data: Array
    """Copies of attention and cache, each with its own sequences (data-parallel attention)."""
    expert: Array
    """Ranks that routed experts are spread over as wholes; 1 where each holds a slice of all."""
    weight_bytes: Array
    """Bytes of a weight that every token passes."""
    expert_bytes: Array
    """Bytes of a weight of a routed expert."""
    cache_bytes: Array
    """Bytes of a cached number."""
    peak: Array
    """FLOP/s of one accelerator in the format of the products."""
    half_peak: Array
    """FLOP/s of one accelerator in 16 bits, for attention."""
    small_products: Array
    """1 where products are in 8 bits or fewer."""
    bandwidth: Array
    """Bytes/s of one accelerator's memory."""
    memory: Array
    """Bytes of one accelerator's memory."""
    usable: Array
    """Share of it for weights and cache."""
    domain: Array
    """Accelerators that share scale-up links."""
    link: Array
    """Bytes/s that one accelerator sends one way inside the domain."""
    network: Array
    """Bytes/s that one accelerator sends one way to another domain."""
    laws: Laws
    """Fitted constants."""


def engine_of(
    architecture: Architecture | Served,
    chip: str,
    facts: Catalogue,
    *,
    tensor: int = 1,
    expert: int = 1,
    data: int = 1,
    weight_format: str = "bf16",
    kv_format: str = "bf16",
    framework: str = "",
    samples: int = 0,
) -> Engine:
    """A replica of `tensor` x `data` accelerators of the catalogue.

    Formats of four bits are the routed experts' alone where a model has them; other matrices stay
    16-bit (gpt-oss, Kimi K2.5), embedding and head always. `framework` "overlapped" is one whose
    host prepares the next step while the accelerators work. Raises ConfigError for an unknown chip
    or format, NoDataError where a figure of the chip is not on record.
    """
    served = architecture if isinstance(architecture, Served) else served_of(architecture)
    machine = accelerator(chip, facts, samples)
    weights = format_of(weight_format)
    split = format_name(weight_format) in SMALL and served.experts > 0
    peak, small = _products(machine.peak.keys(), weights)
    ranks = tensor * data
    return Engine(
        served=served,
        ranks=np.asarray(float(ranks)),
        tensor=np.asarray(float(tensor)),
        data=np.asarray(float(data)),
        expert=np.asarray(float(expert)),
        weight_bytes=np.asarray(2.0 if split else weights.bytes_each),
        expert_bytes=np.asarray(weights.bytes_each),
        cache_bytes=np.asarray(format_of(kv_format).bytes_each),
        peak=machine.speed(peak).to("FLOP/(s*accelerator)").samples,
        half_peak=machine.speed("bf16").to("FLOP/(s*accelerator)").samples,
        small_products=np.asarray(float(small)),
        bandwidth=machine.bandwidth.to("B/(s*accelerator)").samples,
        memory=machine.memory.to("B/accelerator").samples,
        usable=facts.estimate("inference.memory_share", samples).samples,
        domain=np.asarray(_domain(chip, facts)),
        link=_link(chip, ranks, facts, samples),
        network=facts.estimate("networks.infiniband.ndr", samples).to("B/s").samples,
        laws=laws_of(facts, chip, samples, framework),
    )


def _products(there: object, weights: Format) -> tuple[str, bool]:
    """Format of the products on a chip, and whether it is a small one.

    A chip without peak in the weights' format multiplies in 16 bits after widening them.
    """
    if weights.products != "bf16" and weights.products in there:  # type: ignore[operator]
        return weights.products, True
    return "bf16", False


def _domain(chip: str, facts: Catalogue) -> float:
    key = f"networks.domain.{chip}"
    return facts[key].value if key in facts else float(_BOARD)


def _link(chip: str, ranks: int, facts: Catalogue, samples: int) -> Array:
    """One way's rate of the scale-up links; none is needed by a single rank."""
    if ranks == 1:
        return np.asarray([np.inf])
    both_ways = chips.known(chip, "link", facts, samples)
    if both_ways is None:
        raise NoDataError(f"no rate of {chip}'s scale-up links on record: serve on one accelerator")
    return both_ways.to("B/(s*accelerator)").samples / 2.0
