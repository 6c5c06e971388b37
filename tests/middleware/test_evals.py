"""Calibration and evaluation end to end over the small folder, with a trained encoder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from groundup.data.document import Passage
from groundup.data.store import quiet, read_passages, write_jsonl
from groundup.facts.errors import DataError
from groundup.middleware.answers import Assistant
from groundup.middleware.assistant import open_assistant
from groundup.middleware.config import GatesConfig
from groundup.middleware.evals import citation_exactness, evaluate, right_place, right_words
from groundup.middleware.gates import check
from groundup.middleware.indexing import build_index
from groundup.middleware.judge import Judge
from groundup.middleware.mining import mine_negatives
from groundup.middleware.retrieval import MODES, Retriever

WORDS = {
    "signature": "What is the signature of {}?",
    "returns": "What does {} return?",
    "raises": "What does {} raise?",
    "what": "What does {} do?",
}


def rows_about(passage: Passage, split: str) -> list[dict[str, object]]:
    """A question of each kind that the passage can answer."""
    found = []
    for kind, template in WORDS.items():
        part = "summary" if kind == "what" else kind
        span = getattr(passage, part)
        if span:
            found.append(
                {
                    "id": f"{split}/{kind}/{passage.passage_id}",
                    "question": template.format(passage.name),
                    "kind": kind,
                    "answer": span,
                    "passage_id": passage.passage_id,
                    "uri": passage.uri,
                    "start_line": getattr(passage, f"{part}_start"),
                    "end_line": getattr(passage, f"{part}_end"),
                    "split": split,
                }
            )
    return found


@pytest.fixture(scope="module")
def questions(documents: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("questions")
    passages = [p for p in read_passages(documents) if p.kind != "section"]
    rows = [
        row for split in ("train", "held-out") for p in passages for row in rows_about(p, split)
    ]
    none = {"kind": "unanswerable", "answer": "", "passage_id": "", "uri": ""}
    none |= {"start_line": 0, "end_line": 0}
    for split, words in (("train", "Who painted the {}?"), ("held-out", "Where is {} sold?")):
        for number, thing in enumerate(["ceiling", "fence", "river", "moon", "violin"]):
            text = words.format(thing)
            rows.append({**none, "id": f"{split}/{number}", "question": text, "split": split})
    write_jsonl(rows, out / "questions.jsonl")
    pairs = [
        {"query": p.summary, "passage_id": p.passage_id, "kind": "summary", "split": split}
        for split in ("train", "held-out")
        for p in passages
        if p.summary
    ]
    write_jsonl(pairs, out / "pairs.jsonl")
    return out


@pytest.fixture(scope="module")
def encoder(
    documents: Path, questions: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """(encoder, tokenizer) directories, trained for a moment with mined negatives."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    from groundup.frameworks.device import Device
    from groundup.recipes.retriever import RetrieverPlan, train_retriever

    words = tmp_path_factory.mktemp("tokenizer")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=["<|endoftext|>", "<|pad|>"])
    tokenizer.train_from_iterator([p.text for p in read_passages(documents)], trainer)
    tokenizer.save(str(words / "tokenizer.json"))
    out = tmp_path_factory.mktemp("encoder")
    plan = RetrieverPlan(table_width=16, batch=8, hard=2)
    device = Device("cpu", "float32", 1)
    train_retriever(
        documents, questions, words, 0.05, 16, device, 0, out, quiet, mine_negatives, plan
    )
    return out, words


