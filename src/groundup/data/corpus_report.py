"""What a corpus holds and what was left out of it, counted; and its table of licences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from groundup.data.document import HELD_OUT, Document, Passage
from groundup.data.reading import Reading
from groundup.data.select_documents import Repeat

LISTED = 200  # dropped pairs and warnings written out one by one


def corpus_report(
    documents: Sequence[Document],
    passages: Sequence[Passage],
    readings: Sequence[Reading],
    repeats: Sequence[Repeat],
    checks: dict[str, float],
) -> dict[str, Any]:
    """Counts and lists for report.json; the flat numbers first."""
    notes = [note for reading in readings for note in reading.notes]
    exact = sum(repeat.similarity == 1.0 for repeat in repeats)
    size = sum(len(document.text.encode("utf-8", "surrogatepass")) for document in documents)
    return {
        "documents": len(documents),
        "passages": len(passages),
        "bytes": size,
        "documented_passages": sum(bool(passage.summary) for passage in passages),
        "dropped": sum(bool(reading.reason) for reading in readings),
        "dropped_exact_duplicates": exact,
        "dropped_near_duplicates": len(repeats) - exact,
        "warnings": len(notes),
        **checks,
        "dropped_by_reason": _counts(r.reason for r in readings if r.reason),
        "documents_by_kind": _counts(document.kind for document in documents),
        "documents_by_source": _counts(document.source for document in documents),
        "passages_by_kind": _counts(passage.kind for passage in passages),
        "held_out_passages": sum(passage.split == HELD_OUT for passage in passages),
        "dropped_pairs": [repeat._asdict() for repeat in repeats[:LISTED]],
        "notes": notes[:LISTED],
    }


def _counts(values: Iterable[str]) -> dict[str, int]:
    return dict(Counter(values).most_common())


def licence_table(documents: Iterable[Document]) -> list[dict[str, Any]]:
    """A row a licence: documents, bytes, sources and evidence; most bytes first."""
    rows: dict[str, dict[str, Any]] = {}
    for document in documents:
        row = rows.setdefault(
            document.licence,
            {"licence": document.licence, "documents": 0, "bytes": 0, "sources": {}},
        )
        row["documents"] += 1
        row["bytes"] += len(document.text.encode("utf-8", "surrogatepass"))
        row["sources"].setdefault(document.source, document.licence_evidence)
    return sorted(rows.values(), key=lambda row: (-row["bytes"], row["licence"]))
