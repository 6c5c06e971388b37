from __future__ import annotations

import math

import numpy as np
import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import ConfigError, NoDataError
from groundup.facts.estimate import given
from groundup.facts.figures import Bars, Curves, Table
from groundup.facts.layer import Ask
from groundup.inference.config import InferenceConfig
from groundup.inference.engine_costs import cache_tokens, costs_of
from groundup.inference.latency import decode_seconds, engine_of, prefill_seconds
from groundup.inference.simulated_figures import figures
from groundup.inference.simulated_plan import named_slo, simulated
from groundup.models.published import published

FACTS = load_catalogue()
ENGINE = engine_of(published("llama-3.1-8b"), "h100-sxm", FACTS, weight_format="fp8")
CONFIG = InferenceConfig(batch=64, quantise="fp8", prompt_tokens=600, output_tokens=150)


def asked(rate: float, replicas: float = 2.0) -> Ask:
    calls = given(rate, "question/s", "calls", "test")
    return Ask(
        "h100-sxm",
        {
            "calls_per_s": calls,
            "peak_calls_per_s": calls * 3.0,
            "prompt_tokens": given(600.0, "token/question", "prompt", "test"),
            "output_tokens": given(150.0, "token/question", "output", "test"),
            "replicas": given(replicas, "replica", "replicas", "test"),
        },
    )


def test_tables_are_the_laws_of_the_engine() -> None:
    """Against latency.py at random batches, contexts and prompts: under 1 %."""
    room = cache_tokens(ENGINE, 1000.0)
    costs = costs_of(ENGINE, 128, room, 8192)
    draw = np.random.default_rng(0)
    for _ in range(100):
        batch = int(draw.integers(1, 129))
        context, tokens = float(draw.uniform(batch * 10, room)), float(draw.integers(1, 8192))
        past = float(draw.integers(0, 8192))
        step = float(np.ravel(decode_seconds(ENGINE, batch, context / batch))[0])
        assert costs.decode(batch, context) == pytest.approx(step, rel=1e-3)
        both = float(np.ravel(decode_seconds(ENGINE, batch, context / batch, tokens))[0])
        assert costs.mixed(batch, context, tokens, tokens**2 / 2) == pytest.approx(both, rel=0.02)
        alone = float(np.ravel(prefill_seconds(ENGINE, tokens, past))[0])
        pairs = tokens * (past + tokens / 2)
        assert costs.mixed(0, 0.0, tokens, pairs) == pytest.approx(alone, rel=0.02)


def test_drafts_cost_more_and_a_window_is_tabled() -> None:
    room = cache_tokens(ENGINE, 1000.0)
    plain = costs_of(ENGINE, 32, room, 2048)
    drafts = costs_of(ENGINE, 32, room, 2048, drafted=3, draft_share=0.1)
    ratio = drafts.decode(8, 8000) / plain.decode(8, 8000)
    assert 1.3 < ratio < 4  # three drafts at a tenth of a step each, and four tokens a request
    small = engine_of(published("gemma-3-12b"), "h100-sxm", FACTS)
    costs = costs_of(small, 16, 200_000, 2048)
    step = float(np.ravel(decode_seconds(small, 16, 5000.0))[0])
    assert costs.decode(16, 80_000) == pytest.approx(step, rel=0.01)


def test_peak_waits_longer_than_the_mean() -> None:
    found = simulated(CONFIG, asked(4.0), FACTS, engine=ENGINE, requests=600)
    assert found.peak.ttft.p99 > found.mean.ttft.p99
    assert found.peak.batch > found.mean.batch
    assert found.capacity > 12
    seconds = found.estimates["ttft_p99_peak"]
    assert seconds.value == found.peak.ttft.p99
    assert str(seconds.unit) == "s"
    assert found.estimates["ttft_p50_peak"].value < seconds.value


def test_an_overload_gives_no_percentiles() -> None:
    found = simulated(CONFIG, asked(500.0), FACTS, engine=ENGINE, requests=300)
    assert "exceeds capacity" in found.warning
    assert found.estimates == {}
    table = figures(found)[0]
    assert isinstance(table, Table)
    assert {row[2] for row in table.rows} == {None}


def test_nearly_full_fleets_are_warned_of() -> None:
    capacity = simulated(CONFIG, asked(4.0), FACTS, engine=ENGINE, requests=300).capacity
    found = simulated(CONFIG, asked(0.9 * capacity / 3), FACTS, engine=ENGINE, requests=300)
    assert "90% of what the fleet keeps up with" in found.warning
    assert "20 % more load" in found.warning


def test_prompts_read_apart_keep_gaps_short() -> None:
    apart = InferenceConfig(
        batch=64, quantise="fp8", prompt_tokens=600, output_tokens=150, disaggregated=True
    )
    both = simulated(CONFIG, asked(8.0), FACTS, engine=ENGINE, requests=600)
    split = simulated(apart, asked(8.0), FACTS, engine=ENGINE, reader=ENGINE, requests=600)
    assert split.option.fleet.readers >= 1
    assert split.option.fleet.transfer_s_per_token > 0
    assert split.peak.gap.p99 < both.peak.gap.p99


def test_cached_prompts_and_guesses_of_the_stack_count() -> None:
    cached = InferenceConfig(batch=64, quantise="fp8", prefix_hit_rate=0.8)
    guesses = InferenceConfig(batch=64, quantise="fp8", guesses=3, acceptance=0.8)
    plain, warm, fast = (
        simulated(config, asked(4.0), FACTS, engine=ENGINE, requests=500)
        for config in (CONFIG, cached, guesses)
    )
    assert warm.mean.ttft.p50 < plain.mean.ttft.p50
    assert warm.mean.hit == pytest.approx(0.8, abs=0.01)
    assert fast.mean.tpot.p50 < plain.mean.tpot.p50


def test_figures_are_curves_bars_and_a_table() -> None:
    found = simulated(CONFIG, asked(4.0), FACTS, engine=ENGINE, requests=300)
    table, first, tokens, bars = figures(found)
    assert isinstance(table, Table)
    assert isinstance(first, Curves)
    assert isinstance(tokens, Curves)
    assert isinstance(bars, Bars)
    p50 = tokens.lines[0]
    assert p50.y[-1] > p50.y[0]  # waits rise with the load
    assert math.fsum(value for bar in bars.bars for _, value in bar.parts) == pytest.approx(2.0)


def test_what_cannot_be_simulated_is_refused() -> None:
    with pytest.raises(NoDataError, match="nobody calls"):
        simulated(CONFIG, asked(0.0), FACTS, engine=ENGINE)
    large = engine_of(published("llama-3.1-405b"), "h100-sxm", FACTS)
    with pytest.raises(ConfigError, match="does not fit"):
        simulated(CONFIG, asked(1.0), FACTS, engine=large)
    with pytest.raises(NoDataError):
        named_slo("strict", FACTS)
    assert named_slo("interactive", FACTS).ttft == 0.45
