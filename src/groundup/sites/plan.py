"""Floor 5 in the plan: megawatts, energy, water, carbon and the building around the machines."""

from __future__ import annotations

from groundup.chips.catalogue import THIS_MACHINE, power
from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.facts.estimate import Estimate, given
from groundup.facts.layer import Ask, LayerPlan
from groundup.sites.config import SitesConfig


def server_power(accelerator: str, facts: Catalogue, samples: int = 0) -> Estimate:
    """Rated power of an accelerator with its share of the server, W/accelerator.

    From the server's data sheet; else the chip's design power times a usual factor; NoDataError
    where neither is published.
    """
    key = f"sites.node.{accelerator}"
    if key in facts:
        return facts.estimate(key, samples)
    chip = power(accelerator, facts, samples)
    if chip is None:
        raise NoDataError(
            f"no power of {accelerator} is published; add a fact `{key}` in W/accelerator"
        )
    if accelerator == THIS_MACHINE:
        return chip
    factor = facts.estimate("sites.node_factor", samples)
    return (chip * factor).named(f"sites.server_power.{accelerator}", "design power x node factor")


def demand(config: SitesConfig, ask: Ask, facts: Catalogue, samples: int = 0) -> Ask:
    """Power of the machines and of the site around them.

    Hands down `it_power` (servers, rated) and `site_power` (times PUE).
    """
    servers = server_power(ask.accelerator, facts, samples)
    it_power = (ask["accelerators"] * servers).to("kW").named("sites.it_power")
    site = (it_power * _pue(config, facts, samples)).named("sites.server_site_power")
    return ask.with_(it_power=it_power, site_power=site)


def limit(config: SitesConfig, ask: Ask, facts: Catalogue, samples: int = 0) -> LayerPlan:
    """Power of the site against its connection; energy, water, carbon and cost of the job.

    `ask` is what the floors below handed down; with `network_power` in it the network counts too,
    and with its label `rented` = `yes` the cost is inside the accelerators' rent.
    """
    pue = _pue(config, facts, samples)
    rated = _with_network(ask["it_power"], ask)
    needs = _readable(rated * pue).named("sites.power", "IT power x PUE")
    hours = (ask["accelerator_hours"] / ask["accelerators"]).to("h").named("sites.hours")
    drawn = _with_network(ask["it_power"] * _load(ask), ask)
    it_energy = (drawn * hours).to("kWh").named("sites.it_energy")
    energy = (it_energy * pue).named("sites.energy", "IT energy x PUE")
    carbon = _region(config, "carbon", facts, samples)
    water = facts.estimate(f"sites.wue.{config.cooling}", samples)
    if config.wue is not None:
        water = given(config.wue, "L/kWh", "sites.wue", "stack file: sites.wue")
    details = {
        "it_power": rated,
        "pue": pue,
        "energy": energy,
        "carbon": (energy * carbon).to("kgCO2").named("sites.carbon", "energy x grid intensity"),
        "water": (it_energy * water).to("L").named("sites.water", "IT energy x WUE"),
    }
    price = _price(config, facts, samples)
    cost = (energy * price).to("USD").named("sites.power_cost", "energy x price")
    details["power_cost"] = cost
    time = None
    if config.cooling != "none":
        capex = (
            (rated * facts.estimate("sites.capex", samples))
            .to("USD")
            .named("sites.building_cost", "IT power x cost per MW")
        )
        life = facts.estimate("sites.lifetime", samples)
        building = (capex * hours / life).to("USD").named("sites.building_write_off")
        details |= {"capex": capex, "building_write_off": building}
        cost = (cost + building).named("sites.cost", "power + building write-off")
        time = facts.estimate("sites.build_time", samples)
    there, binds = _connection(config)
    included = ask.labels.get("rented") == "yes"
    return LayerPlan(5, "sites", needs, there, binds, cost, time, needs, details, included)


def _readable(power: Estimate) -> Estimate:
    """Power in watts, kilowatts or megawatts, whichever makes numbers that people can read."""
    watts = float(power.to("W").values.max())
    return power.to("MW" if watts >= 1e6 else "kW" if watts >= 1e3 else "W")


def _load(ask: Ask) -> Estimate:
    """Share of rated power that the job draws; all of it where the floor above did not say."""
    if "utilised_power_share" in ask:
        return ask["utilised_power_share"]
    return given(1.0, "1", "sites.load", "rated power: no share of it was asked for")


def _with_network(servers: Estimate, ask: Ask) -> Estimate:
    if "network_power" not in ask:
        return servers
    both = servers + ask["network_power"]
    return both.named("sites.it_power_with_network", "servers + network")


def _connection(config: SitesConfig) -> tuple[Estimate | None, str]:
    if config.power_mw is None:
        return None, "not limited: no sites.power_mw in the stack file"
    where = "stack file: sites.power_mw"
    return given(config.power_mw, "MW", "sites.power_mw", where), "grid connection"


def _pue(config: SitesConfig, facts: Catalogue, samples: int) -> Estimate:
    if config.pue is not None:
        return given(config.pue, "1", "sites.pue", "stack file: sites.pue")
    return facts.estimate(f"sites.pue.{config.cooling}", samples)


def _price(config: SitesConfig, facts: Catalogue, samples: int) -> Estimate:
    if config.usd_per_kwh is not None:
        where = "stack file: sites.usd_per_kwh"
        return given(config.usd_per_kwh, "USD/kWh", "sites.usd_per_kwh", where)
    return _region(config, "electricity_price", facts, samples)


def _region(config: SitesConfig, what: str, facts: Catalogue, samples: int) -> Estimate:
    """A figure of the region; NoDataError names the regions that have one."""
    key = f"sites.{config.region}.{what}"
    if key not in facts:
        ends = f".{what}"
        there = [k.split(".")[1] for k in facts.keys("sites.") if k.endswith(ends)]
        raise NoDataError(
            f"sites.region = {config.region!r} has no {what} on record; regions that have one: "
            f"{', '.join(there)}"
            + ("; or set sites.usd_per_kwh" if what == "electricity_price" else "")
        )
    return facts.estimate(key, samples)
