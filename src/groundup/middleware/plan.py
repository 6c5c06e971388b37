"""Floor 13 in the plan: a question becomes model calls with retrieved passages in their prompts."""

from __future__ import annotations

import numpy as np

from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Estimate, derived, given, minimum
from groundup.facts.layer import Ask, LayerPlan
from groundup.facts.stated import stated
from groundup.middleware.agent_success import Step, Task, checked, plain, steps_until, task
from groundup.middleware.config import MiddlewareConfig
from groundup.middleware.light_heavy import cost_ratio

FP32 = given(4.0, "B", "bytes of a component", "embeddings are kept as fp32 numbers")
"""Bytes of one component of an embedding."""
_TARGET = 0.5
"""Success at which METR states horizons; what `steps_to_half` counts to."""


def demand(config: MiddlewareConfig, ask: Ask, facts: Catalogue, samples: int = 0) -> Ask:
    """Model calls a second: questions x steps x tries, less what a lighter model answers.

    A call that fails with probability p is made 1 / (1 - p) times on average.
    Hands down `calls_per_s`, `peak_calls_per_s`, `steps_per_question` (model calls of a question
    that no server failed), `light_calls_per_s` and `routed_cost_ratio` where a router is stated
    (cost of all calls over that of the heavy ones alone), `tokens_per_passage`, `passages`,
    `embedding_width`.
    """
    failed = facts.estimate("middleware.failed_calls", samples)
    tries = (1.0 / (1.0 - failed)).named("middleware.calls_per_question", "1 / (1 - failed_calls)")
    tokens = (
        facts.estimate("middleware.passage_words", samples)
        * facts.estimate("middleware.tokens_per_word", samples)
    ).named("middleware.tokens_per_passage")
    calls = ask["questions_per_s"] * tries
    peak = ask["peak_questions_per_s"] * tries
    if config.steps_per_task > 1 or config.step_success is not None:
        steps = _steps(config, ask)
        calls, peak = calls * steps, peak * steps
        ask = ask.with_(steps_per_question=steps)
    if config.light_share:
        light = stated(ask, "middleware", config, "light_share", "1")
        ask = ask.with_(
            light_calls_per_s=(calls * light).named("middleware.light_calls_per_s"),
            routed_cost_ratio=_routed(config, ask, facts, samples),
        )
        calls, peak = calls * (1.0 - light), peak * (1.0 - light)
    return ask.with_(
        calls_per_s=calls.named("middleware.calls_per_s"),
        peak_calls_per_s=peak.named("middleware.peak_calls_per_s"),
        tokens_per_passage=tokens,
        passages=stated(ask, "middleware", config, "passages", "passage/question"),
        embedding_width=stated(ask, "middleware", config, "embedding_width", "1/passage"),
    )


def _steps(config: MiddlewareConfig, ask: Ask) -> Estimate:
    """Model calls that a question takes, steps tried again among them."""
    asked = stated(ask, "middleware", config, "steps_per_task", "1")
    run, inputs = _run(config, ask)
    if run is None:
        return asked
    return derived(np.atleast_1d(run.tries), "1", "middleware.steps_per_question",
                   "expected calls until all steps are accepted or one is stuck",
                   (asked, *inputs))  # fmt: skip


def _run(config: MiddlewareConfig, ask: Ask) -> tuple[Task | None, tuple[Estimate, ...]]:
    """How a task of the stated steps ends, and what that follows from; None without a success."""
    if config.step_success is None:
        return None, ()
    names = ["step_success"]
    step: Step = plain(config.step_success)
    if config.check_accepts_right is not None and config.check_accepts_wrong is not None:
        names += ["check_accepts_right", "check_accepts_wrong", "retries"]
        step = checked(
            config.step_success, config.check_accepts_right, config.check_accepts_wrong,
            config.retries + 1,
        )  # fmt: skip
    person = 1.0 if config.person_does_stuck_steps else None
    inputs = tuple(stated(ask, "middleware", config, name, "1") for name in names)
    return task(step, config.steps_per_task, person), inputs


def _routed(config: MiddlewareConfig, ask: Ask, facts: Catalogue, samples: int) -> Estimate:
    """Cost of heavy and light calls over that of the heavy ones: (f + (1 - f) r + o) / f."""
    heavy = 1.0 - stated(ask, "middleware", config, "light_share", "1")
    ratio = stated(ask, "middleware", config, "light_cost_ratio", "1")
    overhead = facts.estimate("middleware.router_overhead", samples)
    if config.router_overhead is not None:
        overhead = stated(ask, "middleware", config, "router_overhead", "1")
    whole = cost_ratio(heavy, ratio, overhead) / heavy
    return whole.named("middleware.routed_cost_ratio", "(f + (1 - f) r + overhead) / f")


def limit(
    config: MiddlewareConfig,
    ask: Ask,
    facts: Catalogue,
    *,
    prompt_tokens: Estimate,
    output_tokens: Estimate,
    window: Estimate,
) -> LayerPlan:
    """Tokens of one call (prompt and answer) against the model's context window, in tokens.

    Details: `task_success`, `task_spoiled`, `task_stopped`, `people_steps` and `steps_to_half`
    where `step_success` is stated; `cost_over_heavy_only` where a router is.
    """
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
        **_agent(config, ask),
    }
    if "routed_cost_ratio" in ask:
        heavy = 1.0 - stated(ask, "middleware", config, "light_share", "1")
        details["light_calls_per_s"] = ask["light_calls_per_s"]
        details["cost_over_heavy_only"] = (ask["routed_cost_ratio"] * heavy).named(
            "middleware.cost_over_heavy_only", "f + (1 - f) r + overhead"
        )
    return LayerPlan(13, "middleware", needs, window, "context window", details=details)


def _agent(config: MiddlewareConfig, ask: Ask) -> dict[str, Estimate]:
    """How tasks end, where the success of a step is stated."""
    run, inputs = _run(config, ask)
    if run is None or config.step_success is None:
        return {}
    inputs = (stated(ask, "middleware", config, "steps_per_task", "1"), *inputs)
    ends = {
        "task_success": (run.solved, "every step right"),
        "task_spoiled": (run.spoiled, "ends with a wrong step in it"),
        "task_stopped": (run.stopped, "a step was never accepted"),
        "people_steps": (run.people, "steps a person does"),
    }
    found = {
        name: derived(np.atleast_1d(value), "1", f"middleware.{name}", text, inputs)
        for name, (value, text) in ends.items()
        if value > 0 or name == "task_success"
    }
    if 0 < config.step_success < 1:
        steps = steps_until(config.step_success, _TARGET)
        found["steps_to_half"] = derived(
            np.atleast_1d(steps), "1", "middleware.steps_to_half",
            "floor(ln 1/2 / ln step_success), without a check", inputs[1:2],
        )  # fmt: skip
    return found
