"""Circulating numbers of floor 13, each held against what follows from facts."""

from __future__ import annotations

import numpy as np

from groundup.facts.catalogue import Catalogue
from groundup.facts.claims import Claim
from groundup.facts.estimate import derived, given
from groundup.middleware.agent_success import plain, steps_until, task
from groundup.middleware.prices import input_price, question_price, token_prices, use

_MODEL = "claude-opus-48"
_PROMPT, _ANSWER = 10_000.0, 500.0
"""Tokens of the example: a long prompt that mostly repeats, and a short answer."""


def claims(facts: Catalogue) -> tuple[Claim, ...]:
    """Every circulating number of the layer."""
    return (_steps(), _caching(facts))


def _steps() -> Claim:
    step, count = given(0.95, "1", "success of a step", "the claim"), 10
    steps = given(count, "1", "steps", "the claim")
    found = derived(
        np.atleast_1d(task(plain(step.value), float(count)).solved), "1",
        "middleware.claim.ten_steps", "p^n", (step, steps),
    )  # fmt: skip
    five = float(task(plain(step.value), 5.0).solved)
    half = int(steps_until(step.value, 0.5))
    return Claim(
        "S128", "95 % a step leave 77 % over five steps and 60 % over ten", 0.60, 0.60, found, "ok",
        f"p^n of independent steps: {five:.1%} and {found.value:.1%}; one half is left after "
        f"{half} steps. A check that finds errors and a second try change it most",
    )  # fmt: skip


def _caching(facts: Catalogue) -> Claim:
    prices = token_prices(_MODEL, facts)
    prompt = given(_PROMPT, "token/question", "prompt", "an example")
    answer = given(_ANSWER, "token/question", "answer", "an example")
    full = question_price(prices, prompt, answer, use())
    cached = question_price(prices, prompt, answer, use(cached=0.9))
    both = question_price(prices, prompt, answer, use(cached=0.9, batched=1.0))
    hit = 1.0 - input_price(prices, use(cached=1.0)) / prices.input
    found = (1.0 - both / full).named("middleware.claim.saved", "1 - cached and batched / full")
    return Claim(
        "S129", "caching saves up to 90 % and batches 50 %", None, None, found, "ok",
        f"a hit costs {1 - hit.value:.0%} of a fresh token and a batch half, by the price lists; "
        f"but answers are not cached: a prompt of {_PROMPT:,.0f} tokens, nine tenths of them hits, "
        f"with {_ANSWER:,.0f} of answer saves {1 - cached.value / full.value:.0%}, in a batch "
        f"{found.value:.0%}",
    )  # fmt: skip
