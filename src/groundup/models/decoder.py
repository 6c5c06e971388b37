"""A llama-like decoder: RMSNorm, rotary positions, grouped-query attention, SwiGLU.

Letters after the underscore name a tensor's axes: B batch, T tokens, D width, H query heads,
G key/value heads, C channels of a head, S cached tokens, F feed-forward, V vocabulary.
Weights stay in float32 (their own dtype); products run in `compute`, so bf16 needs no autocast.
Architecture: Touvron et al. 2023, arXiv:2302.13971; grouped queries: Ainslie et al. 2023,
arXiv:2305.13245. Layout and rounding follow transformers' LlamaForCausalLM, the test's oracle.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from groundup.facts.errors import DataError
from groundup.models.count import ModelShape
from groundup.models.fused import rms_norm


class Linear(nn.Module):
    """y = x W^T without bias; W (out, in) is cast to the dtype of x."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs))

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) to (..., outputs)."""
        return F.linear(x, self.weight.to(x.dtype))


class RMSNorm(nn.Module):
    """x / sqrt(mean(x^2) + eps) * weight over the last axis."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """(..., D) to (..., D)."""
        return rms_norm(x, self.weight, self.eps)


class Cache:
    """Keys and values of the tokens seen so far, (B, G, capacity, C) a layer."""

    def __init__(self, shape: ModelShape, batch: int, capacity: int, dtype: torch.dtype) -> None:
        size = (batch, shape.kv_heads, capacity, shape.head_width)
        self.keys = [torch.empty(size, dtype=dtype) for _ in range(shape.layers)]
        self.values = [torch.empty(size, dtype=dtype) for _ in range(shape.layers)]
        self.capacity = capacity
        self.length = 0

    def append(self, layer: int, k_BGTC: Tensor, v_BGTC: Tensor) -> tuple[Tensor, Tensor]:
        """Store new keys and values of `layer`; return all, (B, G, S, C), in their dtype."""
        end = self.length + k_BGTC.shape[2]
        self.keys[layer][:, :, self.length : end] = k_BGTC
        self.values[layer][:, :, self.length : end] = v_BGTC
        keys, values = self.keys[layer][:, :, :end], self.values[layer][:, :, :end]
        return keys.to(k_BGTC.dtype), values.to(v_BGTC.dtype)


class Attention(nn.Module):
    """Causal grouped-query attention with rotary positions."""

    def __init__(self, shape: ModelShape, layer: int) -> None:
        super().__init__()
        self.shape, self.layer = shape, layer
        rows = (shape.heads + 2 * shape.kv_heads) * shape.head_width
        self.qkv = Linear(shape.width, rows)  # one product instead of three; hf.py splits it
        self.out = Linear(shape.heads * shape.head_width, shape.width)

    def forward(self, x_BTD: Tensor, turn: tuple[Tensor, Tensor], cache: Cache | None) -> Tensor:
        """(B, T, D) to (B, T, D)."""
        s, (batch, tokens, _) = self.shape, x_BTD.shape
        turned = s.heads + s.kv_heads  # queries and keys turn, values do not
        qkv = self.qkv(x_BTD).view(batch, tokens, turned + s.kv_heads, s.head_width).transpose(1, 2)
        qk = rotate(qkv[:, :turned], *turn)
        q_BHTC, k_BGTC, v_BGTC = qk[:, : s.heads], qk[:, s.heads :], qkv[:, turned:]
        mask = None
        if cache is not None:
            k_BGTC, v_BGTC = cache.append(self.layer, k_BGTC, v_BGTC)
            mask = _cached_mask(tokens, k_BGTC.shape[2], x_BTD.device)
        y_BHTC = attend(q_BHTC, k_BGTC, v_BGTC, mask)
        y_BTD: Tensor = self.out(y_BHTC.transpose(1, 2).reshape(batch, tokens, -1))
        return y_BTD


def attend(q_BHTC: Tensor, k_BGSC: Tensor, v_BGSC: Tensor, mask_TS: Tensor | None) -> Tensor:
    """Softmax attention (B, H, T, C); without a mask, T = S is causal and T = 1 sees everything.

    Short bf16 sequences on a CPU take plain products: torch's flash kernel there is twice as
    slow forward and backward at 256 tokens, because only the products use the matrix unit.
    """
    heads, tokens = q_BHTC.shape[1], q_BHTC.shape[2]
    if mask_TS is None and 1 < tokens <= 1024 and q_BHTC.dtype == torch.bfloat16 and q_BHTC.is_cpu:
        repeat = heads // k_BGSC.shape[1]
        k_BHTC = k_BGSC.repeat_interleave(repeat, dim=1) if repeat > 1 else k_BGSC
        v_BHTC = v_BGSC.repeat_interleave(repeat, dim=1) if repeat > 1 else v_BGSC
        future = torch.full((tokens, tokens), float("-inf"), dtype=q_BHTC.dtype).triu(1)
        scores = (q_BHTC * q_BHTC.shape[-1] ** -0.5) @ k_BHTC.transpose(-1, -2) + future
        return torch.softmax(scores, dim=-1) @ v_BHTC
    return F.scaled_dot_product_attention(
        q_BHTC,
        k_BGSC,
        v_BGSC,
        attn_mask=mask_TS,
        is_causal=mask_TS is None and tokens > 1,
        enable_gqa=heads != k_BGSC.shape[1],
    )


class FeedForward(nn.Module):
    """SwiGLU: W_down (silu(W_gate x) * W_up x) (Shazeer 2020, arXiv:2002.05202)."""

    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        self.gate_up = Linear(shape.width, 2 * shape.ffn)
        self.down = Linear(shape.ffn, shape.width)

    def forward(self, x_BTD: Tensor) -> Tensor:
        """(B, T, D) to (B, T, D)."""
        gate_BTF, up_BTF = self.gate_up(x_BTD).chunk(2, dim=-1)
        return self.down(F.silu(gate_BTF) * up_BTF)  # type: ignore[no-any-return]


class Block(nn.Module):
    """Attention and feed-forward, each normed before and added to the stream."""

    def __init__(self, shape: ModelShape, layer: int) -> None:
        super().__init__()
        self.attention_norm = RMSNorm(shape.width, shape.norm_eps)
        self.attention = Attention(shape, layer)
        self.ffn_norm = RMSNorm(shape.width, shape.norm_eps)
        self.ffn = FeedForward(shape)

    def forward(self, x_BTD: Tensor, turn: tuple[Tensor, Tensor], cache: Cache | None) -> Tensor:
        """(B, T, D) to (B, T, D)."""
        x_BTD = x_BTD + self.attention(self.attention_norm(x_BTD), turn, cache)
        return x_BTD + self.ffn(self.ffn_norm(x_BTD))  # type: ignore[no-any-return]


class Decoder(nn.Module):
    """Tokens in, logits of the next token out."""

    cosines: Tensor
    sines: Tensor

    def __init__(self, shape: ModelShape, compute: torch.dtype | None = None) -> None:
        """Build with random weights from torch's generator; `compute` None means the weights'."""
        super().__init__()
        self.shape, self.compute = shape, compute
        self.embedding = nn.Parameter(torch.empty(shape.vocabulary, shape.width))
        self.blocks = nn.ModuleList(Block(shape, i) for i in range(shape.layers))
        self.norm = RMSNorm(shape.width, shape.norm_eps)
        self.head = None if shape.tied else Linear(shape.width, shape.vocabulary)
        cosines, sines = rotary_tables(shape)
        self.register_buffer("cosines", cosines, persistent=False)
        self.register_buffer("sines", sines, persistent=False)
        if not self.embedding.is_meta:
            initialise(self)

    @property
    def head_weight(self) -> Tensor:
        """(V, D) weight of the output head; the embedding itself when tied."""
        return self.embedding if self.head is None else self.head.weight

    def forward(self, ids_BT: Tensor, cache: Cache | None = None) -> Tensor:
        """Logits (B, T, V) of the token after each position."""
        return self.logits(self.hidden(ids_BT, cache))

    def embed(self, ids_BT: Tensor) -> Tensor:
        """Token vectors (B, T, D) in the dtype of the products."""
        return F.embedding(ids_BT, self.embedding).to(self.compute or self.embedding.dtype)

    def logits(self, hidden: Tensor) -> Tensor:
        """(..., D) to (..., V)."""
        return F.linear(hidden, self.head_weight.to(hidden.dtype))

    def hidden(self, ids_BT: Tensor, cache: Cache | None = None) -> Tensor:
        """Normed last hidden states (B, T, D); with `cache`, `ids_BT` come after what it holds.

        Raises DataError when the sequence would be longer than the context or the cache.
        """
        start = cache.length if cache is not None else 0
        end = start + ids_BT.shape[1]
        limit = min(self.shape.context, cache.capacity if cache is not None else end)
        if end > limit:
            raise DataError(f"sequence of {end} tokens: this model (or its cache) holds {limit}")
        x_BTD = self.embed(ids_BT)
        turn = (self.cosines[start:end].to(x_BTD.dtype), self.sines[start:end].to(x_BTD.dtype))
        for block in self.blocks:
            x_BTD = block(x_BTD, turn, cache)
        if cache is not None:
            cache.length = end
        return self.norm(x_BTD)  # type: ignore[no-any-return]

    def new_cache(self, batch: int, capacity: int) -> Cache:
        """An empty cache for `batch` sequences of at most `capacity` tokens."""
        return Cache(self.shape, batch, capacity, self.compute or self.embedding.dtype)


def rotary_tables(shape: ModelShape) -> tuple[Tensor, Tensor]:
    """Cosines and sines (context, C) in float32; channel i and i + C/2 share one angle.

    On the `meta` device they have a shape only: arithmetic there makes torch load its compiler,
    which takes seconds (so does drawing random weights).
    """
    if torch.get_default_device().type == "meta":
        nothing = torch.empty(shape.context, shape.head_width)
        return nothing, nothing
    channels = torch.arange(0, shape.head_width, 2, dtype=torch.int64).float() / shape.head_width
    angles = torch.outer(torch.arange(shape.context).float(), 1.0 / shape.rope_theta**channels)
    angles = torch.cat((angles, angles), dim=-1)
    return angles.cos(), angles.sin()


def rotate(x_BHTC: Tensor, cosines_TC: Tensor, sines_TC: Tensor) -> Tensor:
    """Turn each channel pair (i, i + C/2) by its position's angle."""
    first, second = x_BHTC.chunk(2, dim=-1)
    return x_BHTC * cosines_TC + torch.cat((-second, first), dim=-1) * sines_TC


def initialise(model: Decoder) -> None:
    """Normal weights of standard deviation width^-0.5; matrices into the stream start at zero.

    A zero `out` and `down` make every block the identity at first, so the gradient reaches the
    embedding undistorted at any depth (Zhang et al. 2019, arXiv:1901.09321).
    """
    std = model.shape.width**-0.5
    for name, weight in model.named_parameters():
        if name.endswith(("attention.out.weight", "ffn.down.weight")):
            nn.init.zeros_(weight)
        elif weight.dim() == 2:
            nn.init.normal_(weight, std=std)


def _cached_mask(tokens: int, seen: int, device: torch.device) -> Tensor | None:
    """(T, S) mask, true where a query may look; None for one token, which may look everywhere."""
    if tokens == 1:
        return None
    return torch.ones(tokens, seen, dtype=torch.bool, device=device).tril(seen - tokens)
