"""Weights, FLOPs and numbers of one block: what `workload` and `served` add up over a model.

Counts follow from the matrices one by one; `d` is always the model's width. Nothing needs torch.
"""

from __future__ import annotations

from groundup.models.architecture import DELTA, FULL, LATENT, MAMBA2, Block, FeedForward, Mixer

SCAN_FLOPS = 7.0
"""FLOPs of a Mamba-2 scan for each channel and state: decay, input and output of the state
(NVIDIA Megatron-LM, training.py, `mamba_layer_flops`)."""
DELTA_FLOPS = 8.0
"""FLOPs of a gated delta rule for each key and value channel of a head: four products of the state
(read, erase, write, output; Yang et al. 2024, arXiv:2412.06464, eq. 10), a multiply-add each."""
CHUNK = 128.0
"""Tokens of a chunk of a Mamba-2 scan, whose states at chunk borders are kept for backward
(Dao and Gu 2024, arXiv:2405.21060, section 6)."""


def value_width(mixer: Mixer) -> int:
    """Channels of a value head."""
    return mixer.value_width or mixer.head_width


def inner_width(mixer: Mixer) -> int:
    """Channels of all heads' outputs: what the output projection reads."""
    return mixer.heads * value_width(mixer)


def mixed_channels(mixer: Mixer) -> int:
    """Channels that a recurrent mixer's short convolution passes over."""
    if mixer.kind == MAMBA2:
        return inner_width(mixer) + 2 * mixer.kv_heads * mixer.state
    return 2 * mixer.kv_heads * mixer.head_width + inner_width(mixer)


def mixer_matrices(mixer: Mixer, d: int) -> int:
    """Weights of a mixer's matrices."""
    out = inner_width(mixer) * d
    if mixer.kind == FULL:
        query = mixer.heads * mixer.head_width * (2 if mixer.gated else 1)
        return d * (query + mixer.kv_heads * (mixer.head_width + value_width(mixer))) + out
    if mixer.kind == LATENT:
        return _latent_matrices(mixer, d) + out
    if mixer.kind == MAMBA2:
        return d * (inner_width(mixer) + mixed_channels(mixer) + mixer.heads) + out
    return d * (inner_width(mixer) + mixed_channels(mixer) + 2 * mixer.heads) + out


def _latent_matrices(mixer: Mixer, d: int) -> int:
    """Weights of latent attention's down and up projections (arXiv:2405.04434, section 2.1)."""
    query = mixer.heads * (mixer.head_width + mixer.rope_width)
    down = d * mixer.query_rank + mixer.query_rank * query if mixer.query_rank else d * query
    up = mixer.kv_rank * mixer.heads * (mixer.head_width + value_width(mixer))
    return down + d * (mixer.kv_rank + mixer.rope_width) + up


def mixer_vectors(mixer: Mixer, d: int) -> int:
    """Biases, sinks, convolutions and inner norms of a mixer."""
    if mixer.kind == MAMBA2:
        taps = mixed_channels(mixer) * (mixer.convolution + 1)
        return taps + 3 * mixer.heads + inner_width(mixer)
    if mixer.kind == DELTA:
        taps = mixed_channels(mixer) * mixer.convolution
        return taps + 2 * mixer.heads + value_width(mixer)
    keys = mixer.kv_heads * mixer.head_width
    query = mixer.heads * mixer.head_width
    count = mixer.heads if mixer.sinks else 0
    count += d if mixer.out_biased else 0
    if mixer.kind == LATENT:
        return count + mixer.query_rank + mixer.kv_rank
    count += query + keys + mixer.kv_heads * value_width(mixer) if mixer.biased else 0
    norms = {"": 0, "head": 2 * mixer.head_width, "width": query + keys}
    return count + norms[mixer.query_key_norm]


def dense_matrices(ffn: FeedForward, d: int) -> int:
    """Weights that every token passes: dense part, shared experts, router, latent projections."""
    count = ffn.matrices * d * (ffn.width + ffn.shared_width)
    if ffn.experts:
        count += d * (ffn.experts + 2 * ffn.latent_width + (1 if ffn.shared_gate else 0))
    return count


