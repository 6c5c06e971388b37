"""The decoder that a budget picks on a machine that was not calibrated."""

from __future__ import annotations

import math
from collections.abc import Iterator

from groundup.facts.catalogue import Catalogue
from groundup.models import count
from groundup.models.count import ModelShape
from groundup.stack.stack import Stack

_HEAD_WIDTH = 64
_LARGEST_WIDTH = 8192
_FFN_RATIO = 8 / 3
"""A SwiGLU of 8/3 d has the parameters of a plain feed-forward of 4 d (arXiv:2002.05202)."""


def budget_shape(stack: Stack, flop: float, facts: Catalogue) -> ModelShape:
    """Largest shape of a ladder that is trained on its compute-optimal tokens within `flop`.

    C = 6 N D with D/N from the catalogue gives N = sqrt(C / (6 D/N)) (Hoffmann et al. 2022,
    arXiv:2203.15556, table 3). The smallest rung is taken where even that is too much.
    """
    ratio = facts["recipes.tokens_per_parameter"].value
    wanted = math.sqrt(flop / (6.0 * ratio))
    rungs = list(ladder(stack))
    fitting = [shape for shape in rungs if count.parameters(shape) <= wanted]
    return fitting[-1] if fitting else rungs[0]


def ladder(stack: Stack) -> Iterator[ModelShape]:
    """Shapes of growing width with the stack's vocabulary, a layer for each head of 64."""
    for width in range(_HEAD_WIDTH, _LARGEST_WIDTH + 1, _HEAD_WIDTH):
        heads = width // _HEAD_WIDTH
        yield ModelShape(
            layers=max(2, heads),
            width=width,
            heads=heads,
            kv_heads=heads,
            head_width=_HEAD_WIDTH,
            ffn=math.ceil(width * _FFN_RATIO / 64) * 64,
            vocabulary=stack.models.vocabulary or stack.data.vocabulary,
            context=stack.models.context,
            tied=stack.models.tied,
            rope_theta=stack.models.rope_theta,
        )
