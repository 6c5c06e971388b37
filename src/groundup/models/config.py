"""The `[models]` table of a stack file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelsConfig:
    """Shape of the decoder; zeros are chosen by the budget."""

    layers: int = 0
    """Transformer blocks."""

    width: int = 0
    """Model dimension."""

    heads: int = 0
    """Query heads."""

    kv_heads: int = 0
    """Key/value heads (grouped-query attention when fewer than `heads`)."""

    ffn: int = 0
    """Hidden width of the SwiGLU feed-forward."""

    vocabulary: int = 0
    """Vocabulary of the model; 0 takes the tokenizer's."""

    context: int = 512
    """Longest sequence in tokens."""

    tied: bool = True
    """Share the input embedding and the output head."""

    rope_theta: float = 10000.0
    """Base of the rotary position embedding."""
