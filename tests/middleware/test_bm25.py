"""BM25 against bm25s, its laws, and the identifier-aware terms."""

from __future__ import annotations

import bm25s
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.facts.errors import ArtifactError
from groundup.middleware import bm25
from groundup.middleware.bm25 import Field

WORDS = st.sampled_from(["alpha", "beta", "gamma", "delta", "eps", "zeta", "eta", "theta"])
DOCUMENTS = st.lists(st.lists(WORDS, min_size=1, max_size=12), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(DOCUMENTS, st.lists(WORDS, min_size=1, max_size=4, unique=True))
def test_scores_equal_bm25s(documents: list[list[str]], query: list[str]) -> None:
    oracle = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
    oracle.index(documents, show_progress=False)
    known = [term for term in query if term in oracle.vocab_dict]
    ours = bm25.build_from_terms(documents, k1=1.2, b=0.75)
    expected = oracle.get_scores(known) if known else np.zeros(len(documents))
    np.testing.assert_allclose(ours.score(query), expected, rtol=1e-5, atol=1e-6)


def test_a_real_text_ranks_as_bm25s_does() -> None:
    import argparse
    import json
    import pathlib

    texts = [
        doc
        for module in (argparse, json, pathlib)
        for owner in (module, *vars(module).values())
        for doc in [getattr(owner, "__doc__", None)]
        if isinstance(doc, str)
    ]
    documents = [text.lower().split() for text in texts]
    oracle = bm25s.BM25(method="lucene", k1=1.5, b=0.6)
    oracle.index(documents, show_progress=False)
    query = ["the", "path", "json", "object"]
    ours = bm25.build_from_terms(documents, k1=1.5, b=0.6)
    np.testing.assert_allclose(ours.score(query), oracle.get_scores(query), rtol=1e-5)


def test_fields_count_by_weight() -> None:
    fields = {"name": ["json.dumps", "other.thing"], "text": ["other words", "dumps of json"]}
    by_name = bm25.build(fields, {"name": Field(9.0), "text": Field(1.0)})
    by_text = bm25.build(fields, {"name": Field(0.1), "text": Field(9.0)})
    assert by_name.search("dumps", 1)[0][0] == 0
    assert by_text.search("dumps", 1)[0][0] == 1


@settings(max_examples=40, deadline=None)
@given(DOCUMENTS, st.lists(WORDS, min_size=1, max_size=3, unique=True))
def test_the_order_of_passages_does_not_change_scores(
    documents: list[list[str]], query: list[str]
) -> None:
    forward = bm25.build_from_terms(documents).score(query)
    backward = bm25.build_from_terms(documents[::-1]).score(query)
    np.testing.assert_allclose(forward, backward[::-1], rtol=1e-6)


def test_search_is_sorted_and_leaves_out_what_does_not_match() -> None:
    index = bm25.build(
        {"text": ["a cat sat on a mat", "a cat and a cat ran", "dogs"]}, {"text": Field()}
    )
    hits = index.search("cats", 10)
    assert [row for row, _ in hits] == [1, 0]
    assert hits[0][1] > hits[1][1] > 0


def test_empty_index_finds_nothing() -> None:
    assert bm25.build({"text": []}, {"text": Field()}).search("anything", 5) == []


def test_save_and_load_give_the_same_scores(tmp_path) -> None:
    index = bm25.build({"text": ["read_text of a path", "write bytes"]}, {"text": Field()})
    index.save(tmp_path)
    again = bm25.load(tmp_path)
    assert again.search("read text", 5) == index.search("read text", 5)


def test_a_missing_or_mixed_index_is_named(tmp_path) -> None:
    with pytest.raises(ArtifactError, match="build it again"):
        bm25.load(tmp_path)
    bm25.build({"text": ["one two"]}, {"text": Field()}).save(tmp_path)
    (tmp_path / "bm25-vocabulary.json").write_text('["one"]', "utf-8")
    with pytest.raises(ArtifactError, match="two builds"):
        bm25.load(tmp_path)
