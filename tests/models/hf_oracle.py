"""Full-size models of `transformers` on the meta device: parameters counted by another library."""

from __future__ import annotations

import torch
from transformers import CONFIG_MAPPING, AutoModelForCausalLM


def _dense(layers, width, heads, kv, ffn, vocab, **more):
    return {
        "num_hidden_layers": layers, "hidden_size": width, "num_attention_heads": heads,
        "num_key_value_heads": kv, "intermediate_size": ffn, "vocab_size": vocab, **more,
    }  # fmt: skip


def _moe(layers, width, heads, kv, vocab, **more):
    config = _dense(layers, width, heads, kv, more.pop("ffn", 1), vocab)
    return config | more


_MLA = {
    "kv_lora_rank": 512, "qk_rope_head_dim": 64, "qk_nope_head_dim": 128, "v_head_dim": 128,
}  # fmt: skip
_NEMOTRON = {"conv_kernel": 4, "n_groups": 8, "ssm_state_size": 128, "head_dim": 128}

CONFIGS = {
    "GPT-2 1.5B": ("gpt2", {"n_layer": 48, "n_embd": 1600, "n_head": 25}),
    "OPT-175B": ("opt", {
        "num_hidden_layers": 96, "hidden_size": 12288, "num_attention_heads": 96,
        "ffn_dim": 49152, "vocab_size": 50272, "word_embed_proj_dim": 12288}),
    "BLOOM-176B": ("bloom", {
        "n_layer": 70, "hidden_size": 14336, "n_head": 112, "vocab_size": 250880}),
    "GPT-NeoX-20B": ("gpt_neox", {}),
    "GPT-J-6B": ("gptj", {}),
    "Falcon-40B": ("falcon", {
        "num_hidden_layers": 60, "hidden_size": 8192, "num_attention_heads": 128,
        "num_kv_heads": 8, "new_decoder_architecture": True, "vocab_size": 65024,
        "tie_word_embeddings": False}),
    "StarCoder-15.5B": ("gpt_bigcode", {
        "n_layer": 40, "n_embd": 6144, "n_head": 48, "n_inner": 24576, "vocab_size": 49152,
        "n_positions": 8192}),
    "LLaMA-65B": ("llama", _dense(80, 8192, 64, 64, 22016, 32000)),
    "Llama-3.1-405B": ("llama", _dense(126, 16384, 128, 8, 53248, 128256)),
    "Llama-3.2-1B": ("llama", _dense(16, 2048, 32, 8, 8192, 128256, tie_word_embeddings=True)),
    "Llama-4-Scout": ("llama4_text", {}),
    "Llama-4-Maverick": ("llama4_text", {"num_local_experts": 128, "interleave_moe_layer_step": 2}),
    "Mistral-7B": ("mistral", _dense(32, 4096, 32, 8, 14336, 32000)),
    "Mixtral-8x22B": ("mixtral", _dense(56, 6144, 48, 8, 16384, 32000)),
    "Qwen2.5-72B": ("qwen2", _dense(80, 8192, 64, 8, 29568, 152064)),
    "Qwen2-57B-A14B": ("qwen2_moe", _moe(
        28, 3584, 28, 4, 151936, num_experts=64, num_experts_per_tok=8,
        moe_intermediate_size=2560, shared_expert_intermediate_size=20480)),
    "Qwen3-32B": ("qwen3", _dense(64, 5120, 64, 8, 25600, 151936, head_dim=128)),
    "Qwen3-30B-A3B": ("qwen3_moe", _moe(
        48, 2048, 32, 4, 151936, head_dim=128, num_experts=128, num_experts_per_tok=8,
        moe_intermediate_size=768)),
    "Qwen3-Next-80B-A3B": ("qwen3_next", {}),
    "Qwen3.5-397B-A17B": ("qwen3_5_moe_text", _moe(
        60, 4096, 32, 2, 248320, num_experts=512, num_experts_per_tok=10, head_dim=256,
        moe_intermediate_size=1024, shared_expert_intermediate_size=1024,
        linear_num_value_heads=64, linear_num_key_heads=16)),
    "DeepSeek-V2-Lite": ("deepseek_v2", _moe(
        27, 2048, 16, 16, 102400, ffn=10944, q_lora_rank=None, n_routed_experts=64,
        num_experts_per_tok=6, n_shared_experts=2, moe_intermediate_size=1408,
        first_k_dense_replace=1, **_MLA)),
    "DeepSeek-V3": ("deepseek_v3", {}),
    "Kimi-K2": ("deepseek_v3", _moe(
        61, 7168, 64, 64, 163840, ffn=18432, n_routed_experts=384, first_k_dense_replace=1,
        **_MLA)),
    "GLM-4.5": ("glm4_moe", _moe(
        92, 5120, 96, 8, 151552, ffn=12288, head_dim=128, n_routed_experts=160,
        moe_intermediate_size=1536, first_k_dense_replace=3, use_qk_norm=True,
        attention_bias=True)),
    "MiniMax-M2": ("minimax_m2", _moe(
        62, 3072, 48, 8, 200064, ffn=1536, head_dim=128, num_local_experts=256)),
    "gpt-oss-120B": ("gpt_oss", {}),
    "gpt-oss-20B": ("gpt_oss", {"num_hidden_layers": 24, "num_local_experts": 32}),
    "Nemotron-H-56B": ("nemotron_h", _NEMOTRON | {
        "layers_block_type": ["mamba"] * 54 + ["attention"] * 10 + ["mlp"] * 54,
        "hidden_size": 8192, "intermediate_size": 32768, "mamba_num_heads": 256,
        "mamba_head_dim": 64, "ssm_state_size": 256, "num_attention_heads": 64,
        "num_key_value_heads": 8, "vocab_size": 131072}),
    "Nemotron-3-Super-120B-A12B": ("nemotron_h", _NEMOTRON | {
        "layers_block_type": ["mamba"] * 40 + ["attention"] * 8 + ["moe"] * 40,
        "hidden_size": 4096, "intermediate_size": 2688, "mamba_num_heads": 128,
        "mamba_head_dim": 64, "num_attention_heads": 32, "num_key_value_heads": 2,
        "vocab_size": 131072, "moe_intermediate_size": 2688, "moe_latent_size": 1024,
        "moe_shared_expert_intermediate_size": 5376, "n_routed_experts": 512,
        "num_experts_per_tok": 22}),
    "Nemotron-4-340B": ("nemotron", _dense(96, 18432, 96, 8, 73728, 256000)),
    "OLMo-1-7B": ("olmo", _dense(32, 4096, 32, 32, 11008, 50304)),
    "OLMo-2-32B": ("olmo2", _dense(64, 5120, 40, 8, 27648, 100352)),
    "OLMo-3-7B": ("olmo3", _dense(32, 4096, 32, 32, 11008, 100278)),
    "OLMoE-1B-7B": ("olmoe", _moe(16, 2048, 16, 16, 50304, ffn=1024)),
    "Gemma-7B": ("gemma", _dense(28, 3072, 16, 16, 24576, 256000, head_dim=256)),
    "Gemma-2-27B": ("gemma2", _dense(46, 4608, 32, 16, 36864, 256000, head_dim=128)),
    "Gemma-3-27B": ("gemma3_text", _dense(62, 5376, 32, 16, 21504, 262208, head_dim=128)),
    "Phi-2": ("phi", _dense(32, 2560, 32, 32, 10240, 51200)),
    "Phi-4": ("phi3", _dense(40, 5120, 40, 10, 17920, 100352, pad_token_id=0)),
    "Command-R": ("cohere", _dense(40, 8192, 64, 64, 22528, 256000)),
    "Command-R-Plus": ("cohere", _dense(64, 12288, 96, 8, 33792, 256000, use_qk_norm=True)),
    "Granite-3.1-8B": ("granite", _dense(
        40, 4096, 32, 8, 12800, 49155, tie_word_embeddings=True)),
    "Granite-4.0-H-Small": ("granitemoehybrid", _moe(
        40, 4096, 32, 8, 100352, ffn=768, num_local_experts=72, num_experts_per_tok=10,
        shared_intermediate_size=1536, mamba_n_heads=128, mamba_d_head=64, mamba_n_groups=1,
        mamba_d_state=128, layer_types=["mamba"] * 36 + ["attention"] * 4,
        tie_word_embeddings=True)),
    "SmolLM3-3B": ("smollm3", _dense(36, 2048, 16, 4, 11008, 128256, tie_word_embeddings=True)),
    "Apertus-70B": ("apertus", _dense(80, 8192, 64, 8, 43008, 131072)),
    "Mamba-2-2.7B": ("mamba2", {
        "num_hidden_layers": 64, "hidden_size": 2560, "num_heads": 80, "head_dim": 64,
        "n_groups": 1, "vocab_size": 50288, "tie_word_embeddings": True, "state_size": 128}),
}  # fmt: skip
"""Published name to model type and configuration; what is left out is the class's default."""


def parameters(kind: str, config: dict) -> int:
    """Weights of the class at full size; nothing is allocated."""
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(CONFIG_MAPPING[kind](**config))
    return sum(weight.numel() for weight in model.parameters())