@pytest.fixture(scope="module")
def calibrated(
    documents: Path,
    questions: Path,
    encoder: tuple[Path, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    out = tmp_path_factory.mktemp("calibrated")
    metrics = build_index(documents, *encoder, out, quiet, questions)
    assert metrics["passages"] == 13
    again = build_index(documents, *encoder, out, quiet, questions)
    assert again["retriever"] == metrics["retriever"]
    return out


@pytest.fixture(scope="module")
def report(
    calibrated: Path,
    questions: Path,
    encoder: tuple[Path, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, object]:
    out = tmp_path_factory.mktemp("report")
    judge = Judge(
        lambda prompt, asked: -float(len(set(asked) - set(prompt))), lambda t: [*t.encode()]
    )
    served = open_assistant(calibrated, *encoder, judge)
    metrics = evaluate(questions, calibrated, served, judge, out, quiet)
    found = json.loads((out / "report.json").read_text("utf-8"))
    assert found["metrics"] == metrics
    assert "| ranking |" in (out / "report.md").read_text("utf-8")
    return found


def test_every_ranking_is_measured_with_an_interval(report: dict) -> None:
    table = report["retrieval"]["overall"]
    assert set(table) == {*MODES, "served"}
    for found in table.values():
        for value in found.values():
            assert value["low"] <= value["value"] <= value["high"]
    assert table["served"]["recall@10"]["value"] > 0.9


def test_answers_are_right_and_quotes_exact(report: dict) -> None:
    overall = report["answers"]["overall"]
    assert overall["answer_accuracy"] > 0.9
    assert overall["right_words"] > 0.9
    assert overall["citation_exactness"] == 1.0
    assert overall["abstention"] == 1.0
    assert overall["false_abstention"] < 0.1


def test_rules_and_models_are_compared(report: dict) -> None:
    tasks = {row["task"]: row for row in report["models"]}
    assert set(tasks) == {"kind of question", "choice of the passage"}
    assert tasks["kind of question"]["served"] in ("rules", "model")


def test_the_metrics_feed_the_gates(report: dict) -> None:
    results = {result.name: result for result in check(report["metrics"], GatesConfig())}
    for name in ("recall_at_10", "citation_exactness", "abstention", "answer_accuracy"):
        assert results[name].ok
    assert results["bits_per_byte"].value is None


def test_a_model_may_route_without_harm(calibrated: Path, encoder: tuple[Path, Path]) -> None:
    opened = open_assistant(calibrated, *encoder)
    answer = opened.answer("what does kitchen.boil return")
    assert "how hot the water is" in answer.text
    assert answer.tokens["completion"] > answer.tokens["prompt"] > 0


def test_vectors_are_those_of_the_encoder(calibrated: Path, encoder: tuple[Path, Path]) -> None:
    opened = Retriever.open(calibrated, *encoder)
    from groundup.recipes.text_encoder import passage_text

    columns = (opened.library.column(name) for name in ("name", "summary", "text"))
    texts = [passage_text(*row) for row in zip(*columns, strict=True)]
    direct = opened.encoder.encode_normal(texts)
    np.testing.assert_allclose(opened.matrix, direct, atol=2e-3)
    np.testing.assert_allclose(np.linalg.norm(direct, axis=1), 1, atol=1e-5)


def test_a_forged_quote_is_counted(assistant: Assistant) -> None:
    from dataclasses import replace

    answer = assistant.answer("what does kitchen.boil return")
    assert citation_exactness([answer], assistant.retriever) == 1.0
    forged = replace(answer.citations[0], quote="something else")
    wrong = replace(answer, citations=(forged,))
    assert citation_exactness([wrong, answer], assistant.retriever) == 0.5
    assert citation_exactness([], assistant.retriever) is None


def test_what_counts_as_right(assistant: Assistant) -> None:
    answer = assistant.answer("what does kitchen.boil return")
    cited = answer.citations[0]
    row = {"uri": cited.uri, "start_line": cited.start_line, "end_line": cited.end_line}
    row["answer"] = "A sentence that says how hot the water is."
    assert right_words(row, answer)
    assert not right_words({**row, "answer": "Something that is not said at all."}, answer)
    assert not right_place({**row, "start_line": 1, "end_line": 1}, answer)


def test_nothing_held_out_is_an_error(assistant: Assistant, index: Path, tmp_path: Path) -> None:
    write_jsonl([], tmp_path / "questions.jsonl")
    with pytest.raises(DataError, match="held-out"):
        evaluate(tmp_path, index, assistant, None, tmp_path / "out", quiet)


def test_mined_negatives_are_what_keywords_find(documents: Path) -> None:
    passages = [p for p in read_passages(documents) if p.kind == "function"]
    rows = mine_negatives(passages, ["divide a dish", "zzz"], 2)
    assert passages[rows[0, 0]].name == "kitchen.split"
    assert (rows[1] == -1).all()
