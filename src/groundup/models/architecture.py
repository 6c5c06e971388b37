"""A language model's architecture as data: what its blocks are, how wide, how many.

It holds every number that parameters, FLOPs and bytes follow from (`groundup.models.workload`), of
published models (`groundup.models.published`) and of the decoder that is built here.
"""

from __future__ import annotations

from dataclasses import dataclass

FULL, LATENT, MAMBA2, DELTA = "attention", "latent", "mamba2", "delta"
"""Ways in which tokens reach each other: attention with any number of key/value heads; multi-head
latent attention (DeepSeek-V2, arXiv:2405.04434); Mamba-2 (arXiv:2405.21060); gated delta rule
(arXiv:2412.06464)."""


@dataclass(frozen=True)
class Mixer:
    """How the tokens of a sequence reach each other in one block."""

    kind: str = FULL
    """`attention`, `latent`, `mamba2` or `delta`."""
    heads: int = 1
    """Query heads; heads of the state for recurrent kinds."""
    kv_heads: int = 1
    """Key/value heads (attention); groups of B and C (mamba2); key heads (delta)."""
    head_width: int = 64
    """Channels of a query and key head; for mamba2 of a head."""
    value_width: int = 0
    """Channels of a value head; 0 for `head_width`."""
    window: int = 0
    """Keys that a token looks at, at most; 0 for all."""
    query_rank: int = 0
    """Latent attention: rank of the queries' projection; 0 for a full matrix."""
    kv_rank: int = 0
    """Latent attention: channels of the cached latent."""
    rope_width: int = 0
    """Latent attention: channels of a query and of the shared key that carry positions, besides
    `head_width` without them."""
    state: int = 0
    """Recurrent kinds: channels of the state of each channel (mamba2) or key (delta)."""
    convolution: int = 0
    """Recurrent kinds: taps of the short convolution."""
    gated: bool = False
    """A gate as wide as the output multiplies it (Qwen3-Next, Qwen3.5)."""
    biased: bool = False
    """Query, key and value projections have biases (Qwen2, GPT-2, gpt-oss)."""
    out_biased: bool = False
    """The output projection has a bias (GPT-2, OPT, gpt-oss)."""
    sinks: bool = False
    """A learned extra score for each head (gpt-oss)."""
    query_key_norm: str = ""
    """Norms of queries and keys: `head` (one head wide, shared by all), `width` (all heads wide),
    empty without."""


@dataclass(frozen=True)
class FeedForward:
    """The position-wise part of one block."""

    width: int = 0
    """Hidden width of the dense part; 0 without one."""
    matrices: int = 3
    """3 with a gate (SwiGLU), 2 without."""
    experts: int = 0
    """Routed experts; 0 for a dense block."""
    top_k: int = 0
    """Routed experts that a token passes."""
    expert_width: int = 0
    """Hidden width of a routed expert."""
    shared_width: int = 0
    """Hidden width of all shared experts together."""
    latent_width: int = 0
    """Width that routed experts work in where it is not the model's (Nemotron 3); 0 for the
    model's."""
    biased: bool = False
    """All matrices (and the router) have biases (GPT-2, gpt-oss)."""
    shared_gate: bool = False
    """The shared expert's output is weighted by a gate of the token (Qwen2-MoE, Qwen3-Next)."""


@dataclass(frozen=True)
class Block:
    """Blocks of one kind; `count` of them, in any order."""

    count: int
    """How many."""
    mixer: Mixer | None
    """None for a block of feed-forward alone."""
    ffn: FeedForward | None
    """None for a block of mixing alone."""
    norms: int = 2
    """Norms of the model's width: 2 before both parts, 4 around them (Gemma 2), 1 where both parts
    read one norm (Falcon, Command R)."""


@dataclass(frozen=True)
class Architecture:
    """One model."""

    name: str
    """Name as its publisher writes it."""
    width: int
    """Model dimension d."""
    vocabulary: int
    """Rows of the embedding, as it is trained (padded where the publisher pads)."""
    blocks: tuple[Block, ...]
    """All blocks of the main model."""
    context: int = 4096
    """Longest sequence, tokens."""
    tied: bool = False
    """The head is the embedding."""
    positions: int = 0
    """Learned absolute positions; 0 without (rotary, ALiBi)."""
    prediction_blocks: int = 0
    """Extra blocks that predict further tokens (multi-token prediction)."""
    source: str = ""
    """Where its numbers were read."""
    norm_vectors: int = 1
    """Learned vectors of a norm: 1 scale, 2 scale and shift (LayerNorm), 0 none (OLMo 1)."""
    embedding_norm: bool = False
    """A norm right after the embedding (BLOOM)."""
    head_biased: bool = False
    """The head has a bias for each entry of the vocabulary (GPT-J, Phi-2)."""
    published_total: float = 0.0
    """Parameters that its publisher states; 0 where none were read."""
    published_active: float = 0.0
    """Parameters active for a token that its publisher states; 0 where none were read."""
    also: tuple[str, ...] = ()
    """Other names it goes by."""
