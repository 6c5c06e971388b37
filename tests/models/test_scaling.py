import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import ConfigError, NoDataError
from groundup.models.more_samples import (
    break_even_tokens,
    coverage_through,
    matched_samples,
    published_coverage,
)
from groundup.models.repeated_data import best_repeated, repeated_loss, worth
from groundup.models.scaling import (
    FITS,
    LOSS_FITS,
    kaplan_loss,
    loss_law,
    off_optimum,
    optimum,
)
from groundup.models.serving_aware import cheapest_life

FACTS = load_catalogue()
# Hoffmann et al. 2022 (arXiv:2203.15556): parameters, FLOP, tokens
TABLE_3 = [
    (400e6, 1.92e19, 8.0e9), (1e9, 1.21e20, 20.2e9), (10e9, 1.23e22, 205.1e9),
    (67e9, 5.76e23, 1.5e12), (175e9, 3.85e24, 3.7e12), (280e9, 9.90e24, 5.9e12),
    (520e9, 3.43e25, 11.0e12), (1e12, 1.27e26, 21.2e12), (10e12, 1.30e28, 216.2e12),
]  # fmt: skip


@pytest.mark.parametrize(("parameters", "compute", "tokens"), TABLE_3)
def test_approach_1_gives_its_table(parameters, compute, tokens):
    best = optimum("chinchilla_1", compute, FACTS)
    assert best.parameters[0] == pytest.approx(parameters, rel=0.02)
    assert best.tokens[0] == pytest.approx(tokens, rel=0.06)  # 1.5T is rounded from 1.43T


def test_llama_3_s_402_billion():
    best = optimum("llama3", 3.8e25, FACTS)
    assert best.tokens[0] == pytest.approx(16.55e12, rel=0.01)
    assert best.parameters[0] == pytest.approx(402e9, rel=0.06)
    # its constant A = 0.29 at one FLOP
    assert best.tokens[0] / 3.8e25**0.538 == pytest.approx(0.29, rel=0.05)


def test_refit_gives_about_20_tokens_a_parameter():
    # arXiv:2404.10102: the re-fit agrees with 20 tokens a parameter at Chinchilla's budget
    assert optimum("epoch", 5.76e23, FACTS).tokens_per_parameter[0] == pytest.approx(20, rel=0.1)


def test_deepseek_s_two_laws_multiply_to_the_compute():
    # M* = 0.1715 C^0.5243 FLOP a token; M is 6 N
    best = optimum("deepseek", 1e20, FACTS)
    assert 6 * best.parameters[0] == pytest.approx(0.1715 * 1e20**0.5243, rel=0.001)


def test_kaplan_s_sizes():
    # N = 1.3e9 C^0.73 in PF-days; GPT-3's 3640 PF-days
    assert optimum("kaplan", 8.64e19, FACTS).parameters[0] == pytest.approx(1.3e9)
    assert optimum("kaplan", 3640 * 8.64e19, FACTS).parameters[0] > 400e9
    assert 2.0 < float(kaplan_loss(np.asarray(1.5e9), np.asarray(2.3e10), FACTS)) < 2.6


@pytest.mark.parametrize("fit", list(LOSS_FITS))
def test_optimum_is_the_least_loss_by_search(fit):
    law, compute = loss_law(fit, FACTS), 3e21
    sizes = np.geomspace(1e8, 1e11, 20_001)
    losses = law.loss(sizes, compute / 6 / sizes)
    best = optimum(fit, compute, FACTS)
    assert best.parameters[0] == pytest.approx(sizes[np.argmin(losses)], rel=1e-3)
    assert best.loss is not None
    assert best.loss[0] == pytest.approx(losses.min(), rel=1e-9)
    assert law.least_compute(best.loss)[0] == pytest.approx(compute, rel=1e-6)


@pytest.mark.parametrize("fit", list(FITS))
@drawn(low=st.floats(20.0, 24.0), more=st.floats(0.1, 2.0))
def test_more_compute_never_shrinks_model_or_tokens(fit, low, more):
    small, large = optimum(fit, 10**low, FACTS), optimum(fit, 10 ** (low + more), FACTS)
    assert large.parameters[0] > small.parameters[0]
    assert large.tokens[0] > small.tokens[0]
    assert 6 * large.parameters[0] * large.tokens[0] == pytest.approx(10 ** (low + more))


def test_draws_widen_with_the_stretch_and_the_title_says_so():
    widths = []
    for compute in (1e20, 1e23, 1e26):
        best = optimum("epoch", compute, FACTS, samples=2000)
        low, high = np.quantile(best.parameters[1:], [0.05, 0.95])
        widths.append(high / low)
    assert widths[2] > 1.2
    assert widths[2] > widths[1]
    assert optimum("epoch", 1e21, FACTS).title == "Epoch re-fit"
    assert "4.5 decades outside" in optimum("epoch", 1e26, FACTS).title


def test_unknown_fits_and_tiny_models_are_refused():
    with pytest.raises(NoDataError, match="chinchilla_1"):
        optimum("hoffman", 1e21, FACTS)
    with pytest.raises(NoDataError, match="no loss law"):
        loss_law("llama3", FACTS)
    with pytest.raises(NoDataError, match="fitted to models"):
        optimum("epoch", 1e15, FACTS)


def test_many_computes_at_once():
    computes = np.geomspace(1e20, 1e24, 50)[:, None]
    best = optimum("epoch", computes, FACTS, samples=100)
    assert best.parameters.shape == (50, 101)
    assert best.parameters[7, 0] == optimum("epoch", computes[7], FACTS).parameters[0]


