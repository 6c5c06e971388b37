"""The assistant over a small folder: every kind of answer, its citations, and when it declines."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundup.facts.errors import ArtifactError
from groundup.middleware.answers import Assistant, pieces
from groundup.middleware.citations import verify
from groundup.middleware.retrieval import Retriever

ANSWERED = {
    "what does boil return": "A sentence that says how hot the water is.",
    "what is the signature of kitchen.boil": "def boil(water, minutes=10, *, salt=None) -> str:",
    "what does boil raise": "ValueError: if there is no water.",
    "which function divides a dish among guests": "Divide a dish fairly among the guests.",
    "what does kitchen.split do": "Divide a dish fairly among the guests.",
    "how do I clean the oven": "Let the oven cool down first.",
    "what is the default of minutes in boil": "`minutes` defaults to `10`",
    "what does the salt parameter of boil do": "Grams of salt, or None for no salt.",
    "methods of Timer": "Begin to count the seconds.",
    "example of slice_bread": '>>> slice_bread("rye", 2)',
    "where is write_list defined": "def write_list(items, path):",
    "what is kitchen": "Tools for a kitchen",
    "difference between boil and slice_bread": "Cut a loaf into equal slices.",
    "what does Timer.stop return": "End counting and return the seconds as a float.",
    "what methods does kitchen.Timer have": "End counting and return the seconds as a float.",
    "which methods does the class Timer have?": "Begin to count the seconds.",
    "What do the documents say about storing vegetables?": "Keep potatoes in a dark place.",
    "cleaning the oven": "Let the oven cool down first.",
}


@pytest.mark.parametrize("question", ANSWERED)
def test_answers_hold_the_words_of_the_documents(assistant: Assistant, question: str) -> None:
    answer = assistant.answer(question)
    assert ANSWERED[question] in answer.text
    assert answer.citations


@pytest.mark.parametrize("question", ANSWERED)
def test_every_citation_stands_in_the_real_file(assistant: Assistant, question: str) -> None:
    answer = assistant.answer(question)
    for number, citation in enumerate(answer.citations, 1):
        assert f"[{number}]" in answer.text
        lines = Path(citation.path).read_text("utf-8").split("\n")
        cited = "\n".join(lines[citation.start_line - 1 : citation.end_line])
        assert citation.quote in cited
        assert verify(citation, assistant.retriever.library.stored).file == "same"


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("who won the world cup", "nothing here"),
        ("what does kitchen.frobnicate do", "nothing in it named `frobnicate`"),
        ("what does kitchen.boyl do", "`kitchen.boil`"),
        ("what does boyl return", "`kitchen.boil`"),
        ("what does pandas.read_csv return", "Nothing named `pandas.read_csv`"),
        ("what does slice_bread raise", "names no exceptions"),
        ("what does slice_bread return", "Cut a loaf into equal slices."),
        ("what is the default of lid in kitchen.boil", "no parameter `lid`"),
        ("", "Ask me"),
    ],
)
def test_declines_and_says_why(assistant: Assistant, question: str, said: str) -> None:
    answer = assistant.answer(question)
    assert answer.abstained
    assert answer.reason
    assert said in answer.text


def test_source_raise_lines_are_shown_as_such(assistant: Assistant) -> None:
    answer = assistant.answer("what does slice_bread raise")
    assert 'raise TypeError("count must be positive")' in answer.text
    assert answer.citations[1].quote.startswith("raise TypeError")


def test_other_things_of_the_same_name_are_said(assistant: Assistant) -> None:
    assert "`shop.split`" in assistant.answer("what does split do").text


def test_a_follow_up_is_about_the_last_symbol(assistant: Assistant) -> None:
    answer = assistant.answer("and what does it raise?", ["what does boil return"])
    assert answer.symbol == "kitchen.boil"
    assert "ValueError" in answer.text


def test_streamed_pieces_are_the_answer(assistant: Assistant) -> None:
    text = assistant.answer("what does boil return").text
    assert "".join(assistant.stream("what does boil return")) == text
    assert list(pieces("")) == []


def test_seconds_are_given_by_stage(assistant: Assistant) -> None:
    seconds = assistant.answer("what does boil return").seconds
    assert set(seconds) >= {"read", "retrieve", "compose", "total"}
    assert seconds["total"] >= seconds["retrieve"]


def test_search_modes(retriever: Retriever) -> None:
    exact = retriever.search("split in shop", 3)
    assert exact[0].passage.name == "shop.split"
    assert exact[0].parts["symbol"] == 1
    plain = retriever.search("divide a dish", 3, "bm25")
    assert plain[0].passage.name == "kitchen.split"


def test_an_encoder_mode_without_encoder_is_an_error(retriever: Retriever) -> None:
    from groundup.facts.errors import ConfigError

    with pytest.raises(ConfigError, match="needs an encoder"):
        retriever.search("bread", 3, "encoder")
    with pytest.raises(ConfigError, match="allowed are"):
        retriever.search("bread", 3, "magic")


def test_no_index_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="build_index"):
        Retriever.open(tmp_path)
