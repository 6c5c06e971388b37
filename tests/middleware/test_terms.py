from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.middleware.terms import Numbering, expand, number_texts, query_terms, stem, terms


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("read_text", ["read_text", "read", "text"]),
        ("Path.read_text", ["path.read_text", "path", "read_text", "read", "text"]),
        ("JSONDecoder", ["jsondecoder", "json", "decod"]),
        ("OrderedDict", ["ordereddict", "order", "dict"]),
        ("__init__", ["__init__", "init"]),
        ("sha256", ["sha256", "sha", "256"]),
        ("flattens", ["flatten"]),
    ],
)
def test_expand(word: str, expected: list[str]) -> None:
    assert list(expand(word)) == expected


@pytest.mark.parametrize(
    "family",
    [
        ("sort", "sorts", "sorted", "sorting"),
        ("parse", "parses", "parsed", "parsing"),
        ("split", "splits", "splitting"),
        ("copy", "copies", "copied", "copying"),
        ("file", "files"),
        ("class", "classes"),
        ("read", "reader", "reading"),
        ("compress", "compression", "compressor"),
    ],
)
def test_forms_of_a_word_share_a_stem(family: tuple[str, ...]) -> None:
    assert len({stem(word) for word in family}) == 1


def test_words_that_differ_keep_apart() -> None:
    assert stem("string") != stem("str")
    assert stem("is") == "is"
    assert stem("pass") == "pass"


def test_questions_lose_stop_words_but_never_all() -> None:
    assert query_terms("How do I read the file?") == ["read", "fil"]
    assert query_terms("what is it") == ["what", "is", "it"]


@given(st.lists(st.text(max_size=60), max_size=6))
def test_numbering_texts_equals_term_by_term(texts: list[str]) -> None:
    vocabulary = Numbering()
    rows, numbers = number_texts(texts, vocabulary)
    names = {number: term for term, number in vocabulary.items()}
    expected = [(row, term) for row, text in enumerate(texts) for term in terms(text)]
    assert [(int(r), names[int(n)]) for r, n in zip(rows, numbers, strict=True)] == expected
    assert rows.dtype == np.int32
