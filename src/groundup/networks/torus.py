"""Three-dimensional torus of 4 x 4 x 4 cubes joined by optical circuit switches (TPU v4, v5p).

N. Jouppi et al., TPU v4: An Optically Reconfigurable Supercomputer, arXiv:2304.01433: a cube of 64
chips is wired in copper; the 16 chips of each of its six faces go to optical circuit switches, one
switch for each of the 48 places on three pairs of faces, so a pod has as many cubes as half the
ports of a switch.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from groundup.facts.estimate import Array
from groundup.networks.collectives import Channel, moved, ring_traffic
from groundup.networks.topology import Fabric

SIDE = 4
"""Chips along one edge of a cube; a cube is the smallest part that is switched."""
CHIPS = SIDE**3
COPPER_LINKS = 3 * SIDE**2 * (SIDE - 1)
"""Links inside a cube: 3 directions x 16 lines x 3 links."""
OPTICAL_LINKS = 6 * SIDE**2
"""Fibres from a cube to circuit switches: 16 on each of six faces."""
CIRCUIT_SWITCHES = 3 * SIDE**2
"""Circuit switches of a pod: opposite faces of one place share one."""


def most_endpoints(ports: int) -> int:
    """Chips of one pod: each circuit switch takes two ports of every cube; 4 096 for 128 ports."""
    return ports // 2 * CHIPS


def torus(endpoints: ArrayLike, ports: int) -> Fabric:
    """Counts for so many chips: `core` are circuit switches, in pods of `most_endpoints` chips.

    `leaf_cables` are copper links inside cubes, `core_cables` fibres to circuit switches. One cube
    alone needs no circuit switch only if its wrap-around links are left out; here it has them.
    """
    n = np.ceil(np.asarray(endpoints, float) - 1e-9)
    cubes = np.where(n > 1, np.ceil(n / CHIPS), 0.0)
    pods = np.ceil(cubes / (ports // 2))
    none = np.zeros_like(n)
    return Fabric(
        np.where(n > 1, 1.0, 0.0), none, none, CIRCUIT_SWITCHES * pods,
        none, COPPER_LINKS * cubes, OPTICAL_LINKS * cubes,
    )  # fmt: skip


def links(shape: tuple[int, int, int]) -> int:
    """Links of a torus with wrap-around: one for every chip and direction.

    A direction of length 1 has none, one of length 2 a single link for each pair.
    """
    chips = int(np.prod(shape))
    per_chip = [0.0 if side == 1 else 0.5 if side == 2 else 1.0 for side in shape]
    return round(chips * sum(per_chip))


def bisection_links(shape: tuple[int, int, int]) -> int:
    """Links cut by the plane across the longest side; twice the cross-section for the wrap-around.

    (A side of 2 has no second way round.)
    """
    longest = max(shape)
    section = int(np.prod(shape)) // longest
    return section * (0 if longest == 1 else 1 if longest == 2 else 2)


def all_reduce(payload: ArrayLike, shape: tuple[int, int, int], channel: Channel) -> Array:
    """Seconds when rings run both ways along every direction at once; `channel` is one link's.

    A chip of d directions sends through 2d links; a ring along the longest side is passed twice for
    every direction. P. Jain and Y. Sabharwal, Optimal bucket algorithms for large MPI collectives
    on torus interconnects, ICS 2010.
    """
    sides = [side for side in shape if side > 1]
    ways = sum(2 if side > 2 else 1 for side in sides)
    wide = replace(channel, beta=np.asarray(channel.beta, float) * max(ways, 1))
    chips = int(np.prod(shape))
    volume = ring_traffic(chips) * np.asarray(payload, float)
    steps = 2 * sum(side - 1 for side in sides)
    latency = np.asarray(channel.start, float) + steps * np.asarray(channel.alpha, float)
    return np.asarray(latency + moved(volume, payload, wide))
