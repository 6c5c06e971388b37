"""Evaluates a candidate on held-out questions and writes report.json and report.md."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from groundup.data.document import HELD_OUT
from groundup.data.store import Progress, read_jsonl
from groundup.facts.errors import DataError
from groundup.facts.files import write_json
from groundup.middleware.answers import Answer, Assistant
from groundup.middleware.calibration import asked_kind
from groundup.middleware.eval_report import write_report
from groundup.middleware.judge import CHOSEN_FROM, Judge
from groundup.middleware.metrics import PER_QUESTION, bootstrap, paired_difference
from groundup.middleware.people import people_table
from groundup.middleware.retrieval import MODES, Retriever
from groundup.middleware.router import load_router

MOST_QUESTIONS = 600
"""Held-out questions and pairs that are asked; a fixed random share of them."""
MODEL_QUESTIONS = 80
"""Of these, how many the language model judges: it costs a pass for each passage."""
DEPTH = 10

Metrics = dict[str, float | int | str]


def evaluate(
    questions: Path,
    index: Path,
    assistant: Assistant,
    judge: Judge | None,
    out: Path,
    progress: Progress,
) -> Metrics:
    """Ask held-out questions only and write `report.json` and `report.md` into `out`.

    `questions` holds questions.jsonl and pairs.jsonl; `judge` is the language model, where there
    is one. The returned metrics have the names that the gates ask for. DataError when nothing is
    held out.
    """
    out.mkdir(parents=True, exist_ok=True)
    asked = _held_out(questions / "questions.jsonl")
    retriever = assistant.retriever
    retrieval = retrieval_table(_pairs(questions, asked, retriever), retriever, progress)
    answered = [_ask(assistant, row, n, len(asked), progress) for n, row in enumerate(asked)]
    answers = answer_table(answered, retriever)
    models = model_table(asked, index, retriever, judge, progress)
    served = retrieval["overall"]["served"]
    metrics: Metrics = {
        "recall_at_10": served["recall@10"]["value"],
        "recall_at_1": served["recall@1"]["value"],
        "mrr": served["mrr"]["value"],
        "ndcg_at_10": served["ndcg@10"]["value"],
        **{k: v for k, v in answers["overall"].items() if isinstance(v, float | int)},
        "retriever": retriever.mode,
        "questions": len(asked),
    }
    report = {
        "metrics": metrics,
        "retrieval": retrieval,
        "people": people_table(retriever),
        "answers": answers,
        "models": models,
    }
    write_json(out / "report.json", report)
    write_report(report, out / "report.md")
    return metrics


def _held_out(path: Path) -> list[dict[str, Any]]:
    """A fixed random share of the held-out questions."""
    rows = [row for row in read_jsonl(path) if row["split"] == HELD_OUT]
    if not rows:
        raise DataError(f"{path}: no held-out question; collect more documents or raise held_out")
    order = np.random.default_rng(0).permutation(len(rows))[:MOST_QUESTIONS]
    return [rows[place] for place in order]


def _pairs(
    questions: Path, asked: Sequence[dict[str, Any]], retriever: Retriever
) -> list[tuple[str, str, str]]:
    """(query, passage id, kind): held-out pairs, and the answerable questions."""
    known = retriever.library.row_of
    pairs = _held_out(questions / "pairs.jsonl") if (questions / "pairs.jsonl").is_file() else []
    found = [(row["query"], row["passage_id"], f"pair: {row['kind']}") for row in pairs]
    found += [
        (row["question"], row["passage_id"], row["kind"])
        for row in asked
        if row["kind"] != "unanswerable"
    ]
    return [row for row in found if row[1] in known]


def retrieval_table(
    pairs: Sequence[tuple[str, str, str]], retriever: Retriever, progress: Progress
) -> dict[str, Any]:
    """Metrics of every ranking, with intervals, overall and by kind, and paired differences."""
    modes = [*(MODES if retriever.encoder is not None else ("bm25",)), "served"]
    values: dict[str, dict[str, list[float]]] = {
        mode: {name: [] for name in PER_QUESTION} for mode in modes
    }
    for number, (query, wanted, _) in enumerate(pairs):
        for mode in modes:
            ranking = retriever.ranked_ids(query, DEPTH, "auto" if mode == "served" else mode)
            for name, metric in PER_QUESTION.items():
                values[mode][name].append(metric(ranking, {wanted}))
        progress("evaluate retrieval", number + 1, len(pairs))
    kinds = [kind for _, _, kind in pairs]
    return {
        "questions": len(pairs),
        "overall": {mode: _intervals(values[mode]) for mode in modes},
        "by_kind": {
            kind: {mode: _intervals(_of_kind(values[mode], kinds, kind)) for mode in modes}
            for kind in sorted(set(kinds))
        },
        "mrr_against_bm25": {
            mode: paired_difference(values[mode]["mrr"], values["bm25"]["mrr"]).as_dict()
            for mode in modes[1:]
        },
    }


def _intervals(values: dict[str, list[float]]) -> dict[str, dict[str, float | int]]:
    return {name: bootstrap(found).as_dict() for name, found in values.items()}


def _of_kind(
    values: dict[str, list[float]], kinds: Sequence[str], wanted: str
) -> dict[str, list[float]]:
    return {
        name: [value for value, kind in zip(found, kinds, strict=True) if kind == wanted]
        for name, found in values.items()
    }


@dataclass(frozen=True)
class Asked:
    """A held-out question and what the assistant made of it."""

    row: dict[str, Any]
    answer: Answer
    seconds: float


def _ask(
    assistant: Assistant, row: dict[str, Any], number: int, total: int, progress: Progress
) -> Asked:
    began = time.perf_counter()
    answer = assistant.answer(row["question"])
    progress("evaluate answers", number + 1, total)
    return Asked(row, answer, time.perf_counter() - began)


def answer_table(asked: Sequence[Asked], retriever: Retriever) -> dict[str, Any]:
    """Right place, right words, citation exactness, abstention and latency."""
    answerable = [each for each in asked if each.row["kind"] != "unanswerable"]
    without = [each for each in asked if each.row["kind"] == "unanswerable"]
    by_kind: dict[str, list[Asked]] = defaultdict(list)
    for each in answerable:
        by_kind[each.row["kind"]].append(each)
    milliseconds = np.array([each.seconds for each in asked]) * 1e3
    overall: dict[str, Any] = {
        **_shares(answerable),
        "citation_exactness": citation_exactness([each.answer for each in asked], retriever),
        "citations": sum(len(each.answer.citations) for each in asked),
        "abstention": _mean([each.answer.abstained for each in without]),
        "unanswerable": len(without),
        "median_ms": round(float(np.median(milliseconds)), 2),
        "p95_ms": round(float(np.quantile(milliseconds, 0.95)), 2),
    }
    return {
        "overall": overall,
        "by_kind": {kind: _shares(found) for kind, found in sorted(by_kind.items())},
        "abstention_interval": _interval([each.answer.abstained for each in without]),
        "accuracy_interval": _interval([right_place(e.row, e.answer) for e in answerable]),
        "wrong": [_sample(each) for each in answerable if not right_place(each.row, each.answer)][
            :40
        ],
        "answered_without_answer": [_sample(e) for e in without if not e.answer.abstained][:20],
    }


def _shares(asked: Sequence[Asked]) -> dict[str, float | int | None]:
    return {
        "count": len(asked),
        "answer_accuracy": _mean([right_place(each.row, each.answer) for each in asked]),
        "right_words": _mean([right_words(each.row, each.answer) for each in asked]),
        "false_abstention": _mean([each.answer.abstained for each in asked]),
    }


def _mean(values: Sequence[bool]) -> float | None:
    """Share of true ones; None (not measured) when there is nothing."""
    return round(float(np.mean(values)), 4) if values else None


def _interval(values: Sequence[bool]) -> dict[str, float | int] | None:
    return bootstrap([float(value) for value in values]).as_dict() if values else None


def _sample(asked: Asked) -> dict[str, Any]:
    return {
        "question": asked.row["question"],
        "expected": f"{asked.row['uri']}:{asked.row['start_line']}",
        "kind_found": asked.answer.kind,
        "symbol_found": asked.answer.symbol,
        "abstained": asked.answer.abstained,
        "reason": asked.answer.reason,
    }


def right_place(row: dict[str, Any], answer: Answer) -> bool:
    """Answered, and some citation overlaps the expected lines of the expected document."""
    return not answer.abstained and any(
        citation.uri == row["uri"]
        and citation.start_line <= row["end_line"]
        and row["start_line"] <= citation.end_line
        for citation in answer.citations
    )


def right_words(row: dict[str, Any], answer: Answer) -> bool:
    """As `right_place`, and a quote holds the expected words (white space aside) or is in them."""
    if not right_place(row, answer):
        return False
    wanted = " ".join(row["answer"].split())
    found = [" ".join(c.quote.split()) for c in answer.citations if c.uri == row["uri"]]
    return any(wanted in quote or (len(quote) > 10 and quote in wanted) for quote in found) or (
        wanted in " ".join(answer.text.split())
    )


def citation_exactness(answers: Sequence[Answer], retriever: Retriever) -> float | None:
    """Share of quotes that stand, byte for byte, in their lines of the stored documents.

    Reads the lines by itself, apart from the code that made the citations.
    """
    exact = []
    for answer in answers:
        for citation in answer.citations:
            row = retriever.library.document(citation.uri)
            lines = row["text"].encode().split(b"\n")
            first = citation.start_line - row["first_line"]
            last = citation.end_line - row["first_line"] + 1
            inside = 0 <= first < last <= len(lines)
            exact.append(inside and citation.quote.encode() in b"\n".join(lines[first:last]))
    return float(np.mean(exact)) if exact else None


def model_table(
    asked: Sequence[dict[str, Any]],
    index: Path,
    retriever: Retriever,
    judge: Judge | None,
    progress: Progress,
) -> list[dict[str, Any]]:
    """Rules against models, sub-task by sub-task; the model serves only where its gain is shown."""
    table = []
    answerable = [row for row in asked if row["kind"] != "unanswerable"]
    if retriever.encoder is not None and (index / "router.npz").is_file() and answerable:
        vectors = retriever.encoder.encode([row["question"] for row in answerable])
        learned = load_router(index).route(vectors)
        rules = [asked_kind(row["question"]) for row in answerable]
        right = [row["kind"] for row in answerable]
        table.append(_contest("kind of question", "rules", "encoder router", rules, learned, right))
    if judge is not None:
        table.extend(_judged(asked, retriever, judge, progress))
    return table


def _contest(
    task: str,
    name: str,
    rival: str,
    first: Sequence[Any],
    second: Sequence[Any],
    right: Sequence[Any],
) -> dict[str, Any]:
    a = [float(x == y) for x, y in zip(first, right, strict=True)]
    b = [float(x == y) for x, y in zip(second, right, strict=True)]
    return _row(task, name, rival, a, b)


def _row(task: str, name: str, rival: str, a: list[float], b: list[float]) -> dict[str, Any]:
    gain = paired_difference(b, a)
    return {
        "task": task,
        "rules": name,
        "rules_score": round(float(np.mean(a)), 4),
        "model": rival,
        "model_score": round(float(np.mean(b)), 4),
        "gain": gain.as_dict(),
        "served": "model" if gain.low > 0 else "rules",
    }


def _judged(
    asked: Sequence[dict[str, Any]], retriever: Retriever, judge: Judge, progress: Progress
) -> list[dict[str, Any]]:
    """Choosing the passage, and telling what has no answer, by query likelihood."""
    which = [row for row in asked if row["kind"] in ("which", "what")][:MODEL_QUESTIONS]
    plain, chosen = [], []
    for number, row in enumerate(which):
        hits = retriever.search(row["question"], CHOSEN_FROM)
        ids = [hit.passage.passage_id for hit in hits]
        best = [hit.passage.passage_id for hit in judge.choose(row["question"], hits)]
        plain.append(float(ids[:1] == [row["passage_id"]]))
        chosen.append(float(best[:1] == [row["passage_id"]]))
        progress("evaluate the model's choices", number + 1, len(which))
    if not which:
        return []
    return [_row("choice of the passage", "ranking", "query likelihood", plain, chosen)]
