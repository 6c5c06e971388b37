from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.planner.plan import Plan
from groundup.planner.report.weakest import weakest


def test_a_product_of_two_facts_splits_its_spread(campus: Plan) -> None:
    """Of a product in logs, variance shares are those of the factors' logs (independent)."""
    facts = load_catalogue()
    a, b = facts.estimate("sites.pue.liquid", 4000), facts.estimate("chips.lifetime", 4000)
    found = weakest({"power": a * b, "months": 1.0 / b})
    shares = {item.fact.key: item.shares for item in found}
    spread = {e.label: float(np.var(np.log(e.samples[1:]))) for e in (a, b)}
    for key, wide in spread.items():
        assert abs(shares[key]["power"]) == pytest.approx(wide / sum(spread.values()), abs=0.06)
    assert shares["chips.lifetime"]["months"] == pytest.approx(-1.0)
    assert found[0].fact.key == "chips.lifetime"


def test_ranking_agrees_with_an_independent_rank_correlation(campus: Plan) -> None:
    stats = pytest.importorskip("scipy.stats")
    cost = campus.totals["usd_to_build"]
    for item in weakest({"usd_to_build": cost})[:4]:
        draws = load_catalogue(campus.seed).estimate(item.fact.key, campus.samples).samples[1:]
        rho = float(stats.spearmanr(draws, cost.samples.reshape(-1)[1:]).statistic)
        assert item.shares["usd_to_build"] == pytest.approx(rho * abs(rho), abs=1e-9)


def test_shares_of_a_total_do_not_exceed_one(campus: Plan) -> None:
    found = weakest(campus.totals, most=100)
    assert found == sorted(found, key=lambda item: -item.largest)
    for name in ("usd_to_build", "power", "usd_per_accelerator_hour"):
        assert sum(abs(item.shares.get(name, 0.0)) for item in found) < 1.1


def test_without_draws_nothing_is_ranked(campus: Plan) -> None:
    points = {k: replace(v, samples=v.samples[..., :1]) for k, v in campus.totals.items()}
    assert weakest(points) == []
