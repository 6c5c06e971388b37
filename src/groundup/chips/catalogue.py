"""The accelerators that groundup knows, and their sourced figures as estimates."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files

from groundup.facts.catalogue import Catalogue
from groundup.facts.check import suggest
from groundup.facts.errors import ConfigError, NoDataError
from groundup.facts.estimate import Estimate, given

THIS_MACHINE = "this-machine"
DESIGNED = "designed"
"""A chip that does not exist yet; its facts come from `groundup.chips.design`."""
PARTS = ("logic", "base")
"""Kinds of die in a package: compute dies, and the base dies under them where there are any."""

FITTED = ("gpu", "tensor")
"""Families that the laws of kernels were fitted on: GPUs, chips of large matrix engines."""


@dataclass(frozen=True)
class Chip:
    """The choices of an accelerator that are not numbers."""

    name: str
    """Key in the catalogue."""
    title: str
    """Maker and name for people."""
    nodes: Mapping[str, str]
    """Process node class by part; empty where the maker does not say."""
    hbm: str = ""
    """Generation of the memory stacks; empty where there are none or it is not known."""
    maker: str = ""
    """Who sells it, or owns it where it is not sold."""
    family: str = ""
    """`gpu`, `tensor` (matrix engines), `dataflow`, `sram` (weights on the chip) or `cpu`."""
    year: int | None = None
    """Year of the announcement."""
    die: str = ""
    """Name of the compute die; chips of one die run the same kernels."""
    memory: str = ""
    """Kind of memory where it is not stacked: `gddr6`, `lpddr5`, `ddr5`, `sram`."""
    package: str = ""
    """How dies and memory are joined; empty where the maker does not say."""
    announced: bool = False
    """Whether it is announced only, and its figures may still change."""


@functools.lru_cache(maxsize=1)
def chips() -> Mapping[str, Chip]:
    """All accelerators by name, `this-machine` among them."""
    text = files("groundup.chips").joinpath("accelerators.toml").read_text(encoding="utf-8")
    found = {
        THIS_MACHINE: Chip(THIS_MACHINE, "the machine that this runs on", {}),
        DESIGNED: Chip(DESIGNED, "a chip that does not exist yet", {}, family="gpu"),
    }
    for name, row in tomllib.loads(text).items():
        nodes = {part: row.pop(part) for part in PARTS if part in row}
        found[name] = Chip(name=name, nodes=nodes, **row)
    return found


def sold() -> Iterator[Chip]:
    """The accelerators that someone makes: all but this machine and the designed one."""
    return (chip for chip in chips().values() if chip.maker)


def chip(name: str) -> Chip:
    """The accelerator of that name; ConfigError lists the names otherwise."""
    if name not in chips():
        raise ConfigError(
            f"chips.accelerator = {name!r}: {suggest(name, chips())}"
            f"the catalogue has: {', '.join(sorted(chips()))}"
        )
    return chips()[name]


def needs_law(name: str, law: str) -> None:
    """NoDataError where the laws of kernels were not fitted on the chip's family."""
    family = chip(name).family
    if family not in FITTED:
        raise NoDataError(
            f"no law of {law} for {name}: it was fitted on the families {' and '.join(FITTED)}; "
            f"this one is {family or 'not on record'}"
        )


def figure(name: str, quantity: str, facts: Catalogue, samples: int = 0) -> Estimate:
    """`chips.<name>.<quantity>`; NoDataError where it is not on record."""
    chip(name)
    if name == THIS_MACHINE and f"chips.{name}.{quantity}" not in facts:
        raise NoDataError(
            f"this machine's {quantity} was not measured yet; run `groundup calibrate` "
            "(or pass the facts of groundup.chips.this_machine.measure)"
        )
    if name == DESIGNED and f"chips.{name}.{quantity}" not in facts:
        raise NoDataError(
            f"the designed chip has no {quantity} yet; pass the catalogue through "
            "groundup.chips.design.with_design (keys chips.design_*)"
        )
    return facts.estimate(f"chips.{name}.{quantity}", samples)


def known(name: str, quantity: str, facts: Catalogue, samples: int = 0) -> Estimate | None:
    """Like `figure`, but None where there is no such fact."""
    key = f"chips.{name}.{quantity}"
    return facts.estimate(key, samples) if key in facts else None


def formats(name: str, facts: Catalogue) -> Iterator[str]:
    """Number formats for which a dense peak is on record (`fp32`, `bf16`, `fp8`, ...)."""
    prefix = f"chips.{name}.peak."
    for key in facts.keys(prefix):
        if key.endswith(".dense"):
            yield key.removeprefix(prefix).removesuffix(".dense")


def peaks(name: str, facts: Catalogue, samples: int = 0) -> dict[str, Estimate]:
    """Dense peak by number format, TFLOP/(s*accelerator)."""
    return {
        word: figure(name, f"peak.{word}.dense", facts, samples) for word in formats(name, facts)
    }


def power(name: str, facts: Catalogue, samples: int = 0) -> Estimate | None:
    """Design power of one accelerator, W/accelerator; None where the maker does not publish it.

    For this machine: cores and memory times sourced watts each, unless a measured figure exists.
    """
    stated = known(name, "tdp", facts, samples)
    if stated is not None or name != THIS_MACHINE:
        return stated
    cores = figure(name, "cores", facts, samples)
    memory = figure(name, "memory", facts, samples)
    one = given(1.0, "1/accelerator", "one machine", "this machine counts as one accelerator")
    watts = cores * figure(name, "watts_per_core", facts, samples) * one
    watts = watts + memory * figure(name, "watts_per_gb", facts, samples)
    return watts.named("chips.this-machine.power", "cores x W each + memory x W each")
