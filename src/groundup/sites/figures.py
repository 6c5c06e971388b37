"""What the page of floor 5 shows: power, cooling, time to power, money, carbon, swings."""

from __future__ import annotations

import numpy as np

from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.facts.figures import (
    Bar,
    Bars,
    Cell,
    Curves,
    Figure,
    Flow,
    Line,
    Span,
    Table,
    Timeline,
)
from groundup.facts.layer import Ask, LayerPlan
from groundup.sites import climate, cooling, plan, swings
from groundup.sites.availability import TIERS
from groundup.sites.carbon import share_of_life
from groundup.sites.config import SitesConfig
from groundup.sites.power_chain import chain_efficiency
from groundup.sites.regions import regions, restrictions, with_number
from groundup.sites.servers import parts, per_server, server_power
from groundup.sites.time_to_power import DELIVERIES, ROUTES, lead, months_to_all
from groundup.sites.water import stress

_SITES = {"colossus": "Colossus", "h100-cluster": "100 000 H100", "llama-405b": "Llama 3.1 405B"}


def figures(
    config: SitesConfig, ask: Ask, facts: Catalogue, samples: int = 0
) -> tuple[Figure, ...]:
    """Figures of one plan; `ask` is fully walked down. A machine in a room has only its power."""
    row = plan.limit(config, ask, facts, samples)
    if config.cooling == "none":
        return (power_flow(config, ask, row, facts),)
    made: list[Figure | None] = [
        power_flow(config, ask, row, facts),
        site_power(ask, row, facts),
        cooling_table(config, ask, facts, samples),
        time_to_power(config, ask, row, facts),
        carbon_bars(config, ask, row, facts),
        swing_trace(config, row, facts),
    ]
    return tuple(figure for figure in made if figure is not None)


def power_flow(config: SitesConfig, ask: Ask, row: LayerPlan, facts: Catalogue) -> Flow:
    """Megawatts from the grid to the accelerators, with what is lost on the way."""
    unit = str(row.needs.unit)
    whole = row.needs.value
    machines = whole / row.details["pue"].value
    overhead = whole - machines
    lost = min(overhead, machines * (1 / chain_efficiency(facts, 0, config.redundancy).value - 1))
    links = [("grid", "machines", machines)]
    if overhead > 0:
        links += [("grid", "power chain losses", lost), ("grid", "cooling, light", overhead - lost)]
    links += _inside(config, ask, machines, unit, facts)
    shown = tuple(link for link in links if link[2] > 1e-9 * whole)
    note = "At the site's highest load; losses follow the redundancy, cooling is the rest of PUE."
    note += _backup_note(config, row, facts)
    return Flow(f"Where {whole:.4g} {unit} go", unit, shown, note)


def site_power(ask: Ask, row: LayerPlan, facts: Catalogue) -> Curves:
    """Site power over accelerators: this plan's line, and published sites as dots."""
    count = ask["accelerators"].to("accelerator").value
    each = row.needs.to("MW").value / count
    spans = np.geomspace(1e3, max(1e6, count), 13)
    lines = [
        Line(f"this plan: {each * 1e6:.0f} W each", tuple(spans), tuple(spans * each)),
        Line("this plan", (count,), (count * each,), dots=True),
    ]
    for key, title in _SITES.items():
        held = facts[f"sites.published.{key}.accelerators"].value
        power = facts[f"sites.published.{key}.power"].value
        lines.append(Line(title, (held,), (power,), dots=True))
    note = "Published sites hold H100-class accelerators; others draw more or less each."
    return Curves("Site power against published sites", "accelerators", "site power [MW]",
                  tuple(lines), True, True, note)  # fmt: skip


def cooling_table(config: SitesConfig, ask: Ask, facts: Catalogue, samples: int = 0) -> Table:
    """PUE and water by cooling and climate, and whether the cooling takes this plan's rack."""
    one = cooling.server_kw(ask.accelerator, facts)
    rows: list[tuple[Cell, ...]] = []
    for way in cooling.METHODS:
        most = cooling.rack_limit(way, facts, samples)
        fits = "yes" if most.value >= one.value else "no"
        usage = [climate.pue(way, place, config.heat_rejection, facts, samples, config.redundancy)
                 for place in climate.CLIMATES]  # fmt: skip
        used = [climate.wue(way, place, config.heat_rejection, facts, samples)
                for place in climate.CLIMATES]  # fmt: skip
        rows.append((way, most, fits, "PUE", *usage))
        rows.append((way, most, fits, "water [L/kWh]", *used))
    unit = "rack" if per_server(ask.accelerator, facts).value > 16 else "server"
    columns = ("cooling", "heat a rack [kW]", f"takes a {unit} of {one.value:.0f} kW", "what",
               *climate.CLIMATES)  # fmt: skip
    title = f"Cooling by climate, heat rejected by {config.heat_rejection} plant"
    note = (
        "Yearly means of a model, not fitted to any site; "
        f"air through one {unit}: {cooling.airflow(one, facts).value:.1f} m3/s, or facility water: "
        f"{cooling.waterflow(one, facts).value:.0f} L/min."
    )
    short = stress(config.region, facts)
    note += f" Water stress of {config.region}: {short or 'no data'}."
    return Table(title, columns, tuple(rows), note)


