"""Trains the bi-encoder on natural pairs, within a time budget measured on this machine."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from groundup.data.store import Progress
from groundup.frameworks.device import Device
from groundup.models.encoder import BiEncoder, EncoderShape, save_encoder
from groundup.recipes.retriever_data import (
    PASSAGE_TOKENS,
    Examples,
    Mine,
    PairBatch,
    batch,
    load_examples,
)
from groundup.recipes.text_encoder import PAD, open_tokenizer
from groundup.training.loop import TrainSettings, finish, train
from groundup.training.optim import Optimisers, adamw
from groundup.training.schedule import Schedule

MEASURED_STEPS = 6
PAIRS_PER_SECOND = 700
"""Pairs read for each second of the budget: some epochs, even at the speed of two busy cores."""
MOST_EPOCHS = 12
"""Passes over the pairs after which more training only memorises them."""


@dataclass(frozen=True)
class RetrieverPlan:
    """What one run trains; decided at the first start and kept for the next."""

    layers: int = 0
    """Transformer blocks; 0 is a static encoder."""
    table_width: int = 192
    """Channels of a token vector."""
    batch: int = 256
    """Pairs a step; all other answers in the batch are negatives."""
    hard: int = 0
    """Keyword hits kept a query; one of them joins each step. Mining cost more than it gave."""
    learning_rate: float = 0.005
    temperature: float = 0.05
    """Divisor of the cosines before the softmax."""
    bare_share: float = 0.5
    """Share of answers shown without the sentence that the query was made from."""
    steps: int = 0
    """Steps that fit the time at the best speed measured; 0 before that is known."""
    seconds: float = 0.0
    """Training time after which the last decay must have ended, whatever the speed."""


def train_retriever(
    documents: Path,
    questions: Path,
    tokenizer: Path,
    minutes: float,
    width: int,
    device: Device,
    seed: int,
    out: Path,
    progress: Progress,
    mine: Mine | None = None,
    plan: RetrieverPlan | None = None,
) -> dict[str, float | int | str]:
    """Train for `minutes` (tokenising and mining included) and write the encoder into `out`.

    `documents` holds passages.parquet, `questions` pairs.jsonl; `width` is the vectors'; `mine`
    finds hard negatives by keyword (an upper floor has that index). A killed run goes on from its
    checkpoint, a finished one returns its metrics at once.
    """
    if (out / "report.json").is_file():
        metrics: dict[str, float | int | str] = json.loads((out / "report.json").read_text("utf-8"))
        return metrics
    began = time.perf_counter()
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    plan = plan or RetrieverPlan()
    words = open_tokenizer(tokenizer)
    most = int(minutes * 60.0 * PAIRS_PER_SECOND)
    examples = load_examples(
        documents, questions, words, mine, plan.hard, progress, max(most, 2 * plan.batch), seed
    )
    shape = EncoderShape(words.get_vocab_size(), plan.table_width, width, plan.layers)
    model = BiEncoder(shape).to(device.kind)
    left = minutes * 60.0 - (time.perf_counter() - began)
    plan = _decided(plan, model, examples, device, seed, left, out)
    metrics = _train(model, examples, plan, device, seed, out, progress)
    save_encoder(model, out)
    metrics |= _described(plan, examples, model, began)
    metrics["epochs"] = round(float(metrics["tokens"]) / len(examples.positive), 2)
    (out / "report.json").write_text(json.dumps(metrics, indent=1), "utf-8")
    finish(out)
    return metrics


def _decided(
    plan: RetrieverPlan,
    model: BiEncoder,
    examples: Examples,
    device: Device,
    seed: int,
    seconds: float,
    out: Path,
) -> RetrieverPlan:
    """The plan with its number of steps: as many as fit the time left, at the measured speed."""
    path = out / "plan.json"
    if path.is_file():
        return RetrieverPlan(**json.loads(path.read_text("utf-8")))
    plan = replace(plan, batch=min(plan.batch, len(examples.positive)))
    spent = _seconds_per_step(model, examples, plan, device, seed)
    seconds = max(0.0, seconds - 2 * MEASURED_STEPS * spent) * 0.95
    most = MOST_EPOCHS * len(examples.positive) // plan.batch + 1
    steps = max(1, min(int(seconds / spent), most))
    plan = replace(plan, steps=steps, seconds=round(seconds, 3))
    path.write_text(json.dumps(asdict(plan), indent=1), "utf-8")
    return plan


def _seconds_per_step(
    model: BiEncoder, examples: Examples, plan: RetrieverPlan, device: Device, seed: int
) -> float:
    """Fastest of some forward and backward passes; the weights are left as they were.

    The fastest, because a slower run than planned ends in time (the decay starts early) and a
    faster one would leave time unused.
    """
    times = []
    for step in range(MEASURED_STEPS):
        began = time.perf_counter()
        _loss(
            model, batch(examples, step, plan.batch, seed, plan.bare_share), plan, device
        ).backward()  # type: ignore[no-untyped-call]
        times.append(time.perf_counter() - began)
    model.zero_grad(set_to_none=True)
    return min(times)


def _train(
    model: BiEncoder,
    examples: Examples,
    plan: RetrieverPlan,
    device: Device,
    seed: int,
    out: Path,
    progress: Progress,
) -> dict[str, float | int | str]:
    steps = plan.steps
    settings = TrainSettings(
        Schedule(steps, warmup=min(20, steps // 4), decay=steps // 2),
        tokens_per_step=plan.batch,
        label="train retriever",
        identity=f"retriever {plan} seed {seed} pairs {len(examples.positive)}",
        max_seconds=plan.seconds,
    )
    return train(
        model,
        lambda encoder, chosen: _loss(encoder, chosen, plan, device),
        lambda step: batch(examples, step, plan.batch, seed, plan.bare_share),
        Optimisers([adamw(model.parameters(), plan.learning_rate, betas=(0.9, 0.999))]),
        settings,
        out,
        progress,
    )


def _loss(model: BiEncoder, chosen: PairBatch, plan: RetrieverPlan, device: Device) -> Tensor:
    """InfoNCE (van den Oord et al. 2018, arXiv:1807.03748) with in-batch and hard negatives."""
    queries, passages = chosen.queries.to(device.kind), chosen.passages.to(device.kind)
    q_BE = model(queries, queries != PAD)
    p_NE = model(passages, passages != PAD)
    return contrastive_loss(q_BE, p_NE, chosen.rows.to(device.kind), plan.temperature)


def contrastive_loss(q_BE: Tensor, p_NE: Tensor, rows_N: Tensor, temperature: float) -> Tensor:
    """Mean cross entropy of each query against all passages, its own at the same place.

    The first B of the N passages belong to the B queries. Another place that holds the same
    passage (same row number) is no negative and is left out.
    """
    scores_BN = q_BE @ p_NE.T / temperature
    places = torch.arange(len(q_BE), device=q_BE.device)
    twin_BN = rows_N[: len(q_BE), None] == rows_N[None, :]
    twin_BN[places, places] = False
    return F.cross_entropy(scores_BN.masked_fill(twin_BN, float("-inf")), places)


def _described(
    plan: RetrieverPlan, examples: Examples, model: BiEncoder, began: float
) -> dict[str, float | int | str]:
    return {
        "layers": plan.layers,
        "width": model.shape.output,
        "batch": plan.batch,
        "pairs": len(examples.positive),
        "passages": len(examples.passages),
        "longest_passage_tokens": PASSAGE_TOKENS,
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "wall_seconds": round(time.perf_counter() - began, 2),
    }
