"""Floor 10 in the plan: the decoder's parameters, FLOPs and bytes, counted by `count.py`."""

from __future__ import annotations

from dataclasses import asdict

from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Estimate, given
from groundup.facts.layer import Ask, LayerPlan
from groundup.models import count
from groundup.models.count import ModelShape

CHECKPOINT_BYTES = 2.0
"""Bytes of a released weight: bf16."""


def demand(shape: ModelShape, ask: Ask, facts: Catalogue, samples: int = 0) -> Ask:
    """Parameters, FLOPs of a token and bytes of activations for the floors below.

    `ask["sequence"]` is the training sequence in tokens.
    """
    sequence = int(ask["sequence"].value)
    return ask.with_(
        parameters=counted(shape, count.parameters(shape), "parameter", "models.parameters"),
        layers=counted(shape, shape.layers, "layer", "models.layers"),
        vocabulary=counted(shape, shape.vocabulary, "1", "models.vocabulary"),
        train_flop_per_token=counted(
            shape,
            count.train_flops_per_token(shape, sequence),
            "FLOP/token",
            f"models.train_flop_per_token at {sequence} tokens",
        ),
        activation_bytes=counted(
            shape, stored_activations(shape, sequence), "B", "models.activation_bytes"
        ),
    )


def stored_activations(shape: ModelShape, sequence: int) -> float:
    """Bytes kept for backward by one sequence when silu and the gate product are recomputed.

    `count.activation_bytes` keeps all four feed-forward values; trainers at scale keep two and
    recompute the cheap two (Korthikanti et al. 2022, arXiv:2205.05198, section 5).
    """
    recomputed = 2 * shape.ffn * shape.layers * 2.0 * sequence
    return count.activation_bytes(shape, sequence) - recomputed


def counted(shape: ModelShape, value: float, unit: str, label: str) -> Estimate:
    """A count of the shape as a leaf that names the shape it was counted from."""
    sizes = asdict(shape)
    text = ", ".join(f"{name} {sizes[name]}" for name in _SIZES)
    return given(value, unit, label, f"counted by groundup.models.count from {text}")


_SIZES = ("layers", "width", "heads", "kv_heads", "head_width", "ffn", "vocabulary", "tied")


def limit(
    shape: ModelShape, ask: Ask, facts: Catalogue, *, replica_memory: Estimate, where: str
) -> LayerPlan:
    """Bytes of the served weights and one full window of cache against the memory of one replica.

    `ask["served_weight_bytes"]` and `ask["kv_bytes_per_token"]` come from the inference floor.
    """
    window = given(shape.context, "token", "models.context", where)
    cache = (ask["kv_bytes_per_token"] * window).named("models.full_window_cache")
    needs = (ask["served_weight_bytes"] + cache).to("GB").named("models.served_bytes")
    forward = count.flops_per_token(shape, shape.context)
    details = {
        "parameters": ask["parameters"],
        "train_flop_per_token": ask["train_flop_per_token"],
        "forward_flop_per_token": counted(
            shape, forward, "FLOP/token", f"models.forward_flop_per_token at {shape.context} tokens"
        ),
        "checkpoint_bytes": counted(
            shape, count.weight_bytes(shape, CHECKPOINT_BYTES), "B", "models.checkpoint_bytes"
        ).to("GB"),
        "kv_bytes_per_token": ask["kv_bytes_per_token"],
    }
    binds = "memory of a serving replica"
    return LayerPlan(10, "models", needs, replica_memory, binds, details=details)
