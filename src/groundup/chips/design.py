"""A chip that does not exist yet: area, memory and clock become peak, watts, and its own facts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from groundup.chips.catalogue import DESIGNED
from groundup.chips.config import ChipsConfig
from groundup.chips.plan import demand
from groundup.chips.tokens import price_of
from groundup.fabs.bill import module_cost
from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import ConfigError, NoDataError
from groundup.facts.estimate import Estimate, ceil, given, maximum
from groundup.facts.fact import Fact
from groundup.facts.layer import Ask

_OF_NODE = ("cell", "density")
"""Kinds of design facts that there is one of for each node; the others are of memory."""
_DRAWS = 2000
"""Draws behind the bounds of the designed chip's facts."""


@dataclass(frozen=True)
class Design:
    """What a design comes to; every quantity of one accelerator, explainable down to facts."""

    quantities: dict[str, Estimate]
    """By the name that the fact has under `chips.designed.`: `peak.bf16.dense`, `tdp`, ..."""

    def __getitem__(self, name: str) -> Estimate:
        """A quantity by name; NoDataError names what is there."""
        if name not in self.quantities:
            there = ", ".join(self.quantities)
            raise NoDataError(f"a design has no `{name}`; it has {there}")
        return self.quantities[name]

    def facts(self) -> list[Fact]:
        """The design as facts of the accelerator `designed`, bounds from the draws."""
        return [_fact(name, value) for name, value in self.quantities.items()]


def with_design(config: ChipsConfig, facts: Catalogue) -> Catalogue:
    """The catalogue with the designed chip's facts, its price too where its module can be priced.

    Unchanged for any other accelerator.
    """
    if config.accelerator != DESIGNED:
        return facts
    made = facts.with_facts(design(config, facts, _DRAWS).facts())
    try:
        price = _price(config, made)
    except NoDataError:
        return made  # no price of its node, memory or package: it has no price either
    return made.with_facts([_fact("price", price)])


def _price(config: ChipsConfig, facts: Catalogue) -> Estimate:
    """USD/accelerator: what the module costs to make, times what makers ask over that."""
    one = {"accelerators": given(1.0, "accelerator", "one accelerator")}
    ask = demand(config, Ask(DESIGNED, one), facts, _DRAWS)
    return price_of(DESIGNED, facts, _DRAWS, module_cost(ask, facts, _DRAWS)["total"])


def design(config: ChipsConfig, facts: Catalogue, samples: int = 0) -> Design:
    """Peak, memory, bandwidth, power, dies and transistors of the chip that `design_*` describe.

    Laws are fitted to six GPUs (facts `chips.design.*` with their errors): operations a clock and
    mm2, and energy an operation, are powers of the node's transistor density. ConfigError where
    the memory leaves no room for arithmetic; NoDataError for a node or memory without facts.
    """
    area, logic = _areas(config, facts, samples)
    peak = _peak(config, logic, facts, samples)
    found = {"peak.bf16.dense": peak}
    found["peak.fp8.dense"] = peak * _of("fp8_rate", facts, samples)
    found |= _memory(config, facts, samples)
    found["tdp"] = _power(config, peak, found.get("bandwidth"), facts, samples)
    found |= _dies(area, facts, samples)
    density = _of(f"density.{config.design_node}", facts, samples)
    one = given(1.0, "1/accelerator", "one accelerator")
    found["transistors"] = (area * density * one).to("Gtransistor/accelerator")
    found["sram"] = given(config.design_sram_mb, "MB", "chips.design_sram_mb", "stack file") * one
    rate = given(config.design_link_gb_per_s, "GB/s", "chips.design_link_gb_per_s", "stack file")
    found["link"] = rate * one
    if "stacks" in found:
        found["interposer_area"] = _interposer(area, found["stacks"], facts, samples)
    return Design({name: value.named(f"chips.designed.{name}") for name, value in found.items()})


def _of(name: str, facts: Catalogue, samples: int) -> Estimate:
    """A design fact; NoDataError names the stack's key and what there is of its kind."""
    key = f"chips.design.{name}"
    if key not in facts and "." in name:
        kind, _, word = name.rpartition(".")
        prefix = f"chips.design.{kind}."
        there = ", ".join(other.removeprefix(prefix) for other in facts.keys(prefix))
        stated = "chips.design_node" if kind in _OF_NODE else "chips.design_hbm"
        raise NoDataError(f"{stated} = {word!r}: nothing on record of it; there is: {there}")
    return facts.estimate(key, samples)


