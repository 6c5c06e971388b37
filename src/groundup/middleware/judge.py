"""The language model as a judge of passages: how likely is the question, having read this one?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from groundup.middleware.retrieval import Hit

if TYPE_CHECKING:
    from groundup.inference.engine import Engine

START = 0
"""<|endoftext|>, with which every text of the training stream begins."""
PASSAGE_CHARACTERS = 400
CHOSEN_FROM = 4
"""Passages that are scored; each costs one pass of the model."""

Score = Callable[[Sequence[int], Sequence[int]], float]
"""(prompt token ids, continuation token ids) to the continuation's log-probability in nats."""
Encode = Callable[[str], list[int]]


@dataclass(frozen=True)
class Judge:
    """Query likelihood (Ponte & Croft 1998; Sachan et al. 2022, arXiv:2204.07496)."""

    score: Score
    encode: Encode

    def likelihood(self, question: str, hit: Hit) -> float:
        """Mean log-probability a token of the question after the passage."""
        passage = hit.passage
        text = f"{passage.name}\n{passage.summary or passage.text[:PASSAGE_CHARACTERS]}\n"
        asked = self.encode(question)
        if not asked:
            return 0.0
        return self.score([START, *self.encode(text[:PASSAGE_CHARACTERS])], asked) / len(asked)

    def choose(self, question: str, hits: Sequence[Hit]) -> list[Hit]:
        """The first CHOSEN_FROM hits by likelihood, then the others."""
        front = list(hits[:CHOSEN_FROM])
        order = np.argsort([-self.likelihood(question, hit) for hit in front], kind="stable")
        return [*(front[place] for place in order), *hits[CHOSEN_FROM:]]


def engine_judge(engine: Engine) -> Judge:
    """A judge on a loaded model."""
    return Judge(lambda prompt, asked: engine.score(prompt, [asked])[0].logprob, engine.encode)