def test_over_training_costs_nothing_at_one_and_more_beyond():
    loss, cost = off_optimum("epoch", 5.76e23, np.array([1.0, 2.0, 10.0, 100.0]), FACTS)
    assert loss[0] == pytest.approx(0, abs=1e-9)
    assert cost[0] == pytest.approx(1, rel=1e-6)
    assert np.all(np.diff(loss) > 0)
    assert np.all(np.diff(cost) > 0)
    # a tenth or so of extra compute buys a model of 0.7 of the size (arXiv:2203.15556, figure 3
    # is that flat)
    assert cost[1] < 1.1


def test_sardana_s_model_of_13_billion_becomes_7():
    # arXiv:2401.00448, figure 1: 2T tokens served; a 7B model saves 1.7e22 FLOP, 17 %
    law = loss_law("chinchilla_unrounded", FACTS)
    budget = 6 * 13e9 * float(tokens_at(law, 13e9))
    loss = law.loss(np.array([13e9]), np.array([budget / 6 / 13e9]))
    life = cheapest_life("chinchilla_unrounded", loss, 2e12, FACTS)
    assert life.plain_parameters[0] == pytest.approx(13e9, rel=1e-4)
    assert life.parameters[0] == pytest.approx(7e9, rel=0.03)
    assert life.saved[0] == pytest.approx(0.17, abs=0.01)
    assert life.plain_total[0] - life.total[0] == pytest.approx(1.7e22, rel=0.06)


def tokens_at(law, parameters):
    compute = np.geomspace(1e20, 1e26, 200_001)
    at = np.argmin(abs(law.best_parameters(compute) - parameters))
    return compute[at] / 6 / parameters


def test_life_is_the_least_by_search():
    law = loss_law("epoch", FACTS)
    sizes = np.geomspace(2e9, 2e10, 40_001)
    loss = np.array([2.1])
    cost = 6 * sizes * law.tokens_for(loss, sizes) + 2 * sizes * 1e12
    life = cheapest_life("epoch", loss, 1e12, FACTS)
    assert life.total[0] == pytest.approx(cost.min(), rel=1e-6)
    assert life.parameters[0] == pytest.approx(sizes[np.argmin(cost)], rel=1e-3)


def test_more_serving_means_smaller_models_on_more_text():
    life = cheapest_life("epoch", 2.05, np.geomspace(1e9, 1e15, 13), FACTS)
    assert np.all(np.diff(life.parameters) < 0)
    assert np.all(np.diff(life.tokens) > 0)
    assert life.parameters[0] == pytest.approx(life.plain_parameters[0], rel=0.01)
    dear = cheapest_life("epoch", 2.05, 1e12, FACTS, price=3.0)
    assert dear.parameters[0] < cheapest_life("epoch", 2.05, 1e12, FACTS).parameters[0]
    with pytest.raises(NoDataError, match="no loss below"):
        cheapest_life("epoch", 1.7, 1e12, FACTS)


def test_muennighoff_s_two_large_runs():
    # arXiv:2305.16264, section 5: 9.3e21 FLOP, 25B unique tokens: 6.34B parameters, 9.7 epochs
    best = best_repeated(9.3e21, 25e9, FACTS)
    assert float(best.parameters) == pytest.approx(6.34e9, rel=0.1)
    assert float(best.epochs) == pytest.approx(9.7, rel=0.1)
    assert best.unlimited_loss < best.loss


def test_four_epochs_are_nearly_fresh_and_forty_are_not():
    # the same paper, abstract: up to 4 epochs negligible; its figure 5: far beyond 16 worthless
    unique = np.asarray(1e11)
    share = [float(worth(unique, unique * n, FACTS)) / (1e11 * n) for n in (0.5, 1, 4, 40)]
    assert share[:2] == pytest.approx([1, 1])
    assert share[2] > 0.93
    assert share[3] < 0.4


@drawn(unique=st.floats(9, 12), epochs=st.floats(1, 50), size=st.floats(8.5, 10.5))
def test_repeated_text_is_never_better_than_fresh(unique, epochs, size):
    text, parameters = np.asarray(10.0**unique), np.asarray(10.0**size)
    again = repeated_loss(parameters, text * epochs, text, FACTS)
    fresh = repeated_loss(parameters, text * epochs, text * epochs, FACTS)
    once = repeated_loss(parameters, text, text, FACTS)
    assert fresh <= again + 1e-12
    assert again <= once + 1e-12


def test_samples_pass_through_both_points():
    law = published_coverage(FACTS)
    assert law.share([1, 250]) == pytest.approx([0.159, 0.56])
    assert float(law.samples(0.56)) == pytest.approx(250)
    # arXiv:2407.21787, abstract: five samples already beat 24 to 27 % of the better models
    assert 0.24 < float(law.share(5)) < 0.33
    with pytest.raises(ConfigError):
        coverage_through(0.5, 0.4, 10)


def test_samples_for_the_flops_of_a_larger_model():
    # both sides spend the same: 6 N D M + 2 N T M = 6 N D + 2 N T k
    k = float(matched_samples(14, np.asarray(1e12), np.asarray(1e11)))
    small, large = 6e12 + 2e11 * k, 6e12 * 14 + 2e11 * 14
    assert small == pytest.approx(large)
    # few tokens served: sampling is cheap; many: the larger model
    assert matched_samples(14, 1e12, 1e14) < matched_samples(14, 1e12, 1e11)
    edge = float(break_even_tokens(14, k, 1e12))
    assert edge == pytest.approx(1e11)
    assert break_even_tokens(14, 14, 1e12) == np.inf
