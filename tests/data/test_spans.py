"""Docstring spans: verbatim, at the right lines, in four styles."""

import ast
import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.data import spans
from groundup.data.spans import Doc

NUMPY = """Compute a thing.

Parameters
----------
x : int

Returns
-------
out : ndarray
    The thing.

    More of it.

Raises
------
ValueError
    If x is negative.

See Also
--------
other
"""
GOOGLE = """Compute a thing.

    Args:
        x: a number.

    Returns:
        The thing,
        as a list.

    Raises:
        KeyError: when missing.
        ValueError: when bad.

    Example: none
"""
SPHINX = """Compute a thing.

:param x: a number
:returns: the thing,
    as a list
:rtype: list
:raises ValueError: when bad
:raises KeyError: when missing
"""
PROSE = """Look up a key, e.g. a word.  Returns the value that
    belongs to it.  A KeyError is raised
    if there is none.  Done."""


@pytest.mark.parametrize(
    ("text", "returns", "raises"),
    [
        (
            NUMPY,
            "out : ndarray\n    The thing.\n\n    More of it.",
            "ValueError\n    If x is negative.",
        ),
        (
            GOOGLE,
            "The thing,\n        as a list.",
            "KeyError: when missing.\n        ValueError: when bad.",
        ),
        (
            SPHINX,
            ":returns: the thing,\n    as a list",
            ":raises ValueError: when bad\n:raises KeyError: when missing",
        ),
        (
            PROSE,
            "Returns the value that\n    belongs to it.",
            "A KeyError is raised\n    if there is none.",
        ),
    ],
)
def test_styles(text, returns, raises):
    doc = Doc(text, 10)
    assert spans.returns(doc).text == returns
    assert spans.raises(doc).text == raises


@pytest.mark.parametrize("text", [NUMPY, GOOGLE, SPHINX, PROSE])
def test_lines_of_spans_hold_them(text):
    lines = text.split("\n")
    for span in (spans.returns(Doc(text, 10)), spans.raises(Doc(text, 10))):
        assert span.text in "\n".join(lines[span.start - 10 : span.end - 9])


def test_summary_skips_the_call_form_and_keeps_abbreviations():
    assert (
        spans.summary(Doc("f(x) -> y\n\nDo it, e.g. twice. More.", 1)).text == "Do it, e.g. twice."
    )
    assert spans.summary(Doc("random() -> x in [0, 1).", 1)).text == "x in [0, 1)."
    assert spans.summary(Doc(inspect.getdoc(dict), 1)).text == "new empty dictionary"


def test_says_nothing_when_the_doc_says_nothing():
    doc = Doc("Sort the list in place.\n\n>>> raise ValueError('x')\nTraceback ...\n", 1)
    assert spans.returns(doc) == spans.NOTHING
    assert spans.raises(doc) == spans.NOTHING


@pytest.mark.parametrize(
    "source",
    ['"""One."""', 'r"""\\d one\n  two\n"""', "'one'", "u'''one\ntwo'''", '"""He said "so"."""'],
)
def test_doc_from_source_agrees_with_ast(source):
    value = ast.parse(source).body[0].value.value
    read = spans.doc_from_source(source.split("\n"), 1).text
    assert read == value


@given(st.text(alphabet="Ra turns.\n:-ValueError", max_size=200))
def test_any_span_is_a_slice_of_its_lines(text):
    doc = Doc(text, 1)
    for span in (spans.summary(doc), spans.returns(doc), spans.raises(doc)):
        assert span.text in "\n".join(text.split("\n")[max(0, span.start - 1) : span.end])
        assert bool(span.text) == bool(span.start)
