"""Bill of materials: kilograms, cubic metres and litres of a plan, their share of the world."""

from __future__ import annotations

import math

from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Estimate, given
from groundup.facts.layer import Ask

WORLD = {
    "silicon wafers": ("wafer_area", "materials.silicon.world_area"),
    "neon": ("neon", "materials.neon.world"),
    "helium": ("helium", "materials.helium.world"),
    "nitrogen trifluoride": ("nf3", "materials.nf3.world"),
    "copper": ("copper", "materials.copper.world"),
    "lithium": ("lithium", "materials.lithium.world"),
    "gallium": ("gallium", "materials.gallium.world"),
    "indium": ("indium", "materials.indium.world"),
    "germanium": ("germanium", "materials.germanium.world"),
}
"""What a share is of: name for people, name in the ask, key of a year's world output."""


def of_wafers(wafers: Estimate, facts: Catalogue, samples: int = 0) -> dict[str, Estimate]:
    """What wafers take: silicon by geometry, gases and water as the industry's mean.

    silicon = area x thickness x density; neon, helium and nitrogen trifluoride = the chip
    industry's use of a year / the wafer area of that year; water = published litres per wafer.
    """
    area = (wafers * _wafer_area(facts, samples)).to("m2").named("materials.wafer_area")
    thick = facts.estimate("fabs.wafer.thickness", samples)
    silicon = area * thick * facts.estimate("materials.silicon.density", samples)
    neon = facts.estimate("materials.neon.world", samples)
    neon = area * neon / facts.estimate("materials.silicon.world_area_2021", samples)
    water = wafers * facts.estimate("materials.water.per_wafer", samples)
    mean = "wafer area x the industry's {} per wafer area"
    return {
        "wafer_area": area,
        "silicon": silicon.to("kg").named(
            "materials.silicon", "wafers x area x thickness x density"
        ),
        "neon": neon.to("kg").named("materials.neon", mean.format("neon")),
        "helium": _by_area("helium", area, facts, samples)
        .to("m^3")
        .named("materials.helium", mean.format("helium")),
        "nf3": _by_area("nf3", area, facts, samples)
        .to("kg")
        .named("materials.nf3", mean.format("nitrogen trifluoride")),
        "water_for_wafers": water.to("m^3").named("materials.water", "wafers x water per wafer"),
    }


def of_site(ask: Ask, facts: Catalogue, samples: int = 0) -> dict[str, Estimate]:
    """Copper of the site's power path and racks, lithium of the batteries behind its UPS.

    copper = site power x tonnes per megawatt; lithium = battery energy x lithium-ion share x
    kilograms per kilowatt-hour, where energy is `battery_energy` or site power x minutes. The
    copper of NVLink spines is a part of the copper and an upper bound (mass of the assembly).
    """
    power = ask["site_power"]
    copper = (power * facts.estimate("materials.copper.per_power", samples)).to("t")
    energy = _battery_energy(ask, facts, samples)
    lithium = energy * facts.estimate("materials.lithium.ups_share", samples)
    lithium = lithium * facts.estimate("materials.lithium.per_energy", samples)
    found = {
        "copper": copper.named("materials.copper", "site power x copper per MW"),
        "lithium": lithium.to("kg").named(
            "materials.lithium", "battery energy x lithium-ion share x lithium per kWh"
        ),
    }
    if ask.accelerator.startswith("gb"):
        racks = ask["accelerators"] / facts.estimate("materials.copper.spine_accelerators", samples)
        spines = racks * facts.estimate("materials.copper.spine", samples)
        found["copper_spines"] = spines.to("t").named("materials.copper_spines", "racks x spine")
    return found


def of_optics(transceivers: Estimate, facts: Catalogue, samples: int = 0) -> dict[str, Estimate]:
    """Gallium and indium of the lasers by geometry, germanium of the fibre as the industry's mean.

    laser = lanes x die area x substrate thickness x density x mass fraction / share of the wafer
    that ends in good dies; fibre = length x (germanium that goes into fibre / fibre drawn).
    """
    short = facts.estimate("materials.optics.short_reach", samples)
    lanes = transceivers * facts.estimate("materials.optics.lasers", samples)
    gallium = lanes * short * _in_die("gallium", "arsenide", facts, samples)
    indium = lanes * (1.0 - short) * _in_die("indium", "phosphide", facts, samples)
    length = transceivers * facts.estimate("materials.optics.fibres", samples)
    length = length * facts.estimate("materials.optics.reach", samples)
    doped = facts.estimate("materials.germanium.world", samples) * facts.estimate(
        "materials.germanium.fibre_share", samples
    )
    germanium = length * doped / facts.estimate("materials.germanium.fibre_world", samples)
    dies = "lasers x die x substrate x density x mass fraction / use of the wafer"
    return {
        "gallium": gallium.to("kg").named("materials.gallium", dies),
        "indium": indium.to("kg").named("materials.indium", dies),
        "germanium": germanium.to("kg").named(
            "materials.germanium", "fibre length x germanium per fibre length"
        ),
    }


