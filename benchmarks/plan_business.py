"""Claim: published accounts, savings, years and horizons follow from their own inputs; fast.

The peers are published numbers: DeepSeek's day, RouteLLM's and FrugalGPT's savings, Villalobos'
years, METR's doubling, numpy-financial where it is installed; and limits of time for a million
questions about money. Nothing is fitted to what is compared.
"""

from __future__ import annotations

import importlib.util
from functools import partial

import numpy as np
from _common import Options, Result, agree, compare, print_machine, run, seconds, turns

from groundup.apps.investment import irr, npv
from groundup.apps.obsolescence import launch, worth
from groundup.data.stock import exhaustion, fitted_growth
from groundup.facts.catalogue import Catalogue, load_catalogue
from groundup.facts.estimate import given
from groundup.middleware.agent_success import checked, task, with_checkpoints
from groundup.middleware.light_heavy import (
    Pair,
    auc_of,
    heavy_share_for,
    roc,
    route,
    saved_by_routing,
)

DRAWS = 10_000
ALLOWED = 0.10
"""Most relative difference to a published number that follows from other published ones."""


def check_agents() -> None:
    """Closed forms against a million simulated tasks of eight checked steps."""
    draw = np.random.default_rng(1)
    runs, steps, tries, p, s, a = 1_000_000, 8, 3, 0.9, 0.95, 0.1
    going, spoiled = np.ones(runs, dtype=bool), np.zeros(runs, dtype=bool)
    for _ in range(steps):
        waiting = going.copy()
        for _ in range(tries):
            right = draw.random(runs) < p
            accepted = waiting & (draw.random(runs) < np.where(right, s, a))
            spoiled |= accepted & ~right
            waiting &= ~accepted
        going &= ~waiting
    found = float(task(checked(p, s, a, tries), steps).solved)
    seen = float((going & ~spoiled).mean())
    print(f"eight checked steps: {found:.4f} in closed form, {seen:.4f} of a million tasks")
    agree("closed form within 0.002 of the simulation", abs(found - seen) < 0.002, True)


def check_finance() -> None:
    """Present values and internal rates against numpy-financial, where it is installed."""
    if importlib.util.find_spec("numpy_financial") is None:
        print("numpy-financial is not installed: compared with worked examples in the tests only")
        return
    import numpy_financial as peer

    draw = np.random.default_rng(2)
    flows = np.vstack([-draw.uniform(50, 500, 300), draw.uniform(1, 100, (10, 300))])
    theirs = np.array([peer.irr(column) for column in flows.T])
    worths = np.array([peer.npv(0.09, column) for column in flows.T])
    close = np.allclose(irr(flows), theirs, rtol=1e-7, atol=1e-8)
    agree("300 internal rates and present values equal", close, True)
    agree("present values", np.allclose(npv(0.09, flows), worths), True)


def accounts(facts: Catalogue) -> dict[str, tuple[float, float]]:
    """Ours and the published number by name."""
    day = {key.rsplit(".", 1)[1]: facts.estimate(key) for key in facts.keys("apps.deepseek.")}
    price = {kind: facts.estimate(f"middleware.price.deepseek-r1.{kind}")
             for kind in ("input", "cached", "output")}  # fmt: skip
    cost = (day["servers"] * day["accelerators_per_server"] * day["rent"]).to("USD/day").value
    fresh = day["input_tokens"] - day["cached_tokens"]
    revenue = (
        fresh * price["input"] + day["cached_tokens"] * price["cached"]
        + day["output_tokens"] * price["output"]
    ).to("USD/day").value  # fmt: skip
    v3 = {name: facts.estimate(f"apps.deepseek-v3.{name}") for name in ("hours", "rent")}
    year = exhaustion(facts, DRAWS)
    print(f"text is exhausted in {year.value:.1f} ({year.low:.1f} to {year.high:.1f}); "
          "published 2028 (2026 to 2032)")  # fmt: skip
    return {
        "DeepSeek's day, cost [USD]": (cost, day["cost"].value),
        "DeepSeek's day, revenue [USD]": (revenue, day["revenue"].value),
        "DeepSeek's day, profit over cost": (revenue / cost - 1, day["profit_over_cost"].value),
        "DeepSeek-V3's run [MUSD]": ((v3["hours"] * v3["rent"]).to("MUSD").value, 5.576),
        "years from 2024.3 until it is taken": (year.value - 2024.3, 2028 - 2024.3),
        "years sooner when over-trained five times": (
            year.value - exhaustion(facts, overtrained=5.0).value, 1.0,
        ),
        "growth of the largest training sets": (fitted_growth(facts), 3.0),
        **_routing(facts),
    }  # fmt: skip


