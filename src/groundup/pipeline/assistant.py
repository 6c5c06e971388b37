"""The main job as data: the steps that turn documents into a served assistant, in order.

Each step calls functions of the floor that it belongs to. The imports stay inside, so that a look
at the artifacts does not load torch.
"""

from __future__ import annotations

import json
import platform
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundup.facts.errors import ConfigError
from groundup.pipeline.fingerprint import folder_fingerprint, python_fingerprint
from groundup.pipeline.step import Metrics, Step, StepContext
from groundup.stack.stack import Stack

if TYPE_CHECKING:
    from groundup.recipes.dial import Choice

CALIBRATION_SECONDS = 15.0
TRAINING = ("calibrate", "pretrain", "retriever", "sft")
"""Steps whose outcome depends on how tensors are computed: device, dtype, torch's version."""


def calibrate_step(stack: Stack) -> Step:
    """Measures how fast this machine trains; the budget becomes a model by it."""

    def run(context: StepContext) -> Metrics:
        from groundup.frameworks.device import choose_device
        from groundup.recipes.calibrate import calibrate

        device = choose_device(stack.frameworks)
        measured = calibrate(device, stack.data.vocabulary, CALIBRATION_SECONDS, context.progress)
        measured.save(context.out / "calibration.json")
        best = max(measured.measured, key=lambda rung: rung.tokens_per_s)
        return {
            "dtype": measured.dtype,
            "threads": measured.threads,
            "batch": measured.batch,
            "tokens_per_s_smallest_model": best.tokens_per_s,
        }

    config = {"vocabulary": stack.data.vocabulary, "machine": platform.processor() or "unknown"}
    return Step("calibrate", run, ("groundup.recipes.calibrate",), (), config | tensors(stack))


def documents_step(stack: Stack) -> Step:
    """Collects, cleans and splits the documents."""

    def run(context: StepContext) -> Metrics:
        from groundup.data.collect import collect_documents

        metrics: Metrics = dict(collect_documents(stack.data, context.out, context.progress))
        metrics["sources"] = _read(context.out / "report.json")["documents_by_source"]
        licences = _read(context.out / "licences.json")
        metrics["licences"] = {row["licence"]: row["documents"] for row in licences}
        return metrics

    data = stack.data
    if not data.python and not data.docs:
        raise ConfigError(
            f"{stack.path}: data.python = false and data.docs is empty: nothing to read; "
            "add a folder with --docs DIR"
        )
    config: dict[str, Any] = {
        "packages": data.packages,
        "max_mib_per_package": data.max_mib_per_package,
        "held_out": data.held_out,
        "near_duplicate": data.near_duplicate,
        "python": python_fingerprint() if data.python else {},
        "folders": [folder_fingerprint(Path(folder)) for folder in data.docs],
    }
    return Step("documents", run, ("groundup.data.collect",), (), config)


def questions_step(stack: Stack) -> Step:
    """Makes questions, retrieval pairs and chats from the passages."""

    def run(context: StepContext) -> Metrics:
        from groundup.data.make_questions import make_questions

        seed = stack.frameworks.seed
        return make_questions(context.inputs["documents"], seed, context.out, context.progress)

    config = {"seed": stack.frameworks.seed}
    return Step("questions", run, ("groundup.data.make_questions",), ("documents",), config)


def tokenizer_step(stack: Stack) -> Step:
    """Trains the byte-level BPE."""

    def run(context: StepContext) -> Metrics:
        from groundup.data.tokenizer import train_tokenizer

        return train_tokenizer(
            context.inputs["documents"], stack.data.vocabulary, context.out, context.progress
        )

    config = {"vocabulary": stack.data.vocabulary, **_versions("tokenizers")}
    return Step("tokenizer", run, ("groundup.data.tokenizer",), ("documents",), config)


def shards_step() -> Step:
    """Encodes the documents as tokens."""

    def run(context: StepContext) -> Metrics:
        from groundup.data.shards import write_shards

        return write_shards(
            context.inputs["documents"], context.inputs["tokenizer"], context.out, context.progress
        )

    return Step("shards", run, ("groundup.data.shards",), ("documents", "tokenizer"))


def pretrain_step(stack: Stack, choice: Choice) -> Step:
    """Trains the decoder from scratch."""

    def run(context: StepContext) -> Metrics:
        from groundup.frameworks.device import choose_device
        from groundup.recipes.pretrain import pretrain

        return pretrain(
            choice,
            context.inputs["shards"],
            context.inputs["tokenizer"],
            choose_device(stack.frameworks),
            stack.frameworks.seed,
            context.out,
            context.progress,
            stack.training.checkpoint_seconds,
        )

    config = {"choice": choice.to_dict(), **tensors(stack)}
    return Step(
        "pretrain", run, ("groundup.recipes.pretrain",), ("shards", "tokenizer"), config, True
    )


