"""When to answer a question that names nothing: calibrated confidence in what was found."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundup.facts.errors import ArtifactError
from groundup.middleware.logistic import Logistic, best_threshold, fit
from groundup.middleware.retrieval import Hit, Retriever
from groundup.middleware.terms import expand, query_terms, terms

FEATURES = ("coverage", "heaviest", "strength", "margin", "unknown", "cosine")
"""Names of `features`, in order."""

LEAST_DECLINED = 0.9
"""Share of the training questions without an answer that the threshold must turn away."""


@dataclass(frozen=True)
class Policy:
    """What was calibrated on training questions; `policy.json` beside the index."""

    mean: tuple[float, ...] = (0.0,) * len(FEATURES)
    spread: tuple[float, ...] = (1.0,) * len(FEATURES)
    weights: tuple[float, ...] = (6.0, 1.0, 4.0, 0.0, -3.0, 0.0, -5.0)
    """Of the standardised features, bias last. The defaults serve a folder without questions."""
    threshold: float = 0.5
    """Least confidence with which a question is answered."""
    route_by_model: bool = False
    """Let the encoder's classifier name the kind of a question instead of the rules."""
    choose_by_model: bool = False
    """Let the language model choose among the best passages by query likelihood."""

    def confidence(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Chance that what was found answers the question; features (rows, 6)."""
        model = Logistic(np.array(self.mean), np.array(self.spread), np.array(self.weights))
        return model.probability(features)

    def save(self, folder: Path) -> None:
        """Write `policy.json`."""
        (folder / "policy.json").write_text(json.dumps(asdict(self), indent=1), "utf-8")


def load_policy(folder: Path) -> Policy:
    """Read `policy.json`. ArtifactError when it is missing or not ours."""
    try:
        values: dict[str, Any] = json.loads((folder / "policy.json").read_text("utf-8"))
        for name in ("mean", "spread", "weights"):
            values[name] = tuple(values[name])
        return Policy(**values)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ArtifactError(
            f"{folder}/policy.json: not readable ({error}); run `calibrate` again"
        ) from error


def features(question: str, hits: Sequence[Hit], retriever: Retriever) -> NDArray[np.float64]:
    """What tells a question that is answered here from one that is not; shape (6,).

    coverage: share of the question's idf that stands in the first passage · heaviest: whether
    its rarest word does · strength: BM25 over the most it could be · margin over the second ·
    unknown: share of words that occur nowhere here · cosine of the encoder (0 without one).
    """
    if not hits:
        return np.array([0.0, 0.0, 0.0, 0.0, 1.0, 0.0])
    asked = _plain_terms(question)
    weights = np.array([_idf(term, retriever) for term in asked])
    first = hits[0].passage
    there = set(terms(f"{first.name} {' '.join(first.aliases)} {first.signature} {first.text}"))
    inside = np.array([term in there for term in asked], dtype=np.float64)
    total = float(weights.sum()) or 1.0
    scores = [hit.parts["bm25"] for hit in hits]
    second = scores[1] if len(scores) > 1 else 0.0
    known = retriever.keyword.known(asked)
    return np.array(
        [
            float(weights @ inside) / total,
            float(inside[int(np.argmax(weights))]),
            scores[0] / total,
            (scores[0] - second) / total,
            1.0 - float(np.mean(known)),
            hits[0].parts.get("encoder", 0.0),
        ]
    )


def _plain_terms(question: str) -> list[str]:
    """Terms of a question without the joined forms of identifiers, whose parts count already."""
    found = [term for term in query_terms(question) if "_" not in term and "." not in term]
    return found or query_terms(question) or list(expand(question or "?"))


def _idf(term: str, retriever: Retriever) -> float:
    """Lucene's idf; a term that occurs nowhere weighs as much as one that occurs once."""
    number = retriever.keyword.vocabulary.get(term)
    starts, size = retriever.keyword.starts, retriever.keyword.size
    seen = int(starts[number + 1] - starts[number]) if number is not None else 1
    return float(np.log1p((size - seen + 0.5) / (seen + 0.5)))


def calibrate(rows: NDArray[np.float64], answerable: NDArray[np.float64]) -> Policy:
    """Fit confidence and threshold: rows (questions, 6), answerable 1 or 0 a question.

    The threshold turns away LEAST_DECLINED of what has no answer and, under that, balances.
    """
    model = fit(rows, answerable)
    threshold = best_threshold(model.probability(rows), answerable, LEAST_DECLINED)
    return Policy(
        tuple(model.mean.tolist()),
        tuple(model.spread.tolist()),
        tuple(model.weights.tolist()),
        threshold,
    )
