"""Floor 13 in the plan: a question becomes model calls with retrieved passages in their prompts."""

from __future__ import annotations

from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Estimate, given, minimum
from groundup.facts.layer import Ask, LayerPlan
from groundup.facts.stated import stated
from groundup.middleware.config import MiddlewareConfig

FP32 = given(4.0, "B", "bytes of a component", "embeddings are kept as fp32 numbers")
"""Bytes of one component of an embedding."""


def demand(config: MiddlewareConfig, ask: Ask, facts: Catalogue, samples: int = 0) -> Ask:
    """Model calls a second: questions, and the share of calls that fails and is made again.

    A call that fails with probability p is made 1 / (1 - p) times on average.
    """
    failed = facts.estimate("middleware.failed_calls", samples)
    tries = (1.0 / (1.0 - failed)).named("middleware.calls_per_question", "1 / (1 - failed_calls)")
    tokens = (
        facts.estimate("middleware.passage_words", samples)
        * facts.estimate("middleware.tokens_per_word", samples)
    ).named("middleware.tokens_per_passage")
    return ask.with_(
        calls_per_s=(ask["questions_per_s"] * tries).named("middleware.calls_per_s"),
        peak_calls_per_s=(ask["peak_questions_per_s"] * tries).named("middleware.peak_calls_per_s"),
        tokens_per_passage=tokens,
        passages=stated(ask, "middleware", config, "passages", "passage/question"),
        embedding_width=stated(ask, "middleware", config, "embedding_width", "1/passage"),
    )


def limit(
    config: MiddlewareConfig,
    ask: Ask,
    facts: Catalogue,
    *,
    prompt_tokens: Estimate,
    output_tokens: Estimate,
    window: Estimate,
) -> LayerPlan:
    """Tokens of one call (prompt and answer) against the model's context window, in tokens."""
    needs = (prompt_tokens + output_tokens).named("middleware.call_tokens")
    retrieved = (ask["passages"] * ask["tokens_per_passage"]).named("middleware.retrieved_tokens")
    fitting = minimum(ask["passages"], prompt_tokens / ask["tokens_per_passage"])
    details = {
        "calls_per_s": ask["calls_per_s"],
        "retrieved_tokens": retrieved,
        "passages_that_fit": fitting.named(
            "middleware.passages_that_fit", "min(passages, prompt_tokens / tokens_per_passage)"
        ),
        "index_bytes_per_passage": (ask["embedding_width"] * FP32).named(
            "middleware.index_bytes_per_passage",
            "embedding_width x 4 bytes, fp32, without the text",
        ),
    }
    return LayerPlan(13, "middleware", needs, window, "context window", details=details)