def per_unit(facts: Catalogue, samples: int = 0) -> dict[str, dict[str, Estimate]]:
    """What one wafer, one optical transceiver and one megawatt of site take, by unit.

    Names are those of the ask; the megawatt is of a site with a network.
    """
    site = Ask("any", {"site_power": given(1.0, "MW", "one megawatt")})
    return {
        "wafer": of_wafers(given(1.0, "wafer", "one wafer"), facts, samples),
        "transceiver": of_optics(given(1.0, "transceiver", "one transceiver"), facts, samples),
        "megawatt": of_site(site, facts, samples),
    }


def shares(ask: Ask, facts: Catalogue, samples: int = 0) -> dict[str, Estimate]:
    """Share of one year's world output that the plan takes, by material."""
    year = given(1.0, "year", "one year", "shares are of one year's output")
    return {
        name: (ask[amount] / (facts.estimate(key, samples) * year))
        .to("%")
        .named(f"materials.share.{name}", "amount / one year's world output")
        for name, (amount, key) in WORLD.items()
        if amount in ask
    }


def worth(ask: Ask, facts: Catalogue, samples: int = 0) -> dict[str, Estimate]:
    """What the amounts cost at the price on record, USD, by name in the ask.

    Silicon is priced as polished wafers (sales of a year / area), lithium as its carbonate;
    materials without a price on record are left out.
    """
    found: dict[str, Estimate] = {}
    for name in ("helium", "copper", "gallium", "indium", "germanium"):
        if name in ask:
            found[name] = ask[name] * facts.estimate(f"materials.{name}.price", samples)
    if "lithium" in ask:
        carbonate = ask["lithium"] / facts.estimate("materials.lithium.per_carbonate", samples)
        found["lithium"] = carbonate * facts.estimate("materials.lithium.price", samples)
    if "wafer_area" in ask:
        sales = facts.estimate("materials.silicon.revenue", samples)
        price = sales / facts.estimate("materials.silicon.world_area", samples)
        found["silicon"] = ask["wafer_area"] * price
    return {
        name: value.to("USD").named(f"materials.worth.{name}", "amount x price")
        for name, value in found.items()
    }


def _wafer_area(facts: Catalogue, samples: int) -> Estimate:
    one = given(1.0, "1/wafer", "one wafer", "area of one wafer")
    return facts.estimate("fabs.wafer.diameter", samples) ** 2 * (math.pi / 4) * one


def _by_area(name: str, area: Estimate, facts: Catalogue, samples: int) -> Estimate:
    """Wafer area x world output x the chip industry's share / wafer area shipped in a year."""
    used = facts.estimate(f"materials.{name}.world", samples)
    used = used * facts.estimate(f"materials.{name}.chips_share", samples)
    return area * used / facts.estimate("materials.silicon.world_area", samples)


def _battery_energy(ask: Ask, facts: Catalogue, samples: int) -> Estimate:
    if "battery_energy" in ask:
        return ask["battery_energy"]
    energy = ask["site_power"] * facts.estimate("materials.lithium.ups_time", samples)
    return energy.to("kWh").named("materials.battery_energy", "site power x battery time")


def _in_die(metal: str, compound: str, facts: Catalogue, samples: int) -> Estimate:
    """Metal bought for one laser die, the lost part of its wafer included (most is recycled)."""
    of = f"materials.{metal}"
    volume = facts.estimate(f"{of}.laser_area", samples) * facts.estimate(
        f"{of}.substrate", samples
    )
    mass = volume * facts.estimate(f"{of}.density_{compound}", samples)
    mass = mass * facts.estimate(f"{of}.per_{compound}", samples)
    return mass / facts.estimate("materials.gallium.wafer_use", samples)
