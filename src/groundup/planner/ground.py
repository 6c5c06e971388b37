"""Floors 5 to 1 in the two passes: sites, networks, chips, fabs, materials."""

from __future__ import annotations

from groundup.chips import plan as chips
from groundup.fabs import plan as fabs
from groundup.facts.catalogue import Catalogue
from groundup.facts.layer import Ask, LayerPlan
from groundup.materials import plan as materials
from groundup.networks import plan as networks
from groundup.sites import plan as sites
from groundup.stack.stack import Stack


def ground_down(stack: Stack, ask: Ask, facts: Catalogue, samples: int = 0) -> Ask:
    """Accelerators become power, switches, dies, wafers and materials."""
    ask = sites.demand(stack.sites, ask, facts, samples)
    ask = networks.demand(stack.networks, ask, facts, samples)
    ask = chips.demand(stack.chips, ask, facts, samples)
    ask = fabs.demand(stack.fabs, ask, facts, samples)
    return materials.demand(stack.materials, ask, facts, samples)


def ground_up(stack: Stack, ask: Ask, facts: Catalogue, samples: int = 0) -> tuple[LayerPlan, ...]:
    """Rows of floors 1 to 5, from what can be dug up to what the grid gives."""
    return (
        materials.limit(stack.materials, ask, facts, samples),
        fabs.limit(stack.fabs, ask, facts, samples),
        chips.limit(stack.chips, ask, facts, samples),
        networks.limit(stack.networks, ask, facts, samples),
        sites.limit(stack.sites, ask, facts, samples),
    )
