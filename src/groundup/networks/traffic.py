"""Who sends to whom: permutation, shift, all-to-all and the rings of rails."""

from __future__ import annotations

import numpy as np

from groundup.networks.flows import Index


def permutation(endpoints: int, seed: int = 0) -> tuple[Index, Index]:
    """Every endpoint sends to one other and receives from one other, none to itself."""
    order = np.random.default_rng(seed).permutation(endpoints)
    return order, np.roll(order, -1)


def shift(endpoints: int, by: int) -> tuple[Index, Index]:
    """Every endpoint sends to the one `by` places further."""
    source = np.arange(endpoints)
    return source, (source + by) % endpoints


def all_to_all(endpoints: int) -> tuple[Index, Index]:
    """Every endpoint sends to every other one: endpoints x (endpoints - 1) flows."""
    source, target = np.divmod(np.arange(endpoints * endpoints), endpoints)
    apart = source != target
    return source[apart], target[apart]


def rail_rings(servers: int, rails: int = 8, seed: int | None = None) -> tuple[Index, Index]:
    """Ring all-reduce: accelerator r of a server sends to accelerator r of the next server.

    A seed shuffles the order of servers, as a scheduler that ignores the network would.
    """
    order = np.arange(servers)
    if seed is not None:
        order = np.random.default_rng(seed).permutation(servers)
    rail = np.arange(rails)
    source = order[:, None] * rails + rail
    target = np.roll(order, -1)[:, None] * rails + rail
    return source.reshape(-1), target.reshape(-1)