def time_to_power(config: SitesConfig, ask: Ask, row: LayerPlan, facts: Catalogue) -> Timeline:
    """Months from order to the first and to the last megawatt, by route."""
    spans = []
    for route in ROUTES:
        first = lead(route, facts).to("month").value
        last = months_to_all(row.needs, route, facts).value
        chosen = " (this plan)" if route == config.power_route else ""
        spans.append(Span(f"{route}{chosen}: wait", 0.0, first, "until the first megawatt"))
        spans.append(Span(f"{route}{chosen}: ramp", first, last, "until all is on line"))
    for name in DELIVERIES:
        wait = facts.estimate(f"sites.delivery.{name}").to("month").value
        spans.append(Span(f"delivery: {name.replace('_', ' ')}", 0.0, wait, "order to delivery"))
    held = restrictions(config.region, ask.accelerator)
    note = " ".join(("Nothing is on record that holds back here." if not held else "; ".join(held),
                     "Route leads are the middle of wide ranges."))  # fmt: skip
    return Timeline("Time to power by route", "month", tuple(spans), note)


def carbon_bars(config: SitesConfig, ask: Ask, row: LayerPlan, facts: Catalogue) -> Bars:
    """The job's carbon if it ran in other regions: running it, and its share of what was built."""
    energy = row.details["energy"]
    hours = (ask["accelerator_hours"] / ask["accelerators"]).to("h")
    shares = (
        share_of_life(row.details[f"embodied_{what}"], hours, facts.estimate(f"{floor}.lifetime"))
        for what, floor in (("hosts", "chips"), ("building", "sites"))
    )
    built = sum(share.to("tCO2").value for share in shares)
    places = sorted(with_number("carbon", facts), key=lambda at: facts[f"sites.{at}.carbon"].value)
    bars = []
    for place in places:
        run = (energy * facts.estimate(f"sites.{place}.carbon")).to("tCO2").value
        title = regions()[place].title if place in regions() else place
        mark = " (this plan)" if place == config.region else ""
        bars.append(Bar(title + mark, (("running", run), ("servers and building", built))))
    note = "Location basis; accelerators' own carbon is on floor 3; US states: plants only."
    return Bars("Carbon of the job by region", "tCO2", tuple(bars), note)


def swing_trace(config: SitesConfig, row: LayerPlan, facts: Catalogue) -> Curves:
    """Power of synchronous training over four steps, and what the grid sees with storage."""
    swing = swings.step_swing(row.details["it_power"], facts)
    period = swing.period.to("s").value
    time, drawn, held = swings.trace(swing, 4 * period)
    lines = (
        Line("machines", tuple(time), tuple(drawn)),
        Line("grid, smoothed by storage", tuple(time), tuple(held)),
    )
    band = "inside" if swings.harmful(swing, facts) else "outside"
    note = (
        f"Ramp {swing.ramp.value:.3g} MW/s at {swing.frequency.value:.2g} Hz, {band} the band that "
        f"can harm grid equipment; smoothing takes {swing.storage.to('kWh').value:.3g} kWh a swing "
        f"from storage, or {swing.dummy_share.value:.0%} more energy as dummy work; storage in the "
        f"power supplies takes {facts['sites.swing.supply_storage_gain'].value:.0%} off the peak."
    )
    return Curves("Power swing of synchronous training", "time [s]", "power [MW]", lines, note=note)


def _backup_note(config: SitesConfig, row: LayerPlan, facts: Catalogue) -> str:
    """What stands behind the grid, and its availability beside the published tiers."""
    found = row.details
    if "availability" not in found:
        return ""
    tiers = ", ".join(f"{name.upper()} {facts[f'sites.tier.{name}'].value:.3%}" for name in TIERS)
    return (
        f" Behind it with {config.redundancy}: {found['ups_units'].value:.0f} UPS units, "
        f"{found['battery'].value:.3g} MWh of battery, {found['generators'].value:.0f} generators; "
        f"availability by failures alone {found['availability'].value:.4%} (tiers: {tiers})."
    )


def _inside(
    config: SitesConfig, ask: Ask, machines: float, unit: str, facts: Catalogue
) -> list[tuple[str, str, float]]:
    """What the machines' power is spent on: network, storage, servers and their parts."""
    servers = (ask["accelerators"] * server_power(ask.accelerator, facts)).to("kW")
    at_once = plan.coincidence(config, facts)
    fed = (servers * at_once).to(unit).value
    stored = ((ask["it_power"] - servers) * at_once).to(unit).value
    links = [("machines", "servers", fed), ("machines", "storage", stored),
             ("machines", "network", machines - fed - stored)]  # fmt: skip
    try:
        split = parts(ask.accelerator, facts)
    except NoDataError:
        return links
    rated = float((server_power(ask.accelerator, facts) * per_server(ask.accelerator, facts)).value)
    chips = min(1.0, split.accelerators.value / rated)
    rest = min(1.0 - chips, (split.sum.value - split.accelerators.value) / rated)
    lost = min(1.0 - chips - rest, 1.0 - facts["sites.psu.efficiency"].value)
    return [
        *links,
        ("servers", "accelerators", fed * chips),
        ("servers", "processors, memory, links", fed * rest),
        ("servers", "power supplies", fed * lost),
        ("servers", "fans and margin", fed * (1.0 - chips - rest - lost)),
    ]
