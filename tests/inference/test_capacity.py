"""Bytes of weights and caches against published sizes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import ConfigError
from groundup.inference.capacity import cache_bytes, cache_room, most_sequences, weight_bytes
from groundup.inference.formats import FORMATS, format_of
from groundup.inference.latency import engine_of
from groundup.models.published import published

FACTS = load_catalogue()


def first(values: object) -> float:
    return float(np.ravel(np.asarray(values))[0])


@pytest.mark.parametrize(
    ("name", "kind", "gigabytes"),
    [  # sizes of the files on Hugging Face, GB of the index's total_size
        ("Llama-3.1-8B", "bf16", 16.06),
        ("Llama-3.1-70B", "bf16", 141.1),
        ("Llama-3.1-405B", "bf16", 811.7),
        ("gpt-oss-120b", "mxfp4", 65.2),
        ("gpt-oss-20b", "mxfp4", 13.8),
    ],
)
def test_weights_are_as_large_as_the_published_files(
    name: str, kind: str, gigabytes: float
) -> None:
    one = engine_of(published(name), "b200", FACTS, tensor=8, weight_format=kind)
    assert first(weight_bytes(one)) / 1e9 == pytest.approx(gigabytes, rel=0.01)


def test_caches_of_published_models() -> None:
    llama = engine_of(published("Llama-3.1-70B"), "h100-sxm", FACTS, tensor=8)
    assert first(cache_bytes(llama, 1.0)) == 2 * 80 * 8 * 128 * 2  # 327 680 bytes a token
    latents = engine_of(published("DeepSeek-V3"), "h200-sxm", FACTS, data=8, weight_format="fp8")
    assert first(cache_bytes(latents, 1.0)) == 61 * (512 + 64) * 2  # 70 272: arXiv:2412.19437
    near = engine_of(published("gpt-oss-20b"), "h100-sxm", FACTS, weight_format="mxfp4")
    per_layer = 2 * 8 * 64 * 2  # 12 of 24 layers look at 128 tokens
    assert first(cache_bytes(near, 1000.0)) == per_layer * (12 * 1000 + 12 * 128)


def test_ranks_beyond_key_value_heads_hold_copies() -> None:
    eight, sixteen = (
        engine_of(published("Llama-3.1-70B"), "h100-sxm", FACTS, tensor=width) for width in (8, 16)
    )
    assert first(cache_bytes(sixteen, 100.0)) == 2 * first(cache_bytes(eight, 100.0))


@given(st.floats(16, 1e5), st.floats(0, 1))
def test_what_is_said_to_fit_fits_and_one_more_does_not(tokens: float, part: float) -> None:
    one = engine_of(published("Llama-3.1-8B"), "h100-sxm", FACTS)
    count = first(most_sequences(one, tokens))
    room, each = first(cache_room(one)), first(cache_bytes(one, tokens))
    assert count * each <= room * (1 + 1e-9) < (count + 1) * each * (1 + 2e-9)
    assert first(most_sequences(one, tokens, tokens * part * 0.99)) >= count - 1


def test_a_model_that_does_not_fit_leaves_no_room() -> None:
    one = engine_of(published("Llama-3.1-405B"), "h100-sxm", FACTS, tensor=8)
    assert first(cache_room(one)) < 0
    assert first(most_sequences(one, 100.0)) == 0


@pytest.mark.parametrize(
    ("name", "bits"), [("mxfp4", 4.25), ("nvfp4", 4.5), ("int4", 4.125), ("fp8", 8.002)]
)
def test_bits_of_a_weight_with_its_scale(name: str, bits: float) -> None:
    # OCP Microscaling 1.0: 32 elements share 8 bits; NVFP4: 16 do; AWQ: 128 share 16
    assert FORMATS[name].bytes_each * 8 == pytest.approx(bits, abs=1e-3)


def test_an_unknown_format_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="mxfp4"):
        format_of("int3")
