"""What a server draws: its rated power from data sheets, else from its parts, else by a factor."""

from __future__ import annotations

from dataclasses import dataclass

from groundup.chips.catalogue import THIS_MACHINE, known, power
from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.facts.estimate import Estimate, given, total

LIQUID = frozenset({"gb200", "gb300", "mi355x"})
"""Accelerators whose servers are cooled by liquid; all others have the fans of air cooling."""
_KINDS = (
    ("memory", "memory_modules", "memory_module"),
    ("network", "network_cards", "network_card"),
    ("drives", "drives", "drive"),
)


@dataclass(frozen=True)
class Parts:
    """Power of a server's parts, in watts at their own supply."""

    accelerators: Estimate
    """All accelerators at their design power."""
    processors: Estimate
    """Host processors at their design power."""
    memory: Estimate
    """Memory modules; none where they are part of the processor."""
    network: Estimate
    """Network cards with their optics."""
    switches: Estimate
    """Switches between the accelerators."""
    drives: Estimate
    """Local drives."""
    board: Estimate
    """Management, PCIe switches, regulators."""

    @property
    def sum(self) -> Estimate:
        """All parts together, without fans and losses of the power supplies."""
        return total(vars(self).values()).named("sites.server.parts")


def per_server(accelerator: str, facts: Catalogue, samples: int = 0) -> Estimate:
    """Accelerators in one server, or in one rack where the rack is the server; 8 if not on record.

    A plain number, without unit.
    """
    key = f"sites.server.{accelerator}.accelerators"
    if key in facts:
        return facts.estimate(key, samples)
    return given(8.0, "1", "sites.server.accelerators", "usual eight-accelerator board (OAM, HGX)")


def parts(accelerator: str, facts: Catalogue, samples: int = 0) -> Parts:
    """Power of the parts of one server, W each.

    NoDataError where the server's bill of parts or the accelerator's design power is not on record.
    """
    base = f"sites.server.{accelerator}"
    if f"{base}.processors" not in facts:
        raise NoDataError(f"no parts of a {accelerator} server are on record; add facts `{base}.*`")
    chip = _chip_power(accelerator, facts, samples)
    count = facts.estimate(f"{base}.accelerators", samples)
    found = {
        name: facts.estimate(f"{base}.{many}", samples)
        * facts.estimate(f"sites.part.{one}.power", samples)
        for name, many, one in _KINDS
    }
    hosts = facts.estimate(f"{base}.processors", samples)
    switches = facts.estimate(f"{base}.switches", samples)
    return Parts(
        accelerators=(count * chip).to("W"),
        processors=hosts * facts.estimate(f"{base}.processor_power", samples),
        switches=switches * facts.estimate(f"{base}.switch_power", samples),
        board=facts.estimate("sites.part.board.power", samples) * _boards(accelerator, hosts),
        **found,
    )


def from_parts(accelerator: str, facts: Catalogue, samples: int = 0) -> Estimate:
    """Rated power of one server, W: its parts over the share of rated power that parts take.

    The share is one number for air-cooled servers (fitted to four data sheets; fans, power supplies
    and margin are the rest) and one for liquid-cooled ones.
    """
    kind = "liquid" if accelerator in LIQUID else "air"
    share = facts.estimate(f"sites.server_share.{kind}", samples)
    rated = parts(accelerator, facts, samples).sum / share
    return rated.named(f"sites.server.{accelerator}.rated", "parts / share of parts in rated power")


def server_power(accelerator: str, facts: Catalogue, samples: int = 0) -> Estimate:
    """Rated power of an accelerator with its share of the server, W/accelerator.

    From the server's data sheet; else from its parts; else the chip's design power times a usual
    factor; NoDataError where none of them is published.
    """
    key = f"sites.node.{accelerator}"
    if key in facts:
        return facts.estimate(key, samples)
    if f"sites.server.{accelerator}.processors" in facts:
        one = given(1.0, "1/accelerator", "each", "share of one accelerator")
        rated = from_parts(accelerator, facts, samples) / per_server(accelerator, facts, samples)
        return (rated * one).to("W/accelerator").named(f"sites.server_power.{accelerator}")
    chip = power(accelerator, facts, samples)
    if chip is None:
        raise NoDataError(
            f"no power of {accelerator} is published; add a fact `{key}` in W/accelerator"
        )
    if accelerator == THIS_MACHINE:
        return chip
    factor = facts.estimate("sites.node_factor", samples)
    return (chip * factor).named(f"sites.server_power.{accelerator}", "design power x node factor")


def training_power(accelerator: str, facts: Catalogue, samples: int = 0) -> Estimate:
    """What a server draws at the plug while it trains, W/accelerator (measured share of rated)."""
    rated = server_power(accelerator, facts, samples)
    drawn = rated * facts.estimate("sites.load.training", samples)
    return drawn.named(f"sites.training_power.{accelerator}", "rated power x measured share")


def _chip_power(accelerator: str, facts: Catalogue, samples: int) -> Estimate:
    """Design power of one accelerator, W; NoDataError where it is not on record."""
    each = known(accelerator, "tdp", facts, samples) if accelerator else None
    key = f"sites.server.{accelerator}.accelerator_power"
    if each is None and key in facts:
        return facts.estimate(key, samples)
    if each is None:
        raise NoDataError(f"no design power of {accelerator} is on record; add `{key}` in W")
    one = given(1.0, "accelerator", "one", "one accelerator")
    return (each * one).to("W")


def _boards(accelerator: str, hosts: Estimate) -> Estimate | float:
    """One board a server; in a rack sold as one, a board a tray of two processors."""
    return hosts / 2.0 if accelerator in LIQUID else 1.0
