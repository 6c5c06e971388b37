"""Hard negatives for the retriever's training: what keywords find for a query."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from groundup.data.document import Passage
from groundup.middleware import bm25
from groundup.middleware.terms import query_terms

RAREST = 5
"""Terms of a query that are looked up: rare ones have short postings and say most."""


def mine_negatives(
    passages: Sequence[Passage], queries: Sequence[str], k: int
) -> NDArray[np.int64]:
    """Rows of about the `k` best BM25 hits of every query, (queries, k); -1 where fewer."""
    index = bm25.build(
        {
            "name": [passage.name for passage in passages],
            "summary": [passage.summary for passage in passages],
            "text": [passage.text for passage in passages],
        }
    )
    found = np.full((len(queries), k), -1, dtype=np.int64)
    for row, query in enumerate(queries):
        hits = _rare_hits(index, query_terms(query), k)
        found[row, : len(hits)] = hits
    return found


def _rare_hits(index: bm25.Bm25, terms: Sequence[str], k: int) -> NDArray[np.int64]:
    """Best passages by the RAREST terms, touching only their postings."""
    numbers = [index.vocabulary[term] for term in terms if term in index.vocabulary]
    numbers.sort(key=lambda number: int(index.starts[number + 1] - index.starts[number]))
    slices = [slice(index.starts[n], index.starts[n + 1]) for n in numbers[:RAREST]]
    if not slices:
        return np.empty(0, np.int64)
    documents, where = np.unique(
        np.concatenate([index.documents[s] for s in slices]), return_inverse=True
    )
    scores = np.bincount(where, np.concatenate([index.scores[s] for s in slices]))
    return documents[np.argsort(-scores, kind="stable")[:k]].astype(np.int64)