def _areas(config: ChipsConfig, facts: Catalogue, samples: int) -> tuple[Estimate, Estimate]:
    """Area of the compute dies, and what the memory cells leave of it; mm2."""
    if config.design_area_mm2 is None:
        raise ConfigError("chips.design_area_mm2 is not set; give the area of the compute dies")
    area = given(config.design_area_mm2, "mm2", "chips.design_area_mm2", "stack file: chips")
    cells = given(config.design_sram_mb * 8 * 2**20, "1", "chips.design_sram_mb", "bits")
    macro = _of(f"cell.{config.design_node}", facts, samples)
    taken = (cells * macro / _of("array_share", facts, samples)).to("mm2")
    left = (area - taken).named("chips.design.logic_area", "area - memory cells / their share")
    if float(left.samples.min()) <= 0:
        raise ConfigError(
            f"chips.design_sram_mb = {config.design_sram_mb:g}: needs about {taken.value:.0f} mm2 "
            f"in {config.design_node}; allowed is what fits chips.design_area_mm2 = {area.value:g}"
        )
    return area, left


def _density(node: str, facts: Catalogue, samples: int) -> Estimate:
    """Transistor density over 1 Mtransistor/mm2, the scale of the fitted laws."""
    density = _of(f"density.{node}", facts, samples)
    return density / _of("reference_density", facts, samples)


def _peak(config: ChipsConfig, logic: Estimate, facts: Catalogue, samples: int) -> Estimate:
    """16-bit dense peak, TFLOP/(s*accelerator)."""
    clock = given(config.design_clock_ghz, "GHz", "chips.design_clock_ghz", "stack file: chips")
    one = given(1.0, "1/accelerator", "one accelerator")
    if config.design_tensor_share is None:
        density = _density(config.design_node, facts, samples)
        rate = _of("rate", facts, samples) * density ** _of("rate_exponent", facts, samples)
    else:
        share = given(config.design_tensor_share, "1", "chips.design_tensor_share", "stack file")
        crowd = _of(f"density.{config.design_node}", facts, samples)
        two = given(2.0, "FLOP", "a multiply and an add")
        rate = share * crowd * two / _of("multiply_add", facts, samples)
    peak = (logic * rate * clock * one).to("TFLOP/(s*accelerator)")
    return peak.named("", "logic area x operations a clock and mm2 x clock")


def _memory(config: ChipsConfig, facts: Catalogue, samples: int) -> dict[str, Estimate]:
    """Stacks, capacity and bandwidth; nothing without stacks."""
    if not config.design_hbm_stacks:
        return {}
    word = config.design_hbm
    stacks = given(
        float(config.design_hbm_stacks),
        "stack/accelerator",
        "chips.design_hbm_stacks",
        "stack file",
    )
    each = _of(f"stack.{word}", facts, samples)
    if config.design_stack_gb is not None:
        each = given(config.design_stack_gb, "GB/stack", "chips.design_stack_gb", "stack file")
    width = f"fabs.hbm.{word}.width"
    pins = facts.estimate(width if width in facts else "fabs.hbm.width", samples)
    rate = facts.estimate(f"fabs.hbm.{word}.pin_rate", samples)
    use = _of("pin_use", facts, samples)
    return {
        "stacks": stacks,
        "stack_capacity": each,
        "stack_dies": ceil(each / _of(f"dram_die.{word}", facts, samples)),
        "memory": stacks * each,
        "bandwidth": (stacks * pins * rate * use).to("GB/(s*accelerator)"),
    }


def _power(
    config: ChipsConfig, peak: Estimate, bandwidth: Estimate | None, facts: Catalogue, samples: int
) -> Estimate:
    """Design power: operations at the node's energy, and memory at its energy a bit."""
    density = _density(config.design_node, facts, samples)
    exponent = _of("energy_exponent", facts, samples)
    energy = _of("energy", facts, samples) * density**exponent
    watts = (peak * energy).to("W/accelerator")
    if bandwidth is None:
        return watts
    return watts + (bandwidth * _of("hbm_energy", facts, samples)).to("W/accelerator")


def _dies(area: Estimate, facts: Catalogue, samples: int) -> dict[str, Estimate]:
    """As few equal dies as fit the reticle field."""
    field = facts.estimate("fabs.reticle.area") / given(1.0, "die", "one die")
    count = maximum(ceil(area / field), given(1.0, "die", "at least one"))
    one = given(1.0, "1/accelerator", "one accelerator")
    return {"logic.dies": count * one, "logic.die_area": area / count}


def _interposer(area: Estimate, stacks: Estimate, facts: Catalogue, samples: int) -> Estimate:
    one = given(1.0, "accelerator", "one accelerator")
    memory = stacks * one * _of("stack_footprint", facts, samples)
    return (area + memory) * _of("keepout", facts, samples) / one


def _fact(name: str, value: Estimate) -> Fact:
    return Fact(
        key=f"chips.{DESIGNED}.{name}",
        value=value.value,
        unit=str(value.unit),
        low=value.low,
        high=value.high,
        kind="price" if name == "price" else "estimate",
        source="groundup.chips.design: laws fitted to shipped GPUs",
        locator="stack file: chips.design_*",
        as_of=date(2025, 12, 1),
        convention="dense" if name.endswith(".dense") else "",
        confidence="low",
    )


def nodes(facts: Catalogue) -> Iterator[str]:
    """Process nodes that a design can use."""
    prefix = "chips.design.density."
    return (key.removeprefix(prefix) for key in facts.keys(prefix))
