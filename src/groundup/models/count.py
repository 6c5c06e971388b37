"""Exact parameters, FLOPs and bytes of the decoder; planner and trainer both count with this file.

Nothing here needs torch. The formulas follow from the matrices of `decoder.py` one by one:
attention W_q W_k W_v W_o, feed-forward W_gate W_up W_down, two norms a layer, one final norm, an
embedding and (unless tied) a head. No biases.
"""

from __future__ import annotations

from dataclasses import dataclass

from groundup.facts.errors import ConfigError
from groundup.models.config import ModelsConfig


@dataclass(frozen=True)
class ModelShape:
    """Every number that fixes the decoder's tensors; all counts, no units."""

    layers: int
    """Transformer blocks."""

    width: int
    """Model dimension d."""

    heads: int
    """Query heads."""

    kv_heads: int
    """Key/value heads; divides `heads`."""

    head_width: int
    """Channels of one head; even, because rotary embedding turns channels in pairs."""

    ffn: int
    """Hidden width of the SwiGLU feed-forward."""

    vocabulary: int
    """Rows of the embedding."""

    context: int
    """Longest sequence in tokens."""

    tied: bool = True
    """The head is the embedding."""

    rope_theta: float = 10000.0
    """Base of the rotary position embedding (Su et al. 2021, arXiv:2104.09864)."""

    norm_eps: float = 1e-5
    """Added to the mean square in RMSNorm."""

    def __post_init__(self) -> None:
        for name in ("layers", "width", "heads", "kv_heads", "head_width", "ffn", "vocabulary"):
            if getattr(self, name) < 1:
                raise ConfigError(f"models.{name} = {getattr(self, name)}: allowed is at least 1")
        if self.heads % self.kv_heads:
            raise ConfigError(
                f"models.kv_heads = {self.kv_heads}: must divide models.heads = {self.heads}"
            )
        if self.head_width % 2:
            raise ConfigError(
                f"models.width / models.heads = {self.head_width}: must be even "
                "(rotary embedding turns channels in pairs); change width or heads"
            )


def shape_from(config: ModelsConfig, vocabulary: int) -> ModelShape:
    """Shape of a `[models]` table; `vocabulary` is the tokenizer's and fills a zero there.

    Raises ConfigError when a size is still 0 or when heads do not divide the width.
    """
    for name in ("layers", "width", "heads", "kv_heads", "ffn"):
        if getattr(config, name) == 0:
            raise ConfigError(
                f"models.{name} = 0: the budget chooses zeros only when the stack is run; "
                f"set models.{name} to at least 1, or leave all sizes to --budget"
            )
    rows = config.vocabulary or vocabulary
    if rows < 1:
        raise ConfigError("models.vocabulary = 0 and there is no tokenizer: set models.vocabulary")
    if config.width % config.heads:
        raise ConfigError(
            f"models.heads = {config.heads}: must divide models.width = {config.width}"
        )
    return ModelShape(
        layers=config.layers,
        width=config.width,
        heads=config.heads,
        kv_heads=config.kv_heads,
        head_width=config.width // config.heads,
        ffn=config.ffn,
        vocabulary=rows,
        context=config.context,
        tied=config.tied,
        rope_theta=config.rope_theta,
    )


def attention_parameters(shape: ModelShape) -> int:
    """Weights of one layer's W_q, W_k, W_v and W_o."""
    query = shape.heads * shape.head_width
    keys = shape.kv_heads * shape.head_width
    return shape.width * (2 * query + 2 * keys)


def ffn_parameters(shape: ModelShape) -> int:
    """Weights of one layer's W_gate, W_up and W_down (SwiGLU, Shazeer 2020, arXiv:2002.05202)."""
    return 3 * shape.width * shape.ffn


def block_matrix_parameters(shape: ModelShape) -> int:
    """Weights of all blocks' matrices, without embedding, head and norms."""
    return shape.layers * (attention_parameters(shape) + ffn_parameters(shape))


