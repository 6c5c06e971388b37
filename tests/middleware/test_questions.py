from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.middleware.questions import kind_of, understand
from groundup.middleware.symbols import SymbolTable, heading_key

NAMES = [
    "json",
    "json.dumps",
    "json.decoder.JSONDecoder",
    "pathlib",
    "pathlib.Path.read_text",
    "builtins.open",
    "os.open",
    "collections.deque",
    "numpy.linalg.norm",
    "shlex.split",
    "builtins.str.split",
]
KINDS = ["module", "function", "class", "module", "method", "function", "function", "class"]
KINDS += ["function", "function", "method"]
TABLE = SymbolTable(NAMES, KINDS)


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("What is the signature of json.dumps?", "signature"),
        ("which arguments does open take", "signature"),
        ("what does json.dumps return", "returns"),
        ("What do I get back from json.dumps?", "returns"),
        ("what does open raise?", "raises"),
        ("How can a call of open fail?", "raises"),
        ("which exception does int raise", "raises"),
        ("which function flattens a list", "which"),
        ("is there a class for timers", "which"),
        ("I want to copy a file. What is there for it?", "which"),
        ("how do I copy a file", "how"),
        ("where is json.dumps defined", "where"),
        ("methods of deque", "members"),
        ("what is the default of indent in json.dumps", "default"),
        ("what does the indent argument of json.dumps do", "parameter"),
        ("example of deque", "example"),
        ("difference between deque and list", "difference"),
        ("what is a deque", "what"),
        ("deque", "what"),
    ],
)
def test_kind(question: str, kind: str) -> None:
    assert kind_of(question) == kind


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("what does json.dumps return", "json.dumps"),
        ("dumps in json", "json.dumps"),
        ("json's dumps", "json.dumps"),
        ("what does the dumps function of json do", "json.dumps"),
        ("tell me about `dumps`", "json.dumps"),
        ("read_text", "pathlib.Path.read_text"),
        ("what does Path.read_text return?", "pathlib.Path.read_text"),
        ("what does JSONDecoder do", "json.decoder.JSONDecoder"),
        ("what is json.JSONDecoder", "json.decoder.JSONDecoder"),
        ("what does np.linalg.norm return", "numpy.linalg.norm"),
        ("what does open return", "builtins.open"),
        ("what does str split do", "builtins.str.split"),
        ("what is a deque?", "collections.deque"),
        ("what does `json.dumps` raise", "json.dumps"),
    ],
)
def test_the_name_that_is_meant_comes_first(question: str, name: str) -> None:
    mention = understand(question, TABLE).mentions[0]
    assert NAMES[mention.rows[0]] == name


@pytest.mark.parametrize(
    "question",
    [
        "what does json.frobnicate do",
        "what does `frobnicate` return",
        "signature of pandas.read_csv",
        "what does frobnicate() raise",
    ],
)
def test_unknown_names_are_noticed(question: str) -> None:
    assert understand(question, TABLE).unknown


@pytest.mark.parametrize("question", ["how do I copy a file", "who won the cup", "e.g. this"])
def test_plain_words_are_no_unknown_names(question: str) -> None:
    assert not understand(question, TABLE).unknown


def test_the_parameter_is_not_taken_for_the_function() -> None:
    read = understand("what is the default of indent in json.dumps", TABLE)
    assert read.parameter == "indent"
    assert NAMES[read.mentions[0].rows[0]] == "json.dumps"


@pytest.mark.parametrize(
    "question", ["and what does it raise?", "what's its signature?", "where is it defined?"]
)
def test_a_follow_up_keeps_the_last_name(question: str) -> None:
    read = understand(question, TABLE, ["what is a deque", "what does json.dumps return"])
    assert read.follow_up
    assert NAMES[read.mentions[0].rows[0]] == "json.dumps"


def test_a_new_name_is_no_follow_up() -> None:
    read = understand("and what does deque return?", TABLE, ["what does json.dumps return"])
    assert not read.follow_up
    assert NAMES[read.mentions[0].rows[0]] == "collections.deque"


def test_the_scope_is_read() -> None:
    assert understand("how do I read a file with pathlib", TABLE).scope == "pathlib"
    assert understand("how do I read a file", TABLE).scope == ""


@given(st.text(max_size=80))
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert isinstance(understand(text, TABLE, [text]).kind, str)


def test_all_meanings_of_a_name_are_found_and_ranked() -> None:
    assert [NAMES[row] for row in TABLE.resolve("split")] == ["builtins.str.split", "shlex.split"]
    assert TABLE.resolve("Split.nothing") == []


def test_nearest_names() -> None:
    assert TABLE.nearest("json.dumbs") == ["json.dumps"]
    assert TABLE.nearest("qqqq") == []


@given(st.sampled_from(NAMES))
def test_a_full_name_means_itself(name: str) -> None:
    assert NAMES[TABLE.resolve(name)[0]] == name


@pytest.mark.parametrize(
    "asked", ["with statement", 'The "with" statement', "The  With Statement", "“with” statement"]
)
def test_headings_are_looked_up_without_case_quotes_and_article(asked: str) -> None:
    table = SymbolTable(
        ['guide > The "with" statement', "with_statement", "notes > Lamps"],
        ["topic", "function", "section"],
    )
    assert table.headings[heading_key(asked)] == [0]
    assert heading_key("green lamps") not in table.headings


@pytest.mark.parametrize(
    "question",
    [
        "what methods does collections.Counter have",
        "which methods does the class Timer have?",
        "what functions are in json",
        "what attributes does `Path` define",
    ],
)
def test_questions_for_what_a_thing_has(question: str) -> None:
    assert kind_of(question) == "members"


@pytest.mark.parametrize(
    "question", ["which function does the rounding", "which methods does json have for parsing"]
)
def test_questions_for_one_that_fits(question: str) -> None:
    assert kind_of(question) == "which"