def one_expert(ffn: FeedForward, d: int) -> int:
    """Weights of one routed expert."""
    return ffn.matrices * (ffn.latent_width or d) * ffn.expert_width


def ffn_vectors(ffn: FeedForward, d: int) -> int:
    """Biases of a feed-forward."""
    if not ffn.biased:
        return 0
    inner = ffn.matrices - 1
    experts = ffn.experts * (inner * ffn.expert_width + d + 1)
    return experts + (inner * ffn.width + d if ffn.width else 0)


def key_flops(mixer: Mixer) -> float:
    """Forward FLOPs of a token for each key: scores and weighted values."""
    return 2.0 * mixer.heads * (mixer.head_width + mixer.rope_width + value_width(mixer))


def scan_flops(mixer: Mixer) -> float:
    """Forward FLOPs of a token in a recurrence; 0 for attention."""
    if mixer.kind == MAMBA2:
        return SCAN_FLOPS * inner_width(mixer) * mixer.state
    if mixer.kind == DELTA:
        return DELTA_FLOPS * inner_width(mixer) * mixer.head_width
    return 0.0


def cache_numbers(mixer: Mixer) -> int:
    """Numbers cached for each token: keys and values, or the latent; 0 for recurrences."""
    if mixer.kind == FULL:
        return mixer.kv_heads * (mixer.head_width + value_width(mixer))
    return mixer.kv_rank + mixer.rope_width if mixer.kind == LATENT else 0


def state_numbers(mixer: Mixer) -> int:
    """Numbers of a sequence's state in a recurrence, with the convolution's last inputs."""
    if mixer.kind not in (MAMBA2, DELTA):
        return 0
    keys = mixer.state if mixer.kind == MAMBA2 else mixer.head_width
    return inner_width(mixer) * keys + mixed_channels(mixer) * (mixer.convolution - 1)


def kept_whole(block: Block, d: int) -> float:
    """Numbers of a token kept whole by each tensor rank: inputs of norms and matrices, latents."""
    parts = (block.mixer is not None) + (block.ffn is not None)
    count = (block.norms + parts) * float(d)
    if block.mixer and block.mixer.kind == LATENT:
        count += 2.0 * (block.mixer.query_rank + block.mixer.kv_rank) + block.mixer.rope_width
    if block.ffn and block.ffn.experts:
        count += block.ffn.experts + 2.0 * block.ffn.latent_width
    return count


def kept_split(block: Block) -> float:
    """Numbers of a token kept for backward that tensor ranks share."""
    ffn = block.ffn
    hidden = ffn.matrices * float(ffn.width + ffn.shared_width) if ffn else 0.0
    return hidden + (_kept_mixer(block.mixer) if block.mixer else 0.0)


def _kept_mixer(mixer: Mixer) -> float:
    inner = float(inner_width(mixer))
    if mixer.kind in (MAMBA2, DELTA):
        states = state_numbers(mixer) / CHUNK
        return 2 * mixed_channels(mixer) + 3 * inner + 2 * mixer.heads + states
    query = mixer.heads * float(mixer.head_width + mixer.rope_width)
    if mixer.kind == LATENT:
        return 2 * query + 2 * inner
    gate = inner if mixer.gated else 0.0
    return query + mixer.kv_heads * float(mixer.head_width + value_width(mixer)) + inner + gate


def kept_routed(ffn: FeedForward | None, d: int) -> float:
    """Numbers of a token kept by its routed experts: their inputs and hidden values."""
    if ffn is None or not ffn.experts:
        return 0.0
    return ffn.top_k * float((ffn.latent_width or d) + ffn.matrices * ffn.expert_width)


def kept_cheap(block: Block) -> float:
    """Of what is kept: results of elementwise operations (activation, gated product)."""
    count = 0.0
    if block.mixer and block.mixer.kind in (MAMBA2, DELTA):
        count += inner_width(block.mixer)
    if block.ffn:
        ffn = block.ffn
        count += ffn.width + ffn.shared_width + ffn.top_k * ffn.expert_width
    return count
