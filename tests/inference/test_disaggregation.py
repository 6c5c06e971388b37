"""Prefill apart from decode: matched rates, and one published day of a service."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.facts.catalogue import load_catalogue
from groundup.inference.disaggregation import apart, service_rates
from groundup.inference.latency import engine_of
from groundup.inference.steady import steady, traffic_of
from groundup.models.published import published

FACTS = load_catalogue()
ENGINE = engine_of(published("Llama-3.1-70B"), "h100-sxm", FACTS, tensor=4)


@settings(max_examples=30, deadline=None)
@given(st.floats(1, 300), st.floats(100, 8000), st.floats(20, 2000))
def test_at_the_matched_ratio_neither_waits(batch: float, prompt: float, output: float) -> None:
    traffic = traffic_of(FACTS, prompt, output)
    both = apart(ENGINE, ENGINE, batch, traffic)
    assert np.allclose(both.ratio * both.reads, both.writes)
    # requests through one decoding replica and its readers, over their accelerators
    requests = both.writes / (4 + 4 * both.ratio)
    assert np.allclose(requests * output, both.tokens_per_s)


def test_tokens_come_evenly_and_the_cache_is_sent() -> None:
    traffic = traffic_of(FACTS, 4000.0, 200.0)
    both, one = apart(ENGINE, ENGINE, 64.0, traffic), steady(ENGINE, 64.0, traffic)
    assert np.all(both.between < one.step)
    assert np.all(both.transfer > 0)
    # 4 000 tokens x 327 680 bytes over 4 cards of 50 GB/s at 80 %
    assert float(np.ravel(both.transfer)[0]) == pytest.approx(4000 * 327_680 / (4 * 50e9 * 0.8))


def test_a_public_day_of_deepseek() -> None:
    found = service_rates(FACTS)
    day = {key: FACTS[f"inference.service.{key}"].value for key in
           ("input_rate", "output_rate", "nodes", "cost")}  # fmt: skip
    assert found.input_per_node == pytest.approx(day["input_rate"], rel=0.15)
    assert found.output_per_node == pytest.approx(day["output_rate"], rel=0.15)
    assert found.nodes == pytest.approx(day["nodes"], rel=0.15)
    assert found.usd_per_day == pytest.approx(day["cost"], rel=0.15)
    assert found.usd_per_output_mtok == pytest.approx(0.30, rel=0.15)
