"""What each way of cooling can carry off a rack, and how many racks that makes."""

from __future__ import annotations

from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import ConfigError
from groundup.facts.estimate import Estimate, ceil, derived, given
from groundup.sites.servers import per_server, server_power

METHODS = ("air", "rear-door", "cold-plate", "immersion")
"""From the least to the most heat a rack."""
LIQUID = "cold-plate"
"""What `liquid` stands for where the kind of liquid cooling matters."""


def method(cooling: str) -> str:
    """The way of cooling behind a config word: `liquid` is cold plates."""
    return LIQUID if cooling == "liquid" else cooling


def rack_limit(cooling: str, facts: Catalogue, samples: int = 0) -> Estimate:
    """Heat that one rack can give off, kW."""
    return facts.estimate(f"sites.rack_limit.{method(cooling)}", samples)


def airflow(heat: Estimate, facts: Catalogue, samples: int = 0) -> Estimate:
    """Air that carries `heat` off, m^3/s: P / (density x specific heat x rise)."""
    mass = facts.estimate("sites.air.density", samples) * facts.estimate("sites.air.heat", samples)
    flow = heat / (mass * facts.estimate("sites.air.rise", samples))
    return flow.to("m^3/s").named("sites.airflow", "heat / (density x specific heat x rise)")


def waterflow(heat: Estimate, facts: Catalogue, samples: int = 0) -> Estimate:
    """Facility water that carries `heat` off, L/min: P / (density x specific heat x rise)."""
    mass = facts.estimate("sites.water.density", samples)
    mass = mass * facts.estimate("sites.water.heat", samples)
    flow = heat / (mass * facts.estimate("sites.water.rise", samples))
    return flow.to("L/min").named("sites.waterflow", "heat / (density x specific heat x rise)")


def server_kw(accelerator: str, facts: Catalogue, samples: int = 0) -> Estimate:
    """Rated power of the smallest thing that stands in a rack: a server, or a whole rack; kW."""
    each = server_power(accelerator, facts, samples)
    one = given(1.0, "accelerator", "one", "one accelerator")
    return (each * per_server(accelerator, facts, samples) * one).to("kW").named("sites.server_kw")


def too_hot(accelerator: str, cooling: str, facts: Catalogue) -> str:
    """Why a way of cooling cannot cool a server, and which ones can; empty where it can."""
    each, most = server_kw(accelerator, facts).value, rack_limit(cooling, facts).value
    if each <= most * (1 + 1e-9):
        return ""
    able = [name for name in METHODS if rack_limit(name, facts).value >= each]
    return (
        f"a {accelerator} server or rack gives off {each:.1f} kW and {method(cooling)} takes "
        f"{most:g} kW off a rack; allowed is one of: {', '.join(able) or 'none'}"
    )


def servers_per_rack(
    accelerator: str, cooling: str, facts: Catalogue, rack_kw: float | None = None
) -> int:
    """Servers that fit a rack by heat; with `rack_kw` what the stack file says, within the limit.

    ConfigError names the ways of cooling that can, where one server alone is too hot.
    """
    hot = too_hot(accelerator, cooling, facts)
    if hot:
        raise ConfigError(f"sites.cooling = {cooling!r}: {hot}")
    each = server_kw(accelerator, facts).value
    most = rack_limit(cooling, facts).value
    if rack_kw is not None and not each <= rack_kw <= most:
        raise ConfigError(
            f"sites.rack_kw = {rack_kw:g}: allowed is {each:.4g} kW (one {accelerator} server) to "
            f"{most:g} kW ({method(cooling)})"
        )
    if per_server(accelerator, facts).value > 16:  # sold as a rack
        return 1
    return max(1, int((rack_kw or min(most, _usual_rack(each))) / each + 1e-9))


def racks(
    accelerator: str, count: Estimate, cooling: str, facts: Catalogue, rack_kw: float | None = None
) -> Estimate:
    """Racks of servers for `count` accelerators (network and storage racks are not counted)."""
    held = servers_per_rack(accelerator, cooling, facts, rack_kw)
    each = held * per_server(accelerator, facts).value
    needed = count.to("accelerator") / each
    text = f"accelerators / {each:g} a rack"
    return derived(ceil(needed).samples, "rack", "sites.racks", text, (count,))


def coolest(heat_kw: float, facts: Catalogue) -> str:
    """The simplest way of cooling that a rack of so much heat needs; `none` where no way can."""
    able = (name for name in METHODS if rack_limit(name, facts).value >= heat_kw)
    return next(able, "none")


def _usual_rack(each: float) -> float:
    """Makers put four eight-way servers in a rack at most (42 units of height, 8 to 10 each)."""
    return 4 * each


def rack_heat(accelerator: str, cooling: str, facts: Catalogue, samples: int = 0) -> Estimate:
    """Rated heat of one rack as it is filled, kW."""
    held = float(servers_per_rack(accelerator, cooling, facts))
    return (server_kw(accelerator, facts, samples) * held).named("sites.rack_heat")
