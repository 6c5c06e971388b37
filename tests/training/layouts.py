"""Layouts and works of plain numbers, shared by the tests of memory and pipelines."""

import numpy as np

from groundup.training.layout import Layout
from groundup.training.work import Work


def layout(**numbers) -> Layout:
    """One layout; what is not given has its default, accelerators just enough."""
    chosen = {"sequence": 1, "batch": 1} | numbers
    if "accelerators" not in chosen:
        degrees = (chosen.get(name, 1) for name in ("tensor", "pipeline", "context"))
        chosen["accelerators"] = np.prod(list(degrees))
    return Layout(**{name: np.asarray(value, float) for name, value in chosen.items()})


def work(**numbers) -> Work:
    """A model of which only what is given is not 0; one layer."""
    zero = dict.fromkeys(Work.__dataclass_fields__, 0.0) | {"layers": 1.0}
    return Work(**{name: np.asarray(v, float) for name, v in (zero | numbers).items()})


def gpt(layers: int, width: int, heads: int, vocabulary: int = 0) -> Work:
    """A GPT block as Korthikanti et al. count it: 4 h kept whole, 12 h split, a heads of scores."""
    return work(
        layers=layers, width=width, heads=heads, kv_heads=heads, vocabulary=vocabulary,
        matrices=12 * width**2 * layers, kept_whole=4 * width * layers,
        kept_split=12 * width * layers, kept_cheap=4 * width * layers, score_heads=heads * layers,
    )  # fmt: skip
