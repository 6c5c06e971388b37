"""Floor 4 in the plan: switches, cables and optics that join the accelerators."""

from __future__ import annotations

from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Estimate, derived, given
from groundup.facts.layer import Ask, LayerPlan
from groundup.networks.config import NetworksConfig
from groundup.networks.topology import Fabric, fat_tree, most_endpoints, rail_optimised, rails

_RAILS = 8
"""Network ports, and so rails, of an eight-accelerator server (NVIDIA DGX and HGX systems)."""


def fabric(config: NetworksConfig, accelerators: Estimate) -> Fabric:
    """Counts of the configured topology for so many accelerators, one port each."""
    count = accelerators.to("accelerator").samples
    if config.topology == "none":
        return fat_tree(0 * count, config.switch_ports)
    if config.topology == "rail-optimised":
        return rail_optimised(count, config.switch_ports, _RAILS, config.oversubscription)
    if config.topology == "rail-only":
        return rails(count, config.switch_ports, _RAILS, config.oversubscription)
    return fat_tree(count, config.switch_ports, config.oversubscription)


def demand(config: NetworksConfig, ask: Ask, facts: Catalogue, samples: int = 0) -> Ask:
    """Switches, cables, transceivers and their power, added to what is asked of the floors below.

    Hands down `switches`, `cables`, `transceivers`, `network_power`.
    """
    count = ask["accelerators"]
    built = fabric(config, count)
    text = f"{config.topology} of {config.switch_ports}-port switches"
    switches = derived(built.switches, "switch", "networks.switches", text, (count,))
    cables = derived(built.cables, "cable", "networks.cables", text, (count,))
    ends = given(2.0, "transceiver/cable", "two ends", "a cable has an optical end on both sides")
    optics = (cables * ends).named("networks.transceivers", "cables x two ends")
    watts = switches * facts.estimate("networks.switch.power", samples) * _size(config, facts)
    speed = _speed(config, facts)
    watts = watts + optics * facts.estimate("networks.transceiver.power", samples) * speed
    return ask.with_(
        switches=switches,
        cables=cables,
        transceivers=optics,
        network_power=watts.to("kW").named("networks.power", "switches x W + optics x W"),
    )


def limit(config: NetworksConfig, ask: Ask, facts: Catalogue, samples: int = 0) -> LayerPlan:
    """Endpoints that the topology can join, and what its switches and cables cost.

    `ask` is what `demand` handed down, or anything built on it; with its label `rented` = `yes`
    the cost is inside the accelerators' rent.
    """
    count = ask["accelerators"]
    if config.topology == "none":
        return _no_network(ask, count)
    most = most_endpoints(config.switch_ports, config.oversubscription)
    most *= _RAILS if config.topology == "rail-only" else 1
    where = f"three tiers of {config.switch_ports}-port switches"
    there = given(float(most), "accelerator", "networks.endpoints", where)
    rate = given(config.link_gbit_per_s, "Gbit/(s*accelerator)", "networks.link_gbit_per_s",
                 "stack file: networks.link_gbit_per_s")  # fmt: skip
    halves = count * rate / (2 * config.oversubscription)
    details = {name: ask[name] for name in ("switches", "cables", "transceivers")}
    details["bisection_bandwidth"] = halves.to("TB/s").named(
        "networks.bisection_bandwidth", "accelerators / 2 x port rate / oversubscription"
    )
    capex = ask["switches"] * facts.estimate("networks.switch.price", samples)
    capex = capex * _size(config, facts)
    links = ask["cables"] * facts.estimate("networks.link.price", samples) * _speed(config, facts)
    capex = (capex + links).to("USD").named("networks.capex", "switches x price + cables x price")
    details["capex"] = capex
    time_in_use = ask["accelerator_hours"] / count
    share = (capex * time_in_use / facts.estimate("chips.lifetime", samples)).to("USD")
    cost = share.named("networks.write_off", "capex x time in use / lifetime")
    binds = f"ports of three switch tiers ({config.switch_ports} each)"
    included = ask.labels.get("rented") == "yes"
    watts = ask["network_power"]
    return LayerPlan(
        4, "networks", count, there, binds, cost, None, watts, details, included=included
    )


def _no_network(ask: Ask, count: Estimate) -> LayerPlan:
    if "hosts" in ask:
        one = given(1.0, "server", "one machine", "stack file: networks.topology is `none`")
        return LayerPlan(4, "networks", ask["hosts"], one, "no network: one machine")
    return LayerPlan(4, "networks", count, None, "not limited: one machine, no network")


def _size(config: NetworksConfig, facts: Catalogue) -> float:
    """Switching capacity over that of the reference switch, whose price and power are known."""
    return config.switch_ports / facts["networks.reference.ports"].value * _speed(config, facts)


def _speed(config: NetworksConfig, facts: Catalogue) -> float:
    return config.link_gbit_per_s / facts["networks.reference.port_rate"].value
