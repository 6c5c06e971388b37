"""Bytes that training keeps for every parameter: formats of weights, gradients and moments."""

from __future__ import annotations

from dataclasses import dataclass, fields

from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError

PREFIX = "training.format"


@dataclass(frozen=True)
class Formats:
    """Bytes of one parameter's states, of one kept activation and of one logit."""

    weight: float = 2.0
    """Weight that the passes read."""
    sharded_weight: float = 2.0
    """The same where weights are sharded (ZeRO-3): 0 if only the master copy stays (FSDP)."""
    gradient: float = 2.0
    """Gradient that the optimiser reads."""
    master: float = 4.0
    """Copy of the weight that the optimiser updates; 0 where it updates `weight`."""
    moments: float = 8.0
    """Running means of the optimiser."""
    gathered: float = 2.0
    """Weight of a layer that FSDP has gathered."""
    reduced: float = 6.0
    """Gradient of a layer on its way into reduce-scatter: in the passes' format and, where they
    differ, in the format of the sum."""
    activation: float = 2.0
    """Number kept for the backward pass."""
    score: float = 5.0
    """Attention score kept by an unfused kernel: softmax, dropout's mask and its output."""
    dropout: float = 0.0
    """Bytes of dropout masks a token and layer, over the model's width; 2 where dropout is on."""
    logit: float = 14.0
    """Logit at the peak of the loss."""
    cached_logit: float = 0.0
    """Logit of every micro-batch of a step that the last stage of a pipeline keeps (torch)."""
    trained: float = 1.0
    """Share of the parameters that are trained: below 1 with adapters on frozen weights."""

    @property
    def states(self) -> float:
        """Bytes of a parameter without sharding."""
        return self.weight + self.trained * (self.gradient + self.master + self.moments)


def formats_of(name: str, facts: Catalogue, loss: str = "eager") -> Formats:
    """Formats by recipe name (`mixed-adam`, `fsdp-adam`, ...) and way of computing the loss.

    Bytes are the facts `training.format.<name>.*` and `training.logit.<loss>`; what a recipe does
    not state is as in mixed-precision Adam. NoDataError where there is no such recipe.
    """
    found = {
        field.name: facts[f"{PREFIX}.{name}.{field.name}"].value
        for field in fields(Formats)
        if f"{PREFIX}.{name}.{field.name}" in facts
    }
    if not found:
        raise NoDataError(f"no number format `{name}`; known are {', '.join(names(facts))}")
    found["logit"] = facts[f"training.logit.{loss}"].value
    return Formats(**found)


def names(facts: Catalogue) -> list[str]:
    """Recipes of number formats in the catalogue."""
    return sorted({key.split(".")[2] for key in facts.keys(f"{PREFIX}.")})
