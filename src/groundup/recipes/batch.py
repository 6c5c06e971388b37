"""Tokens of an optimiser step, where the stack leaves them to the recipe."""

from __future__ import annotations

import math

from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Estimate, given


def batch_tokens(flop: float, sequence: float, facts: Catalogue) -> Estimate:
    """B = scale x C^exponent tokens as a power of two of sequences, token/step.

    DeepSeek LLM, arXiv:2401.02954, section 3.1; `flop` is the pretraining's, `sequence` tokens.
    """
    scale, exponent = facts["recipes.batch.scale"].value, facts["recipes.batch.exponent"].value
    sequences = 2.0 ** round(math.log2(max(scale * flop**exponent / sequence, 1.0)))
    where = f"{scale} x FLOP^{exponent} tokens, rounded to a power of two of sequences"
    return given(sequences * sequence, "token/step", "recipes.batch_tokens", where)
