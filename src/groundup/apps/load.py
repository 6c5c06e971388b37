"""Opens the parts of a release and makes them answer; the only file here that meets torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from groundup.apps.examples import example_questions
from groundup.apps.library import Library
from groundup.apps.release import Release
from groundup.apps.service import Service
from groundup.apps.weights import read_weights
from groundup.facts.errors import ArtifactError
from groundup.frameworks.config import FrameworksConfig

if TYPE_CHECKING:
    from groundup.inference.engine import Engine
    from groundup.middleware.answers import Assistant
    from groundup.middleware.policy import Policy
    from groundup.middleware.retrieval import Retriever

EXAMPLE_COLUMNS = ("name", "kind", "signature", "returns", "raises", "summary", "text")
ROUTING, CHOOSING = "kind of question", "choice of the passage"  # contests of the eval report


def load_service(
    release: Release, frameworks: FrameworksConfig | None = None, energy: str = "auto"
) -> Service:
    """Open everything that a release needs to answer; `energy` as in the `[systems]` table.

    Raises ArtifactError when a part is missing or unreadable.
    """
    # these bring torch and pyarrow, which nobody needs before there is a release
    from groundup.frameworks.device import choose_device
    from groundup.inference.engine import Engine
    from groundup.middleware.retrieval import Retriever
    from groundup.recipes.text_encoder import TextEncoder
    from groundup.systems.energy import EnergyMeter

    parts = release.artifacts
    engine = Engine(release.served_model, choose_device(frameworks or FrameworksConfig()))
    retriever = Retriever.open(parts["index"], parts["encoder"], parts["tokenizer"])
    return Service(
        release=release,
        library=Library(parts["index"]),  # its documents lie in small groups, quick to look up
        weights=read_weights(release.served_model),
        assistant=open_assistant(release, retriever, engine),
        model=engine,
        encoder=retriever.encoder or TextEncoder.open(parts["encoder"], parts["tokenizer"]),
        meter=partial(EnergyMeter, energy),
        examples=_examples(release, retriever),
    )


def open_assistant(release: Release, retriever: Retriever, engine: Engine) -> Assistant:
    """Return the assistant with the policy that was calibrated and the models that won their eval.

    A model does a sub-task only where the policy or the eval report says that it does it better
    than the rules.
    """
    from groundup.middleware.answers import Assistant
    from groundup.middleware.judge import Judge
    from groundup.middleware.router import load_router

    index = release.artifacts["index"]
    policy = _policy(index, release.artifacts.get("eval"))
    encoder, router = retriever.encoder, None
    if policy.route_by_model and encoder is not None:
        learned = load_router(index)

        def router(question: str) -> str:
            return learned.route(encoder.encode([question]))[0]

    def score(prompt: Sequence[int], continuation: Sequence[int]) -> float:
        shown = continuation[: engine.context // 2]  # a longer question is judged by its beginning
        return engine.score(prompt, [shown])[0].logprob

    chooser = Judge(score, engine.encode).choose if policy.choose_by_model else None
    return Assistant(retriever, policy, router, chooser, lambda text: len(engine.encode(text)))


def _policy(index: Path, evaluated: Path | None) -> Policy:
    """The calibrated policy, with the switches that the eval report turns on."""
    from groundup.middleware.policy import Policy, load_policy

    policy = load_policy(index) if (index / "policy.json").is_file() else Policy()
    report = evaluated / "report.json" if evaluated else None
    if report is None or not report.is_file():
        return policy
    try:
        contests = json.loads(report.read_text(encoding="utf-8")).get("models", [])
        wins = [c["task"] for c in contests if c["served"] == "model"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArtifactError(f"{report}: not readable as an eval report ({error!r})") from error
    return replace(
        policy,
        route_by_model=policy.route_by_model or ROUTING in wins,
        choose_by_model=policy.choose_by_model or CHOOSING in wins,
    )


def _examples(release: Release, retriever: Retriever) -> tuple[str, ...]:
    """Example questions, best known names first."""
    columns = {name: retriever.library.column(name) for name in EXAMPLE_COLUMNS}
    return example_questions(release, columns, [float(prior) for prior in retriever.table.priors])