def retriever_step(stack: Stack) -> Step:
    """Trains the bi-encoder on natural pairs, with hard negatives found by keyword."""

    def run(context: StepContext) -> Metrics:
        from groundup.frameworks.device import choose_device
        from groundup.middleware.mining import mine_negatives
        from groundup.recipes.retriever import train_retriever

        return train_retriever(
            context.inputs["documents"],
            context.inputs["questions"],
            context.inputs["tokenizer"],
            minutes,
            stack.middleware.embedding_width,
            choose_device(stack.frameworks),
            stack.frameworks.seed,
            context.out,
            context.progress,
            mine_negatives,
        )

    minutes = stack.recipes.budget_minutes * stack.recipes.retriever_share
    config = {"minutes": minutes, "width": stack.middleware.embedding_width, **tensors(stack)}
    code = ("groundup.recipes.retriever", "groundup.middleware.mining")
    inputs = ("documents", "questions", "tokenizer")
    return Step("retriever", run, code, inputs, config, True)


def index_step() -> Step:
    """Builds the keyword index, encodes every passage and tunes their fusion."""

    def run(context: StepContext) -> Metrics:
        from groundup.middleware.indexing import build_index

        return build_index(
            context.inputs["documents"],
            context.inputs["retriever"],
            context.inputs["tokenizer"],
            context.out,
            context.progress,
            context.inputs["questions"],
        )

    inputs = ("documents", "questions", "tokenizer", "retriever")
    return Step("index", run, ("groundup.middleware.indexing",), inputs, {}, True)


def sft_step(stack: Stack) -> Step:
    """Fine-tunes the decoder on grounded questions with cited answers."""

    def run(context: StepContext) -> Metrics:
        from groundup.frameworks.device import choose_device
        from groundup.recipes.sft import finetune

        return finetune(
            context.inputs["pretrain"],
            context.inputs["questions"] / "chats.jsonl",
            context.inputs["tokenizer"],
            minutes,
            choose_device(stack.frameworks),
            stack.frameworks.seed,
            context.out,
            context.progress,
            checkpoint_seconds=stack.training.checkpoint_seconds,
        )

    minutes = stack.recipes.budget_minutes * stack.recipes.sft_share
    inputs = ("questions", "tokenizer", "pretrain")
    config = {"minutes": minutes, **tensors(stack)}
    return Step("sft", run, ("groundup.recipes.sft",), inputs, config, True)


def quantise_step(stack: Stack) -> Step:
    """Writes the int8 model and measures size, speed and quality before and after."""

    def run(context: StepContext) -> Metrics:
        from groundup.frameworks.device import choose_device
        from groundup.inference.quantise import quantise

        return quantise(
            context.inputs["sft"],
            context.inputs["shards"],
            context.out,
            context.progress,
            choose_device(stack.frameworks),
        )

    config = {"format": stack.inference.quantise, **tensors(stack)}
    return Step("quantise", run, ("groundup.inference.quantise",), ("sft", "shards"), config)


def evaluate_step(stack: Stack) -> Step:
    """Asks the held-out questions of the whole assistant, model included."""

    def run(context: StepContext) -> Metrics:
        from groundup.middleware.assistant import open_assistant
        from groundup.middleware.evals import evaluate

        inputs = context.inputs
        judge = open_judge(stack, inputs["quantise"])
        assistant = open_assistant(inputs["index"], inputs["retriever"], inputs["tokenizer"], judge)
        return evaluate(
            inputs["questions"], inputs["index"], assistant, judge, context.out, context.progress
        )

    code = (
        "groundup.middleware.evals",
        "groundup.middleware.assistant",
        "groundup.inference.engine",
    )
    inputs = ("questions", "tokenizer", "retriever", "index", "quantise")
    return Step("evaluate", run, code, inputs, tensors(stack))


def open_judge(stack: Stack, model: Path) -> Any:
    """The served language model as a judge of passages."""
    from groundup.frameworks.device import choose_device
    from groundup.inference.engine import Engine
    from groundup.middleware.judge import Judge

    engine = Engine(model, choose_device(stack.frameworks))
    return Judge(lambda prompt, text: engine.score(prompt, [text])[0].logprob, engine.encode)


def tensors(stack: Stack) -> dict[str, Any]:
    """What changes the numbers of a training besides its inputs."""
    return {"frameworks": asdict(stack.frameworks), **_versions("torch")}


def _versions(*names: str) -> dict[str, str]:
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            raise ConfigError(
                f"{name} is not installed; `pip install 'groundup[all]'` brings what a run needs"
            ) from None
    return found


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
