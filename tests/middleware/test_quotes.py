"""Quotes are slices of the passage at the lines they name, in every docstring style."""

from __future__ import annotations

import inspect
import subprocess
from dataclasses import replace

import pytest

from groundup.data.document import Passage
from groundup.middleware.citations import StoredText
from groundup.middleware.compose import returns
from groundup.middleware.draft import Draft
from groundup.middleware.quotes import (
    closest,
    example,
    is_type,
    paragraphs,
    parameter,
    parameters,
    raise_statements,
    return_annotation,
    return_sentence,
)


def passage(text: str, signature: str = "", kind: str = "function") -> Passage:
    lines = text.count("\n") + 1
    zeros = (0,) * 4
    return Passage(
        "p", "d", "u", kind, "a.f", signature, "", text, "", "", 0, 0, 10, 9 + lines, 0, 0, *zeros
    )


NUMPY = passage("Do it.\n\nParameters\n----------\nx : int\n    The number.\ny : str\n    Text.\n")
GOOGLE = passage("Do it.\n\nArgs:\n    x (int): The number,\n        on two lines.\n    y: Text.\n")
SPHINX = passage("Do it.\n\n:param int x: The number.\n:param y: Text.\n")
PROSE = passage("Do it.\n\nIf *x* is negative, nothing happens.\n\nEnd.\n")


@pytest.mark.parametrize(
    ("found", "words"),
    [(NUMPY, "The number."), (GOOGLE, "on two lines."), (SPHINX, "The number."), (PROSE, "If *x*")],
)
def test_a_parameter_is_found_in_every_style(found: Passage, words: str) -> None:
    quote = parameter(found, "x")
    assert quote is not None
    assert words in quote.text
    assert "Text." not in quote.text
    lines = found.text.split("\n")
    assert quote.text == "\n".join(lines[quote.start - 10 : quote.end - 9])


def test_no_such_parameter() -> None:
    assert parameter(NUMPY, "nothing") is None


def test_an_example_ends_at_the_blank_line() -> None:
    quote = example(passage("Do.\n\n>>> f(1)\n2\n\nMore.\n"))
    assert quote is not None
    assert quote.text == ">>> f(1)\n2"
    assert (quote.start, quote.end) == (12, 13)
    assert example(PROSE) is None


def test_paragraphs_and_the_closest_one() -> None:
    found = passage("Bread.\n\nCut it with a knife.\n\nStore it in a box.\n")
    assert [quote.text for quote in paragraphs(found)][1:] == [
        "Cut it with a knife.",
        "Store it in a box.",
    ]
    near = closest(found, "where to store it")
    assert near is not None
    assert near.text == "Store it in a box."


def test_parameters_equal_those_of_inspect() -> None:
    source = inspect.getsource(subprocess.Popen.__init__)
    head = source[: source.index("):") + 2]
    real = inspect.signature(subprocess.Popen.__init__).parameters
    found = parameters(head.strip())
    assert list(found) == list(real)
    assert found["bufsize"] == "-1"
    assert found["args"] is None
    assert found["shell"] == "False"


def test_call_forms_and_annotations() -> None:
    assert parameters("open(file, mode='r')") == {"file": None, "mode": "'r'"}
    assert parameters("deque([iterable[, maxlen]])") == {}
    assert return_annotation("def f(x) -> dict[str, int]:") == "dict[str, int]"
    assert return_annotation("def f(x):") == ""


def test_raise_lines_end_with_the_function() -> None:
    text = "def f(x):\n    if x:\n        raise ValueError('a')\n    raise\n"
    text += "\ndef g():\n    raise KeyError\n"
    values = {**passage("doc").__dict__, "signature_start": 1, "signature_end": 1}
    found = raise_statements(text, 1, Passage(**values))
    assert [(quote.text, quote.start) for quote in found] == [("raise ValueError('a')", 3)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Run it and return a result.\n\n    More.", "Run it and return a result."),
        ("Do it. See x.y.\n\nLonger. It then returns\nthe sum. End.", "It then returns\nthe sum."),
        ("Add up, returning the sum of 1.5 and x.", "Add up, returning the sum of 1.5 and x."),
        ("Do it.\n\nIf there is none, None is returned.", "If there is none, None is returned."),
        ("Talk to it, or not. talk() returns a tuple.", "talk() returns a tuple."),
        ("Look it up. If absent, return the default.", "If absent, return the default."),
    ],
)
def test_a_sentence_that_says_what_is_returned(text: str, said: str) -> None:
    found = passage(text)
    quote = return_sentence(found)
    assert quote is not None
    assert quote.text == said
    assert said in "\n".join(text.split("\n")[quote.start - 10 : quote.end - 9])


@pytest.mark.parametrize(
    "text",
    [
        "Raise an error instead of returning None.",
        "The return code is kept.",
        "The returned instance has attributes.",
        "Call a function that returns a number.",
        "Wait for the return of the thread, or return to the prompt.",
        "Do it.\n\n>>> f()  # returns 3\n3",
        "If the exit code was zero then return, otherwise raise CalledProcessError.",
        "Turn it round.",
    ],
)
def test_words_like_return_that_do_not_say_what_is_returned(text: str) -> None:
    assert return_sentence(passage(text)) is None


@pytest.mark.parametrize("annotation", ["int", "list[str] | None", "tuple[int, ...]", "'Path'"])
def test_types(annotation: str) -> None:
    assert is_type(annotation)


@pytest.mark.parametrize(
    "words", ["v, remove the key", "list of strings", "int -- the sum", "f(x)"]
)
def test_words_behind_an_arrow_are_no_type(words: str) -> None:
    assert not is_type(words)


def test_words_behind_the_arrow_of_a_compiled_function_are_quoted_as_they_stand() -> None:
    head = "D.pop(k[,d]) -> v, remove specified key and return the corresponding value."
    line = replace(passage(head, head, "method"), signature_start=10, signature_end=10)
    draft = Draft(lambda uri: StoredText(head, "", 10, ""))
    assert not returns(draft, line).declined
    assert f"```text\n{head}\n```" in draft.text
    assert "returns `" not in draft.text
    assert draft.citations[0].quote == head
