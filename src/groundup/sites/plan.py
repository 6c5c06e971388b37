"""Floor 5 in the plan: megawatts, energy, water, carbon and the building around the machines."""

from __future__ import annotations

from groundup.facts.capital import capital_cost
from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Estimate, derived, given
from groundup.facts.layer import Ask, LayerPlan
from groundup.sites import carbon, climate, power_chain, swings, water
from groundup.sites.availability import availability
from groundup.sites.config import SitesConfig
from groundup.sites.cooling import racks, too_hot
from groundup.sites.regions import of_region, restrictions
from groundup.sites.servers import server_power
from groundup.sites.time_to_power import OFF_GRID, lead, months_to_all, on_line


def demand(config: SitesConfig, ask: Ask, facts: Catalogue, samples: int = 0) -> Ask:
    """Power of the machines and of the site around them.

    Hands down `it_power` (servers and storage, rated), `site_power` (what of it the site must feed
    at one time, times PUE), `capital_rate`, `battery_energy` and, where the
    site's cooling can cool them, `racks`.
    """
    servers = (ask["accelerators"] * server_power(ask.accelerator, facts, samples)).to("kW")
    it_power = _with_storage(config, servers.named("sites.servers"), facts, samples)
    fed = it_power * coincidence(config, facts, samples)
    site = (fed * pue(config, facts, samples)).named("sites.server_site_power", "at once x PUE")
    found = {"it_power": it_power, "site_power": site}
    found["capital_rate"] = capital_rate(config, facts, samples)
    if config.cooling != "none":
        found["battery_energy"] = power_chain.battery_energy(it_power, facts, samples)
    return ask.with_(**found, **_racks(config, ask, facts))


def limit(config: SitesConfig, ask: Ask, facts: Catalogue, samples: int = 0) -> LayerPlan:
    """Power of the site against its connection; energy, water, carbon and cost of the job.

    `ask` is what the floors below handed down; with `network_power` in it the network counts too,
    and with its label `rented` = `yes` the cost is inside the accelerators' rent.
    """
    usage = pue(config, facts, samples)
    rated = _with_network(ask["it_power"], ask)
    needs = site_power(config, ask, facts, samples)
    hours = (ask["accelerator_hours"] / ask["accelerators"]).to("h").named("sites.hours")
    drawn = _with_network(ask["it_power"] * load(ask), ask)
    it_energy = (drawn * hours).to("kWh").named("sites.it_energy")
    energy = (it_energy * usage).named("sites.energy", "IT energy x PUE")
    details = {"it_power": rated, "pue": usage, "energy": energy}
    details |= _footprint(config, ask, it_energy, energy, facts, samples)
    price = electricity_price(config, facts, samples)
    cost = (energy * price).to("USD").named("sites.power_cost", "energy x price")
    details["power_cost"] = cost
    time = None
    if config.cooling != "none":
        building = _building(rated, hours, ask, facts, samples)
        details |= building | _plant(config, ask, rated, needs, facts, samples)
        cost = cost + building["building_capital"] + building["upkeep"]
        cost = cost.named("sites.cost", "power + capital cost of the building + its upkeep")
        time = _time(config, facts, samples)
    there, binds = _connection(config, ask.accelerator, facts)
    included = ask.labels.get("rented") == "yes"
    return LayerPlan(5, "sites", needs, there, binds, cost, time, needs, details, included)


def pace(
    config: SitesConfig, ask: Ask, facts: Catalogue, months: int, samples: int = 0
) -> Estimate:
    """Accelerators that can be powered in all by the end of each month; rows = months.

    Nothing until building and power route have led in, then the build rate, up to the connection
    (or to what the plan needs where none is given). A machine in a room has power at once; a rack
    that the cooling cannot take never has.
    """
    count = ask["accelerators"].to("accelerator")
    needs = site_power(config, ask, facts, samples).to("MW")
    if config.cooling == "none":
        held = count.samples.reshape(1, -1).repeat(months, axis=0)
        return derived(held, "accelerator", "sites.pace", "power is there", (count,))
    there, _ = _connection(config, ask.accelerator, facts)
    wanted = needs if there is None else there
    ready = on_line(wanted, config.power_route, months, facts, samples)
    each = needs.samples.reshape(1, -1) / count.samples.reshape(1, -1)
    text = "megawatts on line / megawatts an accelerator"
    return derived(ready.samples / each, "accelerator", "sites.pace", text, (ready, needs, count))