def matrix_parameters(shape: ModelShape) -> int:
    """Weights that each token is multiplied with: all blocks' matrices and the head.

    The input embedding is a table look-up, so it counts only through the head (once, tied or not).
    """
    return block_matrix_parameters(shape) + shape.vocabulary * shape.width


def parameters(shape: ModelShape) -> int:
    """Exact number of trained weights; a tied head is counted once."""
    norms = shape.width * (2 * shape.layers + 1)
    tables = shape.vocabulary * shape.width * (1 if shape.tied else 2)
    return block_matrix_parameters(shape) + norms + tables


def flops_per_token(shape: ModelShape, context: int, causal: bool = True) -> float:
    """Forward FLOPs of one token in a sequence of `context` tokens; training costs 3 times that.

    Matrix products only, 2 FLOPs a multiply-add. Attention adds 4 * heads * head_width FLOPs for
    each key a query looks at (scores and weighted sum). With `causal` a query sees the mean of
    (context + 1) / 2 keys; without, all `context` of them: that is what a kernel which does not
    skip the masked half computes, what torch's FlopCounterMode reports, and what decoding one
    token after `context - 1` others costs. Backward is twice forward (Kaplan et al. 2020,
    arXiv:2001.08361, eq. 2.2; Korthikanti et al. 2022, arXiv:2205.05198, app. A).
    """
    keys = (context + 1) / 2 if causal else float(context)
    attention = 4.0 * shape.layers * shape.heads * shape.head_width * keys
    return 2.0 * matrix_parameters(shape) + attention


def train_flops_per_token(shape: ModelShape, context: int, causal: bool = True) -> float:
    """FLOPs of forward and backward of one token: 3 * `flops_per_token`, no recomputation."""
    return 3.0 * flops_per_token(shape, context, causal)


def weight_bytes(shape: ModelShape, bytes_per_weight: float = 2.0) -> float:
    """Bytes of the stored weights; 2 a weight is bf16, 4 fp32, 1 int8 without its scales."""
    return parameters(shape) * bytes_per_weight


def int8_weight_bytes(shape: ModelShape) -> int:
    """Bytes of the model with int8 matrices: 1 a weight, an fp32 scale a row, fp32 norms."""
    query = shape.heads * shape.head_width
    keys = shape.kv_heads * shape.head_width
    rows = shape.layers * (query + 2 * keys + shape.width + 2 * shape.ffn + shape.width)
    tables = 1 if shape.tied else 2
    norms = shape.width * (2 * shape.layers + 1)
    matrices = parameters(shape) - norms
    return matrices + 4 * (rows + tables * shape.vocabulary) + 4 * norms


def kv_bytes_per_token(shape: ModelShape, bytes_per_value: float = 2.0) -> float:
    """Bytes of keys and values that one cached token keeps over all layers."""
    return 2.0 * shape.layers * shape.kv_heads * shape.head_width * bytes_per_value


def train_state_bytes(shape: ModelShape, bytes_per_weight: float = 16.0) -> float:
    """Bytes of weights, gradients and optimiser state; 16 a weight is fp32 Adam (4 + 4 + 8).

    Mixed precision with fp32 master weights keeps 18 (Rajbhandari et al. 2019, arXiv:1910.02054).
    """
    return parameters(shape) * bytes_per_weight


def activation_bytes(shape: ModelShape, tokens: int, bytes_per_value: float = 2.0) -> float:
    """Bytes kept for backward by one micro-batch of `tokens` tokens, without recomputation.

    Per token and layer: inputs of both norms and both outputs (4 d), queries, keys, values and
    the attention output (2 h + 2 k), gate, up, silu(gate) and their product (4 f). After the last
    layer: the final norm's input and output (2 d), the logits, and their fp32 log-softmax (4
    bytes each). Attention scores are never stored (Dao et al. 2022, arXiv:2205.14135).
    """
    query = shape.heads * shape.head_width
    keys = shape.kv_heads * shape.head_width
    layer = 4 * shape.width + 2 * query + 2 * keys + 4 * shape.ffn
    values = shape.layers * layer + 2 * shape.width + shape.vocabulary
    return tokens * (values * bytes_per_value + 4.0 * shape.vocabulary)
