import numpy as np
import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from groundup.facts.catalogue import load_catalogue
from groundup.facts.estimate import given
from groundup.middleware.light_heavy import (
    Mix,
    Pair,
    area,
    auc_of,
    best,
    break_even_auc,
    cascade,
    cost_ratio,
    heavy_share_for,
    implied_heavy_share,
    pareto,
    random_route,
    roc,
    route,
    saved_by_routing,
    separation,
)

FACTS = load_catalogue()
shares = st.floats(0.01, 0.99)


def fact(key):
    return FACTS[f"middleware.routellm.{key}"].value


@examples(shares, shares, st.floats(0, 0.1))
def test_cost_ratio_is_one_for_the_heavy_model_and_r_for_the_light(heavy, ratio, overhead):
    f, r = given(heavy, "1", "f"), given(ratio, "1", "r")
    assert cost_ratio(f, r, overhead).value == pytest.approx(heavy + (1 - heavy) * ratio + overhead)
    assert cost_ratio(given(1.0, "1", "f"), r).value == 1.0
    assert cost_ratio(given(0.0, "1", "f"), r).value == pytest.approx(ratio)


@examples(st.floats(0.5, 0.999))
def test_area_under_the_curve_is_the_area(auc):
    u = np.linspace(0, 1, 20_001)
    assert np.trapezoid(roc(auc, u), u) == pytest.approx(auc, abs=2e-3)
    assert float(area(separation(auc))) == pytest.approx(auc, abs=1e-9)


def test_router_and_cascade_agree_with_questions_drawn_one_by_one():
    draw = np.random.default_rng(7)
    n = 400_000
    kind = draw.choice(4, n, p=[0.5, 0.25, 0.05, 0.2])  # both, heavy only, light only, none
    light, heavy = (kind == 0) | (kind == 2), (kind == 0) | (kind == 1)
    pair = Pair(1.0, 10.0, 0.55, 0.75, 0.05)
    score = draw.normal(size=n) + float(separation(0.8)) * (kind == 1)
    sent = score > 0.4
    true, false = sent[kind == 1].mean(), sent[kind != 1].mean()
    mix = route(pair, true, false)
    assert float(mix.heavy_share) == pytest.approx(sent.mean(), abs=2e-3)
    assert float(mix.cost) == pytest.approx(np.where(sent, 10.0, 1.0).mean(), rel=5e-3)
    assert float(mix.quality) == pytest.approx(np.where(sent, heavy, light).mean(), abs=4e-3)
    accepted = draw.random(n) < np.where(light, 0.9, 0.2)
    chain = cascade(pair, 0.9, 0.2, 0.5)
    assert float(chain.quality) == pytest.approx(np.where(accepted, light, heavy).mean(), abs=4e-3)
    assert float(chain.cost) == pytest.approx(1.5 + 10 * (~accepted).mean(), rel=5e-3)


@examples(shares, shares, st.floats(0, 0.2))
def test_ends_of_a_cascade(light, heavy, loss):
    light, heavy = sorted((light, heavy))
    loss = min(loss, light)
    pair = Pair(1.0, 5.0, light, heavy, loss)
    assert float(cascade(pair, 0, 0).quality) == pytest.approx(heavy)
    assert float(cascade(pair, 1, 1).quality) == pytest.approx(light)
    assert float(cascade(pair, 1, 0).quality) == pytest.approx(heavy + loss)  # the better of both


@examples(st.floats(0.55, 0.98), st.floats(0.02, 0.5), st.floats(0.05, 0.95))
def test_a_better_router_needs_fewer_heavy_calls(auc, gain, recovered):
    better = float(heavy_share_for(auc + 0.01, gain, recovered))
    assert better <= float(heavy_share_for(auc, gain, recovered)) + 1e-12
    assert float(heavy_share_for(0.5, gain, recovered)) == pytest.approx(recovered)


