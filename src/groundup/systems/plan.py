"""Floor 6 in the plan: hosts, launches and the share of rated power that training draws."""

from __future__ import annotations

from groundup.chips.catalogue import THIS_MACHINE
from groundup.facts.capital import capital_cost
from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Estimate, ceil, given
from groundup.facts.layer import Ask, LayerPlan
from groundup.systems.config import SystemsConfig


def demand(config: SystemsConfig, ask: Ask, facts: Catalogue, samples: int = 0) -> Ask:
    """Hosts, and accelerator-hours with the launches after each failure.

    Hands down `accelerators`, `accelerator_hours`, `busy_days` and `utilised_power_share`.
    """
    hosts = ceil((ask["accelerators"] / per_host(ask.accelerator, facts, samples)).to("server"))
    hours = ask["trained_accelerator_hours"]
    start = launch_seconds(config, facts, samples)
    if start is not None and "failures" in ask:
        lost = ((ask["failures"] + 1.0) * start * ask["training_accelerators"]).to("accelerator*h")
        hours = hours + lost.named(
            "systems.launch_hours", "(failures + 1) x seconds x accelerators"
        )
    hours = hours.named("systems.accelerator_hours")
    return ask.with_(
        hosts=hosts.named("systems.hosts", "ceil(accelerators / accelerators per server)"),
        accelerator_hours=hours,
        busy_days=(hours / ask["training_accelerators"]).to("day").named("systems.busy_days"),
        utilised_power_share=power_share(ask.accelerator, facts, samples),
    )


def per_host(accelerator: str, facts: Catalogue, samples: int = 0) -> Estimate:
    """Accelerators of one server: 4 in a GB200 or GB300 tray, 8 on a board, this machine is 1."""
    if accelerator == THIS_MACHINE:
        return given(1.0, "accelerator/server", "systems.host.this_machine", "counts as one")
    rack = accelerator.startswith(("gb200", "gb300"))
    return facts.estimate(f"systems.host.{'nvl72_tray' if rack else 'gpu_server'}", samples)


def launch_seconds(config: SystemsConfig, facts: Catalogue, samples: int = 0) -> Estimate | None:
    """Seconds until a job runs on all hosts; None where no measurement is on record."""
    key = f"systems.launcher.{config.launcher}.start"
    if key not in facts:
        return None
    return facts.estimate(key, samples)


def power_share(accelerator: str, facts: Catalogue, samples: int = 0) -> Estimate:
    """Mean power of a training run over the servers' rated power."""
    if accelerator == THIS_MACHINE:
        return given(1.0, "1", "systems.power.all_cores", "all cores are busy: rated power counts")
    return facts.estimate("systems.power.training_share", samples)


def limit(
    config: SystemsConfig, ask: Ask, facts: Catalogue, samples: int = 0, *, rented: bool = False
) -> LayerPlan:
    """Hosts of the plan against the hosts that the launcher is known to handle.

    A `rented` accelerator-hour contains its host, so the cost is not added to a sum.
    """
    key = f"systems.launcher.{config.launcher}.servers"
    if config.launcher == "local":
        there: Estimate | None = given(
            1.0, "server", "one machine", "the `local` launcher starts processes on one machine"
        )
        binds = "local launcher: one machine"
    elif key in facts:
        there, binds = facts.estimate(key, samples), f"servers that {config.launcher} handles"
    else:
        there, binds = None, f"no data: servers that {config.launcher} has been shown to handle"
    details = {"accelerator_hours": ask["accelerator_hours"], "busy_days": ask["busy_days"]}
    cost = None
    capex = host_capex(ask, facts, samples)
    if capex is not None:
        details["capex"] = capex
        used = ask["accelerator_hours"] / ask["accelerators"]
        life = facts.estimate("chips.lifetime", samples)
        cost = capital_cost(capex, used, life, ask)
        cost = cost.named("systems.capital", "capex x annuity x time in use")
    start = launch_seconds(config, facts, samples)
    return LayerPlan(
        6, "systems", ask["hosts"], there, binds, cost, start, details=details, included=rented
    )


def host_capex(ask: Ask, facts: Catalogue, samples: int = 0) -> Estimate | None:
    """Price of the servers around the accelerator boards; None where no price is on record."""
    if per_host(ask.accelerator, facts).value != facts["systems.host.gpu_server"].value:
        return None
    price = facts.estimate("systems.host.price", samples)
    return (ask["hosts"] * price).named("systems.capex", "servers x price without accelerators")
