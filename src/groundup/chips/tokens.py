"""Tokens per second and per dollar of one accelerator, by the roofline and the fitted shares."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from groundup.chips.catalogue import known, power
from groundup.chips.gemm import matmul_speed
from groundup.chips.kernels import Decoding, decode_time
from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.facts.estimate import Estimate, given


@dataclass(frozen=True)
class Served:
    """A model as one accelerator serves it; a bigger one is spread, and each serves its share."""

    parameters: float = 70e9
    """Active parameters."""
    layers: int = 80
    """Layers."""
    weight_bytes: float = 70e9
    """Bytes of weights read in a decode step."""
    cache_bytes: float = 1.3e9
    """Key-value cache of one sequence."""
    number_format: str = "bf16"
    """Format of the arithmetic."""

    def step(self, batch: ArrayLike) -> Decoding:
        """The decode step of `batch` sequences under a serving engine."""
        return Decoding(
            self.weight_bytes,
            self.layers,
            self.parameters,
            batch,
            self.cache_bytes,
            self.number_format,
            engine=True,
        )


def decode_speed(
    name: str, model: Served, batch: ArrayLike, facts: Catalogue, samples: int = 0
) -> Estimate:
    """Tokens of all sequences together, token/(s*accelerator); batch a number or R of them."""
    tokens = given(batch, "token/accelerator", "batch", "asked for")
    speed = tokens / decode_time(name, model.step(batch), facts, samples)
    return speed.named("chips.decode_speed", "batch / time of a step")


def prefill_speed(name: str, model: Served, facts: Catalogue, samples: int = 0) -> Estimate:
    """Prompt tokens, token/(s*accelerator): matrix-product speed over two operations a parameter.

    Attention over the prompt is left out: it is small for prompts below ten thousand tokens.
    """
    work = given(2 * model.parameters, "FLOP/token", "operations of a token")
    speed = matmul_speed(name, model.number_format, facts, samples) / work
    return speed.to("token/(s*accelerator)").named("chips.prefill_speed", "speed / operations")


def hour_cost(name: str, price: Estimate, facts: Catalogue, samples: int = 0) -> Estimate:
    """USD/(accelerator*h): write-off of `price` (USD/accelerator) and electricity at full power.

    Host, network and building are the floors' above; NoDataError where no power is on record.
    """
    watts = power(name, facts, samples)
    if watts is None:
        raise NoDataError(f"no design power of {name} on record: the hour's electricity is unknown")
    energy = watts * facts.estimate("chips.design.power_price", samples)
    share = price / facts.estimate("chips.lifetime", samples)
    cost = share.to("USD/(accelerator*h)") + energy.to("USD/(accelerator*h)")
    return cost.named("chips.hour_cost", "price / lifetime + power x electricity price")


def price_of(
    name: str, facts: Catalogue, samples: int = 0, module_cost: Estimate | None = None
) -> Estimate:
    """USD/accelerator: the price on record, else module cost times what makers ask over cost.

    NoDataError where neither is there.
    """
    stated = known(name, "price", facts, samples)
    if stated is not None:
        return stated
    if module_cost is None:
        raise NoDataError(f"no price of {name} on record, and no module cost to derive one from")
    price = module_cost * facts.estimate("chips.design.markup", samples)
    return price.named("chips.price", "module cost x markup")


def per_dollar(speed: Estimate, cost: Estimate) -> Estimate:
    """Mtoken/USD of a speed in token/(s*accelerator) at a cost in USD/(accelerator*h)."""
    return (speed / cost).to("Mtoken/USD").named("chips.tokens_per_dollar", "speed / cost")
