"""What tokens cost by kind: fresh, cached and written input, output, batches, several samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Array, Estimate, given
from groundup.middleware.normal import Numbers


@dataclass(frozen=True)
class TokenPrices:
    """A model's published prices, USD/Mtoken, and what a batch takes off (a plain number)."""

    input: Estimate
    """Prompt tokens that are read anew."""
    write: Estimate
    """Prompt tokens that are read anew and kept; as fresh ones where keeping is free."""
    cached: Estimate
    """Prompt tokens found in the cache."""
    output: Estimate
    """Answer and reasoning tokens."""
    batch: Estimate
    """Share taken off tokens of batches."""


def token_prices(model: str, facts: Catalogue, samples: int = 0) -> TokenPrices:
    """Prices of a model by name; NoDataError names near ones where it has none on record."""
    base = f"middleware.price.{model}"
    fresh = facts.estimate(f"{base}.input", samples)
    found = {
        kind: facts.estimate(f"{base}.{kind}", samples) if f"{base}.{kind}" in facts else fresh
        for kind in ("write", "cached")
    }
    return TokenPrices(
        fresh, found["write"], found["cached"], facts.estimate(f"{base}.output", samples),
        facts.estimate("middleware.batch_discount", samples),
    )  # fmt: skip


def priced(facts: Catalogue) -> tuple[str, ...]:
    """Names of models with prices on record."""
    keys = facts.keys("middleware.price.")
    return tuple(sorted({key.split(".")[2] for key in keys}))


@dataclass(frozen=True)
class Use:
    """How the tokens of a question divide; plain numbers from 0 to 1."""

    cached: Estimate
    """Share of the prompt found in the cache."""
    written: Estimate
    """Share of the prompt that is kept for later questions."""
    batched: Estimate
    """Share of the questions that may wait for a batch."""


def use(cached: float = 0.0, written: float = 0.0, batched: float = 0.0) -> Use:
    """A division given as numbers."""
    return Use(
        given(cached, "1", "cached share of the prompt", "given"),
        given(written, "1", "written share of the prompt", "given"),
        given(batched, "1", "share of questions in batches", "given"),
    )


def input_price(prices: TokenPrices, division: Use) -> Estimate:
    """Mean price of a prompt token before batches: fresh, written and cached by their shares."""
    fresh = 1.0 - division.cached - division.written
    mean = fresh * prices.input + division.written * prices.write + division.cached * prices.cached
    return mean.to("USD/Mtoken").named(
        "middleware.input_price", "fresh x input + written x write + cached x hit"
    )


def question_price(
    prices: TokenPrices, prompt: Estimate, answer: Estimate, division: Use
) -> Estimate:
    """Price of a question; `prompt` and `answer` in token/question, the result in USD/question."""
    full = prompt * input_price(prices, division) + answer * prices.output
    taken = 1.0 - division.batched * prices.batch
    return (full * taken).to("USD/question").named(
        "middleware.question_price", "(prompt x input price + answer x output) x (1 - batched x b)"
    )  # fmt: skip


def reads_to_repay(prices: TokenPrices) -> Estimate:
    """Reads of a kept prompt from which keeping is cheaper: (write - hit) / (input - hit) - 1.

    One write and n reads against n + 1 fresh readings; 0 where keeping is free.
    """
    reads = (prices.write - prices.cached) / (prices.input - prices.cached) - 1.0
    return reads.named("middleware.reads_to_repay", "(write - hit) / (input - hit) - 1")


def coverage(success: Numbers, samples: Numbers) -> Array:
    """Share of questions with a right answer among k samples, all questions alike: 1 - (1 - p)^k.

    Brown et al. 2024, Large Language Monkeys, arXiv:2407.21787, equation 1.
    """
    k = np.asarray(samples, dtype=np.float64)
    return np.asarray(-np.expm1(k * np.log1p(-np.asarray(success, dtype=np.float64))))


def varied_coverage(mean: Numbers, alike: Numbers, samples: Numbers) -> Array:
    """Coverage where questions differ in difficulty: p is beta distributed with this mean.

    `alike` is alpha + beta; few make questions either easy or hopeless. E[(1-p)^k] is a ratio of
    rising factorials, product over j < k of (beta + j) / (alike + j); `samples` whole numbers.
    """
    k = np.atleast_1d(np.asarray(samples, dtype=np.int64))
    beta = (1 - np.asarray(mean, dtype=np.float64)) * alike
    steps = np.arange(int(k.max(initial=1)))
    left = np.cumprod((beta + steps) / (np.asarray(alike, dtype=np.float64) + steps))
    return np.asarray(1 - np.where(k > 0, left[np.maximum(k, 1) - 1], 1.0))


def sampled_price(
    prices: TokenPrices, prompt: Estimate, answer: Estimate, reasoning: Estimate, samples: float
) -> Estimate:
    """Price of a question answered several times: the prompt is read once and found cached after.

    `reasoning` tokens are billed as output for every sample, as all makers do.
    """
    again = prompt * prices.cached * (samples - 1.0)
    out = (answer + reasoning) * prices.output * samples
    return (prompt * prices.input + again + out).to("USD/question").named(
        "middleware.sampled_price", "input + (k - 1) x cached + k x (answer + reasoning) x output"
    )  # fmt: skip


def cheapest(accuracy: Numbers, price: Numbers, target: float) -> int:
    """Index of the cheapest way (samples, tokens of reasoning, a model) that reaches an accuracy.

    `accuracy` is any curve, measured or of a law; -1 where no way reaches the target.
    """
    reached = np.asarray(accuracy) >= target
    if not reached.any():
        return -1
    return int(np.argmin(np.where(reached, np.asarray(price, dtype=np.float64), np.inf)))