def site_power(config: SitesConfig, ask: Ask, facts: Catalogue, samples: int = 0) -> Estimate:
    """What the site takes from its connection at most: servers at once and network, times PUE."""
    fed = _with_network(ask["it_power"] * coincidence(config, facts, samples), ask)
    made = fed * pue(config, facts, samples)
    return _readable(made).named("sites.power", "(servers at once + network) x PUE")


def capital_rate(config: SitesConfig, facts: Catalogue, samples: int = 0) -> Estimate:
    """Cost of capital a year: the stack file's, else a sourced one; none for a machine in a room.

    Whoever has a machine in a room has paid it; a data centre is built with other people's money.
    """
    if config.wacc is not None:
        return given(config.wacc, "1", "sites.wacc", "stack file: sites.wacc")
    if config.cooling == "none":
        return given(0.0, "1", "sites.wacc", "a machine in a room: straight line")
    return facts.estimate("sites.wacc", samples)


def coincidence(config: SitesConfig, facts: Catalogue, samples: int = 0) -> Estimate:
    """Share of the rated power of all servers that must be fed at one time; 1 in a room."""
    if config.cooling == "none":
        return given(1.0, "1", "sites.coincidence", "one machine at its rated power")
    return facts.estimate("sites.load.coincident", samples)


def pue(config: SitesConfig, facts: Catalogue, samples: int = 0) -> Estimate:
    """PUE: the stack file's, else by climate where one is named, else the cooling's average."""
    if config.pue is not None:
        return given(config.pue, "1", "sites.pue", "stack file: sites.pue")
    if config.climate and config.cooling != "none":
        return climate.pue(config.cooling, config.climate, config.heat_rejection, facts, samples,
                           config.redundancy)  # fmt: skip
    return facts.estimate(f"sites.pue.{config.cooling}", samples)


def wue(config: SitesConfig, facts: Catalogue, samples: int = 0) -> Estimate:
    """Litres per kWh of the machines: the stack file's, else by climate, else the average."""
    if config.wue is not None:
        return given(config.wue, "L/kWh", "sites.wue", "stack file: sites.wue")
    if config.climate:
        return climate.wue(config.cooling, config.climate, config.heat_rejection, facts, samples)
    return facts.estimate(f"sites.wue.{config.cooling}", samples)


def electricity_price(config: SitesConfig, facts: Catalogue, samples: int = 0) -> Estimate:
    """USD/kWh: the stack file's, else the plant's of an off-grid route, else the region's."""
    if config.usd_per_kwh is not None:
        where = "stack file: sites.usd_per_kwh"
        return given(config.usd_per_kwh, "USD/kWh", "sites.usd_per_kwh", where)
    if config.power_route in OFF_GRID:
        return facts.estimate(f"sites.route.{config.power_route}.price", samples)
    hint = "; or set sites.usd_per_kwh"
    return of_region(config.region, "electricity_price", facts, samples, hint)


def _racks(config: SitesConfig, ask: Ask, facts: Catalogue) -> dict[str, Estimate]:
    """Racks of servers; nothing in a room, or where the cooling cannot take one server's heat."""
    if config.cooling == "none" or too_hot(ask.accelerator, config.cooling, facts):
        return {}
    count = ask["accelerators"]
    return {"racks": racks(ask.accelerator, count, config.cooling, facts, config.rack_kw)}


def _with_storage(
    config: SitesConfig, servers: Estimate, facts: Catalogue, samples: int
) -> Estimate:
    if config.cooling == "none":
        return servers.named("sites.it_power")
    share = facts.estimate("sites.load.storage", samples)
    if config.storage_share is not None:
        share = given(config.storage_share, "1", "sites.storage_share", "stack file")
    return (servers * (1.0 + share)).named("sites.it_power", "servers x (1 + storage share)")


