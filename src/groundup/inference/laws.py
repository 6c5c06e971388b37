"""What kernels, links and the host take of a serving step: the fitted constants of `latency`."""

from __future__ import annotations

from dataclasses import dataclass, fields

from groundup.chips import catalogue
from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Array

REFERENCE_DIE = "gh100"
"""Die whose share of memory bandwidth stands for dies that were not fitted."""


@dataclass(frozen=True)
class Laws:
    """Constants of a step; numbers, or draws on the last axis. Seconds and shares."""

    weights_share: Array
    """Share of the memory bandwidth at which weights are read."""
    cache_share: Array
    """Share of the memory bandwidth at which keys and values are read."""
    product_share: Array
    """Share of the dense peak that matrix products reach."""
    fp8_share: Array
    """Further share where the products are in 8 or 4 bits."""
    link_share: Array
    """Share of the scale-up links' rate that collectives reach."""
    step: Array
    """Seconds of a step that depend on nothing: scheduler, sampler, launch of the graph."""
    layer: Array
    """Seconds of a layer beyond its bytes and FLOPs: launches, norms, waits."""
    routed_layer: Array
    """Further seconds of a layer with routed experts: router, sorting, grouped products."""
    reduce: Array
    """Seconds of one all-reduce for each doubling of the ranks."""
    sequence: Array
    """Host seconds of a step for each sequence: sampling, detokenising, streaming."""
    mixed_layer: Array
    """Seconds of a layer that a step with prompt tokens takes longer: attention of two kinds, no
    single graph of the whole step."""
    request: Array
    """Host seconds of a step that takes in new prompts."""
    coverage: Array
    """Independent choices of experts that a token counts as: tokens of a batch agree on some."""


_OF_DIE = "weights_share"
_UNITS = {"step": "s", "layer": "s", "routed_layer": "s", "reduce": "s", "sequence": "s",
          "mixed_layer": "s", "request": "s"}  # fmt: skip


OVERLAPPED = "overlapped"
"""An engine whose host prepares the next step while the accelerators work on this one."""


def laws_of(facts: Catalogue, accelerator: str, samples: int = 0, framework: str = "") -> Laws:
    """The fitted constants for an accelerator; draws on the last axis, the first nominal.

    An `overlapped` framework takes a share of the time of launches and of the host.
    """
    die = catalogue.chip(accelerator).die
    if f"inference.law.{_OF_DIE}.{die}" not in facts:
        die = REFERENCE_DIE
    found = {}
    for field in fields(Laws):
        name = f"{field.name}.{die}" if field.name == _OF_DIE else field.name
        estimate = facts.estimate(f"inference.law.{name}", samples)
        found[field.name] = estimate.to(_UNITS.get(field.name, "1")).samples
    if framework == OVERLAPPED:
        left = facts.estimate("inference.framework.overlapped", samples).samples
        found |= {name: found[name] * left for name in _UNITS if name != "reduce"}
    return Laws(**found)


def law_keys(facts: Catalogue, accelerator: str) -> dict[str, str]:
    """Key in the catalogue of every law, by the law's name."""
    die = catalogue.chip(accelerator).die
    if f"inference.law.{_OF_DIE}.{die}" not in facts:
        die = REFERENCE_DIE
    return {
        field.name: f"inference.law.{field.name}" + (f".{die}" if field.name == _OF_DIE else "")
        for field in fields(Laws)
    }