@examples(st.floats(0.5, 0.98), st.floats(0.02, 0.5))
def test_mean_recovery_gives_the_area_back(auc, gain):
    u = np.linspace(0, 1, 20_001)
    t = roc(auc, u)
    apgr = np.trapezoid(t, gain * t + (1 - gain) * u)
    assert float(auc_of(apgr, gain)) == pytest.approx(auc, abs=4e-3)


@examples(st.floats(0.05, 0.4), st.floats(0.2, 0.9), st.floats(0.0, 0.5), st.floats(0, 0.05))
def test_at_the_break_even_router_and_lottery_cost_the_same(gain, recovered, ratio, overhead):
    auc = float(break_even_auc(gain, recovered, ratio, overhead))
    if np.isnan(auc):
        return
    pair = Pair(ratio, 1.0, 0.5, 0.5 + gain)
    share = float(heavy_share_for(auc, gain, recovered))
    lottery = random_route(pair, recovered)
    assert share * (1 - ratio) + ratio + overhead == pytest.approx(float(lottery.cost), abs=1e-6)


@pytest.mark.parametrize("name", ["mt_bench", "mmlu", "gsm8k"])
@pytest.mark.parametrize(("recovered", "key"), [(0.5, "cpt_50"), (0.8, "cpt_80")])
def test_one_published_mean_predicts_the_published_points(name, recovered, key):
    # nothing is fitted: the area follows from APGR, the share of hard questions from the scores
    gain = fact(f"{name}.heavy_quality") - fact(f"{name}.light_quality")
    auc = auc_of(fact(f"{name}.apgr"), gain)
    assert float(heavy_share_for(auc, gain, recovered)) == pytest.approx(
        fact(f"{name}.{key}"), rel=0.12
    )


@pytest.mark.parametrize("name", ["mt_bench", "mmlu", "gsm8k"])
def test_published_savings_are_against_a_random_router(name):
    ratio = fact(f"{name}.random_50") / fact(f"{name}.cpt_50")
    assert ratio == pytest.approx(fact(f"{name}.saving_50"), rel=0.01)


@pytest.mark.parametrize("name", ["mt_bench", "mmlu"])
def test_published_share_of_calls_gives_the_published_saving(name):
    part = {key: FACTS.estimate(f"middleware.routellm.price.{key}") for key in ("light", "heavy")}
    calls = FACTS.estimate(f"middleware.routellm.{name}.calls_95")
    assert saved_by_routing(calls, **part).value == pytest.approx(
        fact(f"{name}.saved_95"), abs=0.01
    )


@pytest.mark.parametrize("name", ["headlines", "overruling", "coqa"])
def test_published_costs_of_cascades_give_the_published_saving(name):
    part = {key: FACTS[f"middleware.frugal.{name}.{key}"].value
            for key in ("single", "cascade", "saved")}  # fmt: skip
    assert 1 - part["cascade"] / part["single"] == pytest.approx(part["saved"], abs=0.002)
    saved = FACTS.estimate(f"middleware.frugal.{name}.saved")
    share = implied_heavy_share(saved, given(0.0, "1", "r"))
    assert share.value == pytest.approx(1 - part["saved"])


@examples(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=30))
def test_pareto_keeps_exactly_what_no_other_point_beats(points):
    cost, quality = np.array(points).T
    kept = pareto(cost, quality)
    for i, (c, q) in enumerate(points):
        beaten = any((c2 <= c and q2 >= q) and (c2 < c or q2 > q) for c2, q2 in points)
        if kept[i]:
            assert not beaten
        elif not beaten:
            assert (c, q) in {points[j] for j in np.flatnonzero(kept)}  # a copy is kept


def test_the_cheapest_that_is_good_enough():
    mix = Mix(np.zeros(3), np.array([[1.0], [2.0], [3.0]]), np.array([[0.5], [0.7], [0.9]]))
    assert best(mix, 0.6).tolist() == [1]
    assert best(mix, 0.95).tolist() == [-1]