def _routing(facts: Catalogue) -> dict[str, tuple[float, float]]:
    """Savings of RouteLLM at 95 % of quality, and its points from its published mean."""
    found: dict[str, tuple[float, float]] = {}
    part = {key: facts.estimate(f"middleware.routellm.price.{key}") for key in ("light", "heavy")}
    for name in ("mt_bench", "mmlu", "gsm8k"):
        base = f"middleware.routellm.{name}"
        if f"{base}.calls_95" in facts:
            saved = saved_by_routing(facts.estimate(f"{base}.calls_95"), **part).value
            found[f"saved at 95 % of quality, {name}"] = (saved, facts[f"{base}.saved_95"].value)
        gain = facts[f"{base}.heavy_quality"].value - facts[f"{base}.light_quality"].value
        auc = auc_of(facts[f"{base}.apgr"].value, gain)
        for recovered, key in ((0.5, "cpt_50"), (0.8, "cpt_80")):
            ours = float(heavy_share_for(auc, gain, recovered))
            found[f"{name} {key}"] = (ours, facts[f"{base}.{key}"].value)
    return found


def many_agents() -> None:
    """A million agents: success, calls, checkpoints."""
    p = np.linspace(0.5, 0.999, 1_000_000)
    task(checked(p, 0.95, 0.1, 3), 20.0)
    with_checkpoints(p, 20.0, 4.0)


def many_routers() -> None:
    """A million points of routers: cost and quality."""
    false = np.linspace(0, 1, 1000)[:, np.newaxis]
    auc = np.linspace(0.55, 0.95, 1000)
    route(Pair(0.1, 1.0, 0.6, 0.8), roc(auc, false), false)


def many_launches(facts: Catalogue) -> None:
    """Worth of a run over 24 months, 10,000 draws."""
    plan = launch(
        given(5.6e6, "USD", "run"), given(5e6, "Mtoken/month", "tokens"),
        given(3.3, "USD/Mtoken", "price"), given(0.5, "USD/Mtoken", "cost"),
        facts.estimate("apps.price_fall", DRAWS), facts.estimate("sites.wacc", DRAWS),
    )  # fmt: skip
    worth(plan, 0, 24)


def measure(chosen: Options) -> list[Result]:
    """Agreement first, then differences to published numbers, then times."""
    print_machine(["groundup", "numpy"], "peers: published numbers, numpy-financial, time limits")
    facts = load_catalogue()
    check_agents()
    check_finance()
    errors = []
    for name, (ours, theirs) in accounts(facts).items():
        errors.append(abs(ours / theirs - 1))
        print(f"{name}: {ours:,.4g}, published {theirs:,.4g} ({errors[-1]:.1%})")
    results = [
        compare(f"published numbers, {name} error", "1", [float(value)], [allowed])
        for name, value, allowed in (
            ("median", np.median(errors), ALLOWED), ("largest", max(errors), 2 * ALLOWED),
        )
    ]  # fmt: skip
    work = {
        "a million agents": partial(seconds, many_agents),
        "a million points of routers": partial(seconds, many_routers),
        "worth of a run, 24 months, 10,000 draws": partial(seconds, partial(many_launches, facts)),
    }
    for name, times in turns(work, chosen).items():
        results.append(compare(name, "s", times, [1.0] * len(times)))
    return results


if __name__ == "__main__":
    run(__doc__, measure)
