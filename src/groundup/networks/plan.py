"""Floor 4 in the plan: switches, cables and optics that join the accelerators."""

from __future__ import annotations

import numpy as np

from groundup.facts.capital import capital_cost
from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Estimate, ceil, derived, given, total
from groundup.facts.layer import Ask, LayerPlan
from groundup.networks import bill
from groundup.networks.config import NetworksConfig
from groundup.networks.congestion import throughput
from groundup.networks.designs import bisection, fabric, uplinks
from groundup.networks.designs import limit as most
from groundup.networks.failures import down_at_once, per_day
from groundup.networks.topology import Fabric

__all__ = ["demand", "fabric", "limit", "pace"]


def demand(config: NetworksConfig, ask: Ask, facts: Catalogue, samples: int = 0) -> Ask:
    """Switches, cables, optical ends and their power, added to what is asked of the floors below.

    Hands down `switches`, `cables`, `copper_cables`, `transceivers`, `network_power`.
    """
    count = ask["accelerators"]
    built = fabric(config, count)
    found = bill.ends(config, built)
    text = f"{config.topology} of {config.switch_ports}-port switches"
    optics = f"optical ends of {config.optics} links"
    watts = total(bill.power(config, built, count, facts, samples).values())
    return ask.with_(
        switches=derived(built.switches, "switch", "networks.switches", text, (count,)),
        cables=derived(built.cables, "cable", "networks.cables", text, (count,)),
        copper_cables=derived(found.copper, "cable", "networks.copper_cables", text, (count,)),
        transceivers=derived(
            found.optical, "transceiver", "networks.transceivers", optics, (count,)
        ),
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
    endpoints, binds = most(config)
    there = given(float(endpoints), "accelerator", "networks.endpoints", binds)
    details = _details(config, ask, facts, samples)
    cost = None
    if "capex" in details:
        time_in_use = ask["accelerator_hours"] / count
        life = facts.estimate("chips.lifetime", samples)
        share = capital_cost(details["capex"], time_in_use, life, ask)
        cost = share.named("networks.capital", "capex x annuity x time in use")
    return LayerPlan(
        4, "networks", count, there, binds, cost, None, ask["network_power"], details,
        included=ask.labels.get("rented") == "yes",
    )  # fmt: skip


def pace(
    config: NetworksConfig, ask: Ask, facts: Catalogue, months: int, samples: int = 0
) -> Estimate:
    """Accelerators cabled in all by the end of each month after the order, rows = months.

    Nothing before the lead time; then the rate of the fastest published build (100 000 in 122
    days), never beyond what is asked or what the topology joins.
    """
    lead = facts.estimate("networks.pace.lead_time", samples)
    built = facts.estimate("networks.pace.built", samples)
    rate = built / facts.estimate("networks.pace.time", samples)
    count = ask["accelerators"].to("accelerator")
    after = np.maximum(np.arange(1, months + 1)[:, None] - lead.to("month").samples, 0)
    most_there = np.inf if config.topology == "none" else float(most(config)[0])
    cabled = np.minimum(after * rate.to("accelerator/month").samples, count.samples)
    text = "months after lead time x fastest published build, at most what is asked"
    if config.topology == "none":
        cabled = np.broadcast_to(count.samples, cabled.shape)
    inputs = (lead, rate, count)
    return derived(np.minimum(cabled, most_there), "accelerator", "networks.pace", text, inputs)


def _details(
    config: NetworksConfig, ask: Ask, facts: Catalogue, samples: int
) -> dict[str, Estimate]:
    count = ask["accelerators"]
    built = fabric(config, count)
    kept = ("switches", "cables", "copper_cables", "transceivers")
    details = {name: ask[name] for name in kept if name in ask}
    for name in ("leaf", "spine", "core"):
        text = f"{name} switches of a {config.topology} network"
        amount = getattr(built, name)
        details[name] = derived(amount, "switch", f"networks.{name}", text, (count,))
    details["bisection_bandwidth"] = bisection(config, built, count)
    if config.topology not in ("dragonfly", "torus"):
        details |= _routed(config, int(built.tiers.max()), details, facts, samples)
    parts = bill.capex(config, built, count, facts, samples)
    if parts:
        prices = total(parts.values())
        text = "switches x price + cables x price"
        details["capex"] = prices.to("USD").named("networks.capex", text)
        details |= {f"capex_{name}": price for name, price in parts.items()}
    for name, watts in bill.power(config, built, count, facts, samples).items():
        details[f"power_{name}"] = watts
    if config.optics == "pluggable" and config.topology != "torus":
        details |= _modules(config, built, count)
    each = (ask["network_power"] / count).to("W/accelerator")
    details["power_each"] = each.named("networks.power_each", "network power / accelerators")
    details["nic_power"] = bill.nic_power(config, count, facts, samples)
    details["link_failures"] = per_day(count, facts, samples)
    details["links_down"] = down_at_once(details["link_failures"], facts, samples)
    details["accelerators_out"] = _out(config, details["links_down"])
    details |= _scale_up(ask, facts, samples)
    return details


def _modules(config: NetworksConfig, built: Fabric, count: Estimate) -> dict[str, Estimate]:
    """What is ordered: single-port modules for the network cards, twin-port ones for switches."""
    found = zip(("server", "switch"), bill.modules(bill.ends(config, built)), strict=True)
    text = "optical ends, two of them in a module at a switch"
    return {
        f"{side}_modules": derived(
            amount, "transceiver", f"networks.{side}_modules", text, (count,)
        )
        for side, amount in found
    }


def _routed(
    config: NetworksConfig,
    tiers: int,
    details: dict[str, Estimate],
    facts: Catalogue,
    samples: int,
) -> dict[str, Estimate]:
    """What routing leaves of a Clos network, and its switches' latency on the longest path."""
    down, up = uplinks(config)
    passes = throughput(config.routing, down, up, tiers, facts, samples)
    used = details["bisection_bandwidth"] * passes
    hops = max(0, 2 * tiers - 1)
    latency = facts.estimate("networks.latency.quantum_2", samples) * float(hops)
    return {
        "throughput": passes,
        "used_bisection": used.named(
            "networks.used_bisection", "bisection bandwidth x throughput of the routing"
        ),
        "switch_latency": latency.to("us").named(
            "networks.switch_latency", f"{hops} switches on the longest path x latency of one"
        ),
    }


def _out(config: NetworksConfig, down: Estimate) -> Estimate:
    """Accelerators that wait for repairs: a server trains whole or not; planes keep it going."""
    if config.topology == "dual-plane":
        text = "a failed plane slows its servers and stops none"
        return derived(down.samples * 0, "accelerator", "networks.out", text, (down,))
    text = "links down x accelerators of a server"
    return derived(down.samples * config.server_size, "accelerator", "networks.out", text, (down,))


def _scale_up(ask: Ask, facts: Catalogue, samples: int) -> dict[str, Estimate]:
    """Scale-up domains and their switch chips, where the accelerator's domain is on record."""
    key = f"networks.domain.{ask.accelerator}"
    if key not in facts:
        return {}
    domains = ceil(ask["accelerators"] / facts.estimate(key, samples))
    each = facts.estimate(f"networks.domain_switches.{ask.accelerator}", samples)
    return {
        "scale_up_domains": domains.named("networks.scale_up_domains", "accelerators / domain"),
        "scale_up_switches": (domains * each).named(
            "networks.scale_up_switches", "domains x switch chips of one"
        ),
    }


def _no_network(ask: Ask, count: Estimate) -> LayerPlan:
    if "hosts" in ask:
        one = given(1.0, "server", "one machine", "stack file: networks.topology is `none`")
        return LayerPlan(4, "networks", ask["hosts"], one, "no network: one machine")
    return LayerPlan(4, "networks", count, None, "not limited: one machine, no network")