def _footprint(
    config: SitesConfig,
    ask: Ask,
    it_energy: Estimate,
    energy: Estimate,
    facts: Catalogue,
    samples: int,
) -> dict[str, Estimate]:
    """Carbon and water of the job."""
    each = carbon.intensity(config.region, facts, samples, config.power_route,
                            config.carbon_basis, config.clean_share)  # fmt: skip
    found = {
        "carbon": carbon.operational(energy, each),
        "water": water.direct(it_energy, wue(config, facts, samples)),
    }
    upstream = None
    if config.power_route not in OFF_GRID:
        upstream = water.upstream(energy, config.region, facts, samples)
    if upstream is not None:
        found["source_water"] = upstream
    return found


def _building(
    rated: Estimate, hours: Estimate, ask: Ask, facts: Catalogue, samples: int
) -> dict[str, Estimate]:
    """Price of the building, and what the job's hours of it and of its upkeep cost."""
    capex = (rated * facts.estimate("sites.capex", samples)).to("USD")
    capex = capex.named("sites.building_cost", "IT power x cost per MW")
    life = facts.estimate("sites.lifetime", samples)
    share = capital_cost(capex, hours, life, ask)
    upkeep = (capex * facts.estimate("sites.upkeep", samples) * hours).to("USD")
    return {
        "capex": capex,
        "building_capital": share.named("sites.building_capital", "capex x annuity x hours"),
        "upkeep": upkeep.named("sites.building_upkeep", "capex x upkeep a year x hours"),
    }


def _plant(
    config: SitesConfig, ask: Ask, rated: Estimate, needs: Estimate, facts: Catalogue, samples: int
) -> dict[str, Estimate]:
    """Racks, spare power, embodied carbon, swings and time to the last megawatt."""
    hosts = carbon.embodied_hosts(ask["accelerators"], facts, samples)
    swing = swings.step_swing(rated, facts, samples)
    return {
        **_racks(config, ask, facts),
        **power_chain.backup(rated, needs, config.redundancy, facts, samples),
        "availability": availability(config.redundancy, facts, samples),
        "embodied_hosts": hosts,
        "embodied_building": carbon.embodied_building(rated, facts, samples),
        "swing": swing.depth,
        "swing_ramp": swing.ramp,
        "swing_storage": swing.storage,
        "months_to_all": months_to_all(needs, config.power_route, facts, samples),
    }


def _time(config: SitesConfig, facts: Catalogue, samples: int) -> Estimate:
    if config.power_route == "ready":
        return facts.estimate("sites.build_time", samples)
    return lead(config.power_route, facts, samples)


def _readable(power: Estimate) -> Estimate:
    """Power in watts, kilowatts or megawatts, whichever makes numbers that people can read."""
    watts = float(power.to("W").values.max())
    return power.to("MW" if watts >= 1e6 else "kW" if watts >= 1e3 else "W")


def rated_each(ask: Ask) -> Estimate:
    """Rated power of server, storage and network an accelerator, W/accelerator."""
    each = _with_network(ask["it_power"], ask) / ask["accelerators"]
    return each.to("W/accelerator").named("sites.rated_each", "IT power / accelerators")


def load(ask: Ask) -> Estimate:
    """Share of rated power that the job draws; all of it where the floor above did not say."""
    if "utilised_power_share" in ask:
        return ask["utilised_power_share"]
    return given(1.0, "1", "sites.load", "rated power: no share of it was asked for")


def _with_network(servers: Estimate, ask: Ask) -> Estimate:
    if "network_power" not in ask:
        return servers
    both = servers + ask["network_power"]
    return both.named("sites.it_power_with_network", "servers + network")


def _connection(
    config: SitesConfig, accelerator: str, facts: Catalogue
) -> tuple[Estimate | None, str]:
    """Power that can be had, and what sets it: the connection, or cooling that does not suffice."""
    hot = too_hot(accelerator, config.cooling, facts) if config.cooling != "none" else ""
    if hot:
        return given(0.0, "MW", "sites.cooled_power", "stack file: sites.cooling"), hot
    held = "".join(f"; {text}" for text in restrictions(config.region, accelerator))
    if config.power_mw is None:
        return None, f"not limited: no sites.power_mw in the stack file{held}"
    where = "stack file: sites.power_mw"
    binds = "grid connection" if config.power_route not in OFF_GRID else "power plant on site"
    return given(config.power_mw, "MW", "sites.power_mw", where), binds + held
