"""Sixty questions written by hand, as people ask them, with the symbols that answer them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from groundup.data.store import read_jsonl
from groundup.middleware.metrics import bootstrap, reciprocal_rank
from groundup.middleware.retrieval import Retriever

FILE = Path(__file__).with_name("people.jsonl")
"""One object a line: question, accepted names, and use: `tuned` (importance weights were chosen
on these) or `checked` (they were not)."""

DEPTH = 10
LEAST_KNOWN = 0.8
"""Share of the questions whose answer must be indexed for the table to mean anything."""


def people_table(retriever: Retriever) -> dict[str, Any]:
    """MRR and recall of the served ranking and of plain BM25, by use; {} for other documents."""
    rows = read_jsonl(FILE)
    columns = zip(retriever.library.names, retriever.library.column("aliases"), strict=True)
    known = {each for name, aliases in columns for each in (name, *(aliases or ()))}
    if sum(bool(known & set(row["accepted"])) for row in rows) < LEAST_KNOWN * len(rows):
        return {}
    return {
        use: {
            mode: _measured([row for row in rows if row["use"] == use], retriever, mode)
            for mode in ("bm25", "auto")
        }
        for use in ("tuned", "checked")
    }


def _measured(rows: list[dict[str, Any]], retriever: Retriever, mode: str) -> dict[str, Any]:
    ranks = [_reciprocal(row, retriever, mode) for row in rows]
    return {
        "mrr": bootstrap(ranks).as_dict(),
        "recall@1": bootstrap([float(rank == 1.0) for rank in ranks]).as_dict(),
        "recall@10": bootstrap([float(rank > 0.0) for rank in ranks]).as_dict(),
    }


def _reciprocal(row: dict[str, Any], retriever: Retriever, mode: str) -> float:
    accepted = set(row["accepted"])
    hits = retriever.search(row["question"], DEPTH, mode)
    found = [bool(accepted & {hit.passage.name, *hit.passage.aliases}) for hit in hits]
    return reciprocal_rank(["yes" if each else "no" for each in found], {"yes"})
