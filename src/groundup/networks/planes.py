"""Multi-plane networks: every port is split over separate Clos networks of slower, more ports."""

from __future__ import annotations

from dataclasses import replace

from numpy.typing import ArrayLike

from groundup.networks.topology import Fabric, fat_tree, ports_down


def planes_of(
    endpoints: ArrayLike, ports: int, planes: int = 2, oversubscription: float = 1.0
) -> Fabric:
    """Counts of `planes` equal Clos networks, an endpoint's port broken out to one leaf in each.

    A switch of `ports` ports has ports x planes ports of one plane's speed, so two tiers join
    planes x as many leaves of planes x as many endpoints. Cables are physical ones: a cable of the
    full speed carries one lane group of every plane, as the published tables count them
    (NVIDIA DGX SuperPOD B300 with Spectrum-4: 800 Gbit/s ports as 2 x 400 Gbit/s in two planes).
    """
    one = fat_tree(endpoints, ports * planes, oversubscription)
    return replace(one, leaf=planes * one.leaf, spine=planes * one.spine, core=planes * one.core)


def most_in_two_tiers(ports: int, planes: int = 2, oversubscription: float = 1.0) -> int:
    """Endpoints of two tiers: (k x planes) x leaf ports down; k^2/2 x planes^2 when non-blocking.

    Two planes of 64 ports join 8 192, four planes 32 768, where one plane joins 2 048.
    """
    split = ports * planes
    return split * ports_down(split, oversubscription)
