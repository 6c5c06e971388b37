"""The evaluation report for people: the numbers of report.json as Markdown tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

COLUMNS = ("recall@1", "recall@10", "mrr", "ndcg@10")


def write_report(report: Mapping[str, Any], path: Path) -> None:
    """Write `report.md`."""
    parts = [
        "# Evaluation on held-out questions\n",
        _retrieval(report["retrieval"]),
        _people(report["people"]),
        _answers(report["answers"]),
        _models(report["models"]),
        _samples(report["answers"]),
    ]
    path.write_text("\n".join(parts), "utf-8")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [" | ".join(head), " | ".join("---" for _ in head)]
    lines += [" | ".join(row) for row in rows]
    return "".join(f"| {line} |\n" for line in lines)


def _interval(value: Mapping[str, float] | None) -> str:
    if value is None:
        return "not measured"
    return f"{value['value']:.3f} [{value['low']:.3f}, {value['high']:.3f}]"


def _retrieval(retrieval: Mapping[str, Any]) -> str:
    head = ("ranking", *COLUMNS)
    text = f"## Retrieval ({retrieval['questions']} queries, 95 % bootstrap intervals)\n\n"
    text += _ranking_table(head, retrieval["overall"])
    differences = [
        (mode, _interval(value)) for mode, value in retrieval["mrr_against_bm25"].items()
    ]
    text += "\nMRR minus BM25's, same queries:\n\n" + _table(("ranking", "difference"), differences)
    for kind, found in retrieval["by_kind"].items():
        count = next(iter(found.values()))["mrr"]["count"]
        text += f"\n### {kind} ({count})\n\n" + _ranking_table(head, found)
    return text


def _ranking_table(head: Sequence[str], modes: Mapping[str, Any]) -> str:
    return _table(
        head, [(mode, *(_interval(found[c]) for c in COLUMNS)) for mode, found in modes.items()]
    )


def _people(people: Mapping[str, Any]) -> str:
    """The hand-written questions; nothing for documents that they are not about."""
    if not people:
        return ""
    head = ("questions", "ranking", "recall@1", "recall@10", "mrr")
    rows = [
        (use, mode, *(_interval(found[name]) for name in head[2:]))
        for use, modes in people.items()
        for mode, found in modes.items()
    ]
    text = (
        "\n## Questions written by hand\n\nWeights of importance were chosen on `tuned` only.\n\n"
    )
    return text + _table(head, rows)


def _share(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.3f}"


def _answers(answers: Mapping[str, Any]) -> str:
    overall = answers["overall"]
    head = ("kind", "questions", "right place", "right words", "declined by mistake")
    rows = [
        (
            kind,
            str(found["count"]),
            _share(found["answer_accuracy"]),
            _share(found["right_words"]),
            _share(found["false_abstention"]),
        )
        for kind, found in (*answers["by_kind"].items(), ("all", overall))
    ]
    text = "\n## Answers\n\n" + _table(head, rows)
    text += (
        f"\n- right place: {_interval(answers['accuracy_interval'])}"
        f"\n- declined of {overall['unanswerable']} without an answer: "
        f"{_interval(answers['abstention_interval'])}"
        f"\n- citations exact byte for byte: {_share(overall['citation_exactness'])} "
        f"of {overall['citations']}"
        f"\n- seconds an answer: median {overall['median_ms']:.1f} ms, "
        f"95 % within {overall['p95_ms']:.1f} ms\n"
    )
    return text


def _models(models: Sequence[Mapping[str, Any]]) -> str:
    if not models:
        return "\n## Rules against models\n\nNo model was given, so rules do everything.\n"
    rows = [
        (
            row["task"],
            f"{row['rules']} {row['rules_score']:.3f}",
            f"{row['model']} {row['model_score']:.3f}",
            _interval(row["gain"]),
            row["served"],
        )
        for row in models
    ]
    head = ("sub-task", "rules", "model", "gain of the model", "served by")
    return "\n## Rules against models\n\n" + _table(head, rows)


def _samples(answers: Mapping[str, Any]) -> str:
    text = "\n## Answered from the wrong place or declined by mistake\n\n"
    text += _sample_table(answers["wrong"])
    text += "\n## Answered although there is no answer\n\n"
    return text + _sample_table(answers["answered_without_answer"])


def _sample_table(samples: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        (
            str(sample["question"]).replace("|", "\\|").replace("\n", " ")[:120],
            sample["expected"],
            sample["symbol_found"] or "-",
            (sample["reason"] or "-").replace("|", "\\|"),
        )
        for sample in samples
    ]
    return _table(("question", "expected", "answered about", "reason"), rows)
