from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize

from groundup.facts.errors import ArtifactError
from groundup.middleware.logistic import best_threshold, fit
from groundup.middleware.policy import FEATURES, Policy, calibrate, features, load_policy
from groundup.middleware.retrieval import Retriever
from groundup.middleware.router import load_router, train_router

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(300, len(FEATURES)))
LABELS = (ROWS[:, 0] - 0.5 * ROWS[:, 2] + 0.3 * RNG.normal(size=300) > 0).astype(float)


def test_logistic_regression_reaches_the_optimum_that_scipy_finds() -> None:
    model = fit(ROWS, LABELS, ridge=2.0)
    scaled = (ROWS - ROWS.mean(axis=0)) / ROWS.std(axis=0)

    def cost(weights: np.ndarray) -> float:
        margin = scaled @ weights[:-1] + weights[-1]
        loss = np.logaddexp(0, margin) - LABELS * margin
        return float(loss.sum() + weights[:-1] @ weights[:-1])

    oracle = minimize(cost, np.zeros(len(FEATURES) + 1), method="BFGS")
    np.testing.assert_allclose(model.weights, oracle.x, atol=2e-3)


def test_one_label_only_is_an_error() -> None:
    with pytest.raises(ValueError, match="both labels"):
        fit(ROWS, np.ones(len(ROWS)))


def test_the_threshold_turns_away_what_was_asked() -> None:
    chances = np.array([0.1, 0.2, 0.3, 0.6, 0.7, 0.9])
    labels = np.array([0, 0, 1, 0, 1, 1.0])
    for least in (0.0, 0.5, 1.0):
        threshold = best_threshold(chances, labels, least)
        assert (chances[labels == 0] < threshold).mean() >= least


def test_calibrated_policy_separates_and_survives_saving(tmp_path: Path) -> None:
    policy = calibrate(ROWS, LABELS)
    passes = policy.confidence(ROWS) >= policy.threshold
    assert passes[LABELS == 1].mean() > 0.8
    assert passes[LABELS == 0].mean() <= 0.1
    policy.save(tmp_path)
    assert load_policy(tmp_path) == policy
    with pytest.raises(ArtifactError, match="calibrate"):
        load_policy(tmp_path / "none")


def test_what_is_asked_here_looks_different_from_what_is_not(retriever: Retriever) -> None:
    def seen(question: str) -> np.ndarray:
        return features(question, retriever.search(question, 4), retriever)

    here, elsewhere = seen("cut a loaf into slices"), seen("who won the chess championship")
    assert here[0] == pytest.approx(1.0)
    assert elsewhere[0] < 0.5
    assert elsewhere[4] > 0
    policy = Policy()
    assert policy.confidence(here)[0] > policy.threshold > policy.confidence(elsewhere)[0]


def test_the_learned_router_routes_and_survives_saving(tmp_path: Path) -> None:
    centres = {"returns": np.array([1.0, 0.0]), "raises": np.array([0.0, 1.0])}
    kinds = [kind for kind in centres for _ in range(30)]
    vectors = np.array([centres[kind] for kind in kinds]) + 0.1 * RNG.normal(size=(60, 2))
    router = train_router(vectors.astype(np.float32), kinds)
    assert router.route(vectors.astype(np.float32)) == kinds
    router.save(tmp_path)
    assert load_router(tmp_path).route(vectors.astype(np.float32)) == kinds
    with pytest.raises(ArtifactError, match="build it again"):
        load_router(tmp_path / "none")
