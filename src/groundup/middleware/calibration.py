"""Calibrates the assistant on training questions: when to decline, and the learned router."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundup.data.document import TRAIN
from groundup.data.store import Progress, read_jsonl
from groundup.middleware.judge import CHOSEN_FROM, Judge
from groundup.middleware.metrics import Interval, bootstrap, paired_difference
from groundup.middleware.policy import FEATURES, Policy, calibrate, features
from groundup.middleware.questions import kind_of, understand
from groundup.middleware.retrieval import Retriever
from groundup.middleware.router import train_router

QUESTIONS = 500
"""Training questions of each sort that calibration reads."""
LEAST_OF_A_SORT = 20
JUDGED = 60
"""Task questions on which the language model's choice of the passage is tried."""

OFF_TOPIC = (
    "who won the world cup",
    "what is the capital of France",
    "how do I bake sourdough bread",
    "what is the weather tomorrow",
    "who wrote Hamlet",
    "how tall is Mount Everest",
    "when does the train leave",
    "what should I cook for dinner",
    "how do I treat a cold",
    "which team plays tonight",
    "what is the price of gold",
    "how do I renew my passport",
    "who is the president of Brazil",
    "tell me a joke about cats",
    "how many calories are in an apple",
    "what year did the war end",
    "is it going to rain today",
    "how do I plant tomatoes",
    "what is the best hotel in Rome",
    "which wine goes with fish",
    "how do I learn to play the guitar",
    "what is the meaning of life",
    "who painted the Mona Lisa",
    "how far is the moon",
    "what is the plot of the new film",
    "how do I fix a flat bicycle tyre",
    "which dog breed is calm",
    "what does my horoscope say",
    "how do I lose weight quickly",
    "when is the next bus to the airport",
)
"""Everyday questions that documentation does not answer; negatives beside those of the data."""


def calibrate_assistant(
    questions: Path,
    index: Path,
    retriever: Retriever,
    progress: Progress,
    judge: Judge | None = None,
) -> dict[str, float | int | str]:
    """Write `policy.json` and `router.npz` into the index from training questions only.

    `questions` is the directory of questions.jsonl. With too few questions of a sort the default
    confidence stays, and the metrics say so. The model parts are switched on only where they
    beat the rules on training questions that they were not fitted to.
    """
    asked = [row for row in read_jsonl(questions / "questions.jsonl") if row["split"] == TRAIN]
    order = np.random.default_rng(0).permutation(len(asked))
    asked = [asked[place] for place in order]
    route = _router(asked, index, retriever)
    choose = judge is not None and choice_gain(asked, retriever, judge, progress).low > 0
    good, bad = _sorted_out(asked, retriever)
    if min(len(good), len(bad)) < LEAST_OF_A_SORT:
        Policy(route_by_model=route, choose_by_model=choose).save(index)
        return {"calibrated": 0, "route_by_model": int(route), "choose_by_model": int(choose)}
    rows = _features([*good, *bad], retriever, progress)
    labels = np.array([1.0] * len(good) + [0.0] * len(bad))
    policy = replace(calibrate(rows, labels), route_by_model=route, choose_by_model=choose)
    policy.save(index)
    passes = policy.confidence(rows) >= policy.threshold
    return {
        "calibrated": 1,
        "route_by_model": int(route),
        "choose_by_model": int(choose),
        "threshold": round(policy.threshold, 4),
        "train_answered": round(float(passes[labels == 1].mean()), 4),
        "train_declined": round(float(1 - passes[labels == 0].mean()), 4),
    }


def _sorted_out(
    asked: Sequence[dict[str, Any]], retriever: Retriever
) -> tuple[list[str], list[str]]:
    """Questions that confidence decides (they name nothing): with an answer, and without."""
    good: list[str] = []
    bad: list[str] = list(OFF_TOPIC)
    for row in asked:
        target = bad if row["kind"] == "unanswerable" else good
        if len(target) < QUESTIONS and not understand(row["question"], retriever.table).mentions:
            target.append(row["question"])
    return good, bad


def _features(
    asked: Sequence[str], retriever: Retriever, progress: Progress
) -> NDArray[np.float64]:
    rows = np.zeros((len(asked), len(FEATURES)))
    for number, question in enumerate(asked):
        rows[number] = features(question, retriever.search(question, 4), retriever)
        progress("calibrate abstention", number + 1, len(asked))
    return rows


def _router(asked: Sequence[dict[str, Any]], index: Path, retriever: Retriever) -> bool:
    """Train the learned router where there is an encoder; whether it beats the rules.

    Judged on the half of the training questions that it was not fitted to.
    """
    rows = [row for row in asked if row["kind"] != "unanswerable"][: 4 * QUESTIONS]
    half = len(rows) // 2
    if retriever.encoder is None or len({row["kind"] for row in rows[:half]}) < 2:
        return False
    vectors = retriever.encoder.encode([row["question"] for row in rows])
    router = train_router(vectors[:half], [row["kind"] for row in rows[:half]])
    router.save(index)
    right = [row["kind"] for row in rows[half:]]
    rules = [asked_kind(row["question"]) for row in rows[half:]]
    learned = router.route(vectors[half:])
    return (
        paired_difference(
            [float(a == b) for a, b in zip(learned, right, strict=True)],
            [float(a == b) for a, b in zip(rules, right, strict=True)],
        ).low
        > 0
    )


def asked_kind(question: str) -> str:
    """The rules' kind under the names of the data: a task asked with "how" is a `which` there."""
    kind = kind_of(question)
    return "which" if kind == "how" else kind


def choice_gain(
    asked: Sequence[dict[str, Any]], retriever: Retriever, judge: Judge, progress: Progress
) -> Interval:
    """Gain of the model's choice of the passage over the ranking's, on task questions."""
    rows = [row for row in asked if row["kind"] == "which"][:JUDGED]
    gains = [0.0]
    for number, row in enumerate(rows):
        hits = retriever.search(row["question"], CHOSEN_FROM)
        chosen = judge.choose(row["question"], hits)
        right = [float(each[0].passage.passage_id == row["passage_id"]) for each in (chosen, hits)]
        gains.append(right[0] - right[1])
        progress("compare the model's choices", number + 1, len(rows))
    return bootstrap(gains)
