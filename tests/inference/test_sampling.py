"""Sampling against transformers' nucleus filter and exact distributions."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers.generation.logits_process import TopPLogitsWarper

from groundup.facts.errors import ConfigError
from groundup.inference.sampling import check_sampling, nucleus, sample


@given(st.integers(0, 1000), st.floats(0.05, 0.99))
def test_nucleus_equals_transformers(seed, top_p):
    logits = torch.randn(50, generator=torch.Generator().manual_seed(seed)) * 3
    shares = torch.softmax(logits, -1)
    filtered = TopPLogitsWarper(top_p)(None, logits[None].clone())[0]
    assert torch.allclose(nucleus(shares, top_p), torch.softmax(filtered, -1), atol=1e-6)


def test_zero_temperature_is_greedy_and_seeds_repeat():
    logits = torch.randn(30, generator=torch.Generator().manual_seed(1))
    assert sample(logits, 0, 1.0, torch.Generator()) == int(logits.argmax())
    draws = [
        [sample(logits, 1.0, 0.9, torch.Generator().manual_seed(s)) for s in range(20)]
        for _ in range(2)
    ]
    assert draws[0] == draws[1]
    assert len(set(draws[0])) > 3


def test_frequencies_follow_the_softmax():
    logits = torch.tensor([2.0, 1.0, 0.0, -1.0])
    generator = torch.Generator().manual_seed(0)
    counts = torch.zeros(4)
    for _ in range(4000):
        counts[sample(logits, 2.0, 1.0, generator)] += 1
    expected = torch.softmax(logits / 2, -1) * 4000
    assert ((counts - expected) ** 2 / expected).sum() < 16.3  # chi-square, 3 df, p = 0.001


@pytest.mark.parametrize(("temperature", "top_p"), [(-1, 1), (1, 0), (1, 1.5)])
def test_nonsense_is_refused(temperature, top_p):
    with pytest.raises(ConfigError, match="allowed is"):
        check_sampling(temperature, top_p)
