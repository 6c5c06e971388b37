"""From logits to the next token: greedy, temperature, nucleus; from a seed, always the same."""

from __future__ import annotations

import torch
from torch import Tensor

from groundup.facts.errors import ConfigError


def check_sampling(temperature: float, top_p: float) -> None:
    """Refuse what cannot be sampled from; raises ConfigError."""
    if temperature < 0:
        raise ConfigError(f"temperature = {temperature:g}: allowed is at least 0 (0 is greedy)")
    if not 0 < top_p <= 1:
        raise ConfigError(f"top_p = {top_p:g}: allowed is above 0, up to 1")


def sample(logits_V: Tensor, temperature: float, top_p: float, generator: torch.Generator) -> int:
    """Draw a token; temperature 0 takes the most likely one (the lowest id of equals)."""
    if temperature == 0:
        return int(logits_V.argmax())
    shares = torch.softmax(logits_V.float() / temperature, dim=-1)
    shares = nucleus(shares, top_p)
    return int(torch.multinomial(shares, 1, generator=generator))


def nucleus(shares_V: Tensor, top_p: float) -> Tensor:
    """Keep the fewest most likely tokens whose shares reach `top_p`, and rescale them to 1.

    Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration", arXiv:1904.09751.
    """
    if top_p >= 1:
        return shares_V
    ordered, places = shares_V.sort(descending=True)
    before = ordered.cumsum(-1) - ordered
    kept = torch.where(before < top_p, ordered, 0.0)
    result = torch.zeros_like(shares_V)
    result[places] = kept / kept.sum()
    return result
