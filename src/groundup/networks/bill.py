"""Bill of a network: switches, cables, optical ends and NICs with their price and power.

Prices and powers are known for 400 Gbit/s and 64 ports and scale with switching capacity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Array, Estimate, derived
from groundup.networks.config import NetworksConfig
from groundup.networks.topology import Fabric


@dataclass(frozen=True)
class Ends:
    """Cables and optical ends of a network, each an array of one shape."""

    copper: Array
    """Cables without optics."""
    server: Array
    """Optical ends at servers (for a torus, at chips)."""
    switch: Array
    """Optical ends at switches."""

    @property
    def optical(self) -> Array:
        """All optical ends."""
        return self.server + self.switch


def ends(config: NetworksConfig, built: Fabric) -> Ends:
    """What every cable ends in, under the configured optics.

    A torus has copper inside cubes and one optical end a fibre: its circuit switches are passive.
    """
    above = built.leaf_cables + built.core_cables
    if config.topology == "torus":
        return Ends(built.leaf_cables, built.core_cables, 0 * above)
    if config.optics == "copper-in-rack":
        return Ends(built.endpoint_cables, 0 * above, 2 * above)
    return Ends(0 * above, built.endpoint_cables, built.endpoint_cables + 2 * above)


def modules(found: Ends, per_module: int = 2) -> tuple[Array, Array]:
    """Pluggable modules at servers and at switches.

    A network card's module has one port; one at a switch holds `per_module` ends (2: the twin-port
    OSFP of Quantum-2 and Spectrum-4 switches). Checked against published ratios a GPU.
    """
    return found.server, np.asarray(np.ceil(found.switch / per_module))


def size(config: NetworksConfig, facts: Catalogue) -> float:
    """Switching capacity over that of the reference switch, whose price and power are known."""
    return config.switch_ports / facts["networks.reference.ports"].value * speed(config, facts)


def speed(config: NetworksConfig, facts: Catalogue) -> float:
    """Port rate over that of the reference."""
    return config.link_gbit_per_s / facts["networks.reference.port_rate"].value


def _end_watts(config: NetworksConfig, at_switch: bool, facts: Catalogue, samples: int) -> Estimate:
    """Power of one optical end at the reference rate; co-packaged optics are at switches only."""
    if config.optics == "lpo":
        return facts.estimate("networks.optics.lpo.power", samples)
    if config.optics == "co-packaged" and at_switch:
        return facts.estimate("networks.optics.co-packaged.power", samples)
    return facts.estimate("networks.transceiver.power", samples)


def _end_price(config: NetworksConfig, at_switch: bool, facts: Catalogue, samples: int) -> Estimate:
    """Price of one optical end: half of a link's, times what its kind costs of that."""
    half = facts.estimate("networks.link.price", samples) * 0.5
    if config.optics == "lpo":
        return half * facts.estimate("networks.optics.lpo.price", samples)
    if config.optics == "co-packaged" and at_switch:
        return half * facts.estimate("networks.optics.co-packaged.price", samples)
    return half


def _counted(amount: Array, unit: str, name: str, asked: Estimate) -> Estimate:
    return derived(amount, unit, f"networks.{name}", "counted from the topology", (asked,))


def power(
    config: NetworksConfig, built: Fabric, asked: Estimate, facts: Catalogue, samples: int = 0
) -> dict[str, Estimate]:
    """Watts by part: `switches`, `optics`, `copper`; kW. NICs are in the servers' power."""
    found = ends(config, built)
    rate = speed(config, facts)
    if config.topology == "torus":
        each, scale = facts.estimate("networks.ocs.power", samples), 1.0
    else:
        each, scale = facts.estimate("networks.switch.power", samples), size(config, facts)
    switches = _counted(built.switches, "switch", "switches", asked) * each * scale
    optics = [
        _counted(amount, "transceiver", f"{where}_ends", asked) * rate
        * _end_watts(config, where == "switch", facts, samples)
        for where, amount in (("server", found.server), ("switch", found.switch))
    ]  # fmt: skip
    wires = _counted(2 * found.copper, "transceiver", "copper_ends", asked) * rate
    copper = wires * facts.estimate("networks.copper.power", samples)
    return {
        "switches": switches.to("kW").named("networks.power.switches", "switches x W"),
        "optics": (optics[0] + optics[1]).to("kW").named("networks.power.optics", "ends x W"),
        "copper": copper.to("kW").named("networks.power.copper", "copper ends x W"),
    }


def capex(
    config: NetworksConfig, built: Fabric, asked: Estimate, facts: Catalogue, samples: int = 0
) -> dict[str, Estimate]:
    """Purchase price by part: `switches`, `links`, `copper`; empty for a torus.

    No price of an optical circuit switch is published, so a torus has none ("no data").
    """
    if config.topology == "torus":
        return {}
    found = ends(config, built)
    rate = speed(config, facts)
    count = _counted(built.switches, "switch", "switches", asked)
    switches = count * facts.estimate("networks.switch.price", samples) * size(config, facts)
    links = [
        _counted(amount, "cable", f"{where}_ends", asked) * rate
        * _end_price(config, where == "switch", facts, samples)
        for where, amount in (("server", found.server), ("switch", found.switch))
    ]  # fmt: skip
    wires = _counted(found.copper, "cable", "copper_cables", asked) * rate
    copper = wires * facts.estimate("networks.copper.price", samples)
    return {
        "switches": switches.to("USD").named("networks.capex.switches", "switches x price"),
        "links": (links[0] + links[1]).to("USD").named(
            "networks.capex.links", "optical ends x price of half a link"
        ),
        "copper": copper.to("USD").named("networks.capex.copper", "copper cables x price"),
    }  # fmt: skip


def nic_power(
    config: NetworksConfig, asked: Estimate, facts: Catalogue, samples: int = 0
) -> Estimate:
    """Power of one NIC an accelerator; it is part of the servers' power, not of the network's."""
    watts = asked * facts.estimate("networks.nic.power", samples) * speed(config, facts)
    return watts.to("kW").named("networks.nic_power", "accelerators x W of a NIC x port rate")
