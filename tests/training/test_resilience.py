from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from groundup.facts.catalogue import load_catalogue
from groundup.facts.estimate import given
from groundup.facts.explain import leaves
from groundup.facts.layer import Ask
from groundup.training.config import TrainingConfig
from groundup.training.resilience import straggling, with_resilience

FACTS = load_catalogue()


def asked(kind: str = "asynchronous", count: float = 16384.0, samples: int = 0) -> Ask:
    ask = Ask("h100-sxm", {"parameters": given(405e9, "parameter", "models.parameters", "here")})
    return with_resilience(
        TrainingConfig(checkpoint=kind),
        ask,
        given(count, "accelerator", "chips.count", "here"),
        given(2.7e7, "accelerator*h", "hours", "here"),
        FACTS,
        samples,
    )


def test_llama_3_trained_more_than_nine_tenths_of_the_time() -> None:
    # arXiv:2407.21783, section 3.3.4: 419 failures in 54 days, over 90 % effective training time
    ask = asked()
    assert ask["between_failures"].value == pytest.approx(54 * 24 / 419, rel=0.01)
    assert 0.90 < ask["goodput"].value < 0.97


def test_waiting_for_the_store_costs_most_and_peers_memory_least() -> None:
    shares = [asked(kind).quantities["goodput"].value
              for kind in ("blocking", "asynchronous", "in-memory")]  # fmt: skip
    assert shares == sorted(shares)
    assert shares[0] < shares[-1]


@settings(max_examples=20, deadline=None)
@examples(st.integers(6, 17))
def test_larger_jobs_train_a_smaller_share_and_need_more_spares(power: int) -> None:
    small, large = asked(count=2.0**power), asked(count=2.0 ** (power + 1))
    assert large["goodput"].value < small["goodput"].value
    assert large["spare_accelerators"].value >= small["spare_accelerators"].value


def test_spares_are_the_quantile_of_those_away() -> None:
    stats = pytest.importorskip("scipy.stats")
    rate, away, repair = (
        FACTS[f"training.{name}"].value
        for name in ("failure_rate", "repair.share_away", "repair.away")
    )
    expected = stats.poisson.ppf(0.99, rate * away * repair * 16384)
    assert asked()["spare_accelerators"].value == expected


def test_goodput_leads_to_the_facts_of_failures_and_stores() -> None:
    keys = {leaf.fact.key for leaf in leaves(asked(samples=50)["goodput"]) if leaf.fact}
    assert {"training.failure_rate", "training.restart", "training.checkpoint_bandwidth"} <= keys


def test_slow_machines_show_in_jobs_larger_than_the_fitted_ones() -> None:
    assert straggling(8.0, FACTS).value == 1.0
    factors = [straggling(count, FACTS).value for count in (64.0, 1024.0, 16384.0)]
    assert factors == sorted(factors)
    # Blom's expected maximum against a drawn one
    rng = np.random.default_rng(0)
    spread = FACTS["training.stragglers.spread"].value
    drawn = 1 + spread * rng.standard_normal((400, 1024)).max(axis=1).mean()
    fitted = 1 + spread * rng.standard_normal((40000, 16)).max(axis=1).mean()
    assert factors[1] == pytest.approx(drawn / fitted, rel=2e-3)
