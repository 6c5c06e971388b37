"""Floor 3 in the plan: accelerators, their cost to own or rent, and the dies they are made of."""

from __future__ import annotations

from groundup.chips.catalogue import DESIGNED, PARTS, chip, known, peaks, power
from groundup.chips.config import ChipsConfig
from groundup.chips.gemm import matmul_speed
from groundup.facts.capital import capital_cost
from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.facts.estimate import Estimate, given
from groundup.facts.layer import Ask, LayerPlan


def demand(config: ChipsConfig, ask: Ask, facts: Catalogue, samples: int = 0) -> Ask:
    """Dies, memory stacks and packages of the accelerators that the plan asks for.

    Hands down `logic_dies`, `logic_die_area`, `base_dies`, `base_die_area`, `hbm_stacks`,
    `hbm_stack_dies`, `hbm_capacity`, `interposer_area` and `substrate_area` where they are on
    record, and the labels `logic_node`, `base_node`, `hbm`, `package`.
    """
    here = chip(ask.accelerator)
    count = ask["accelerators"]
    found: dict[str, Estimate] = {}
    for part in PARTS:
        area = known(here.name, f"{part}.die_area", facts, samples)
        per_chip = known(here.name, f"{part}.dies", facts, samples)
        if area is not None and per_chip is not None:
            found[f"{part}_die_area"] = area
            found[f"{part}_dies"] = (count * per_chip).named(f"chips.{part}_dies")
    stacks = known(here.name, "stacks", facts, samples)
    capacity = known(here.name, "stack_capacity", facts, samples)
    layers = known(here.name, "stack_dies", facts, samples)
    if stacks is not None and capacity is not None and layers is not None:
        found["hbm_stacks"] = (count * stacks).named("chips.hbm_stacks")
        found["hbm_stack_dies"] = layers
        found["hbm_capacity"] = (count * stacks * capacity).named("chips.hbm_capacity")
    for quantity in ("interposer_area", "substrate_area"):
        area = known(here.name, quantity, facts, samples)
        if area is not None:
            found[quantity] = area
    return ask.with_(**found).labelled(**_labels(config, here.name))


def _labels(config: ChipsConfig, name: str) -> dict[str, str]:
    """Nodes, memory generation and package kind; a designed chip's are in the stack file."""
    if name == DESIGNED:
        # N4 is priced and booked as N5, N6 as N7: one class of tools
        node = {"n4": "n5", "n6": "n7"}.get(config.design_node, config.design_node)
        labels = {"logic_node": node}
        stacked = {"hbm": config.design_hbm, "package": "cowos-l"}
        return labels | stacked if config.design_hbm_stacks else labels
    here = chip(name)
    labels = {f"{part}_node": node for part, node in here.nodes.items()}
    labels |= {"hbm": here.hbm, "package": here.package}
    return {word: value for word, value in labels.items() if value}


def limit(config: ChipsConfig, ask: Ask, facts: Catalogue, samples: int = 0) -> LayerPlan:
    """Accelerators of the plan against the number in the stack file, their cost and power."""
    name = chip(ask.accelerator).name
    count = ask["accelerators"]
    there = given(float(config.count), "accelerator", "chips.count", "stack file: chips.count")
    each = power(name, facts, samples)
    watts = (count * each).to("kW").named("chips.power") if each is not None else None
    details: dict[str, Estimate] = {"accelerator_hours": ask["accelerator_hours"]}
    for word, peak in peaks(name, facts, samples).items():
        details[f"peak_{word}"] = (count * peak).to("PFLOP/s").named(f"chips.peak_{word}")
        try:
            speed = matmul_speed(name, word, facts, samples)
        except NoDataError:
            continue  # no law for this chip, or no power on record: the peak stands alone
        details[f"matmul_{word}"] = (count * speed).to("PFLOP/s").named(f"chips.matmul_{word}")
    for quantity in ("memory", "bandwidth"):
        figure = known(name, quantity, facts, samples)
        if figure is not None:
            details[quantity] = (count * figure).named(f"chips.total_{quantity}")
    price = known(name, "price", facts, samples)
    if price is not None:
        details["capex"] = (count * price).named("chips.capex", "accelerators x price")
    carbon = known(name, "embodied_carbon", facts, samples)
    if carbon is not None:
        details["embodied_carbon"] = (count * carbon).to("tCO2").named("chips.embodied_carbon")
    cost = _cost(config, ask, details.get("capex"), facts, samples)
    return LayerPlan(
        3, "chips", count, there, "chips.count in the stack file", cost, None, watts, details
    )


def _cost(
    config: ChipsConfig, ask: Ask, capex: Estimate | None, facts: Catalogue, samples: int
) -> Estimate | None:
    """Rent of the accelerator-hours, or what they cost in capital; None without a price."""
    hours = ask["accelerator_hours"]
    if config.usd_per_hour is not None:
        where = "stack file: chips.usd_per_hour"
        rent = given(config.usd_per_hour, "USD/(accelerator*h)", "chips.usd_per_hour", where)
        return (hours * rent).to("USD").named("chips.rent", "accelerator-hours x rent")
    if capex is None:
        return None
    life = facts.estimate("chips.lifetime", samples)
    cost = capital_cost(capex, hours / ask["accelerators"], life, ask)
    return cost.named("chips.capital", "capex x annuity x time in use")
