"""Questions, pairs and chats: verbatim answers, no leaks, no made-up symbol that exists."""

import re

import pytest

from groundup.data import wording
from groundup.data.chats import DECLINE
from groundup.data.collect import collect_documents
from groundup.data.config import DataConfig
from groundup.data.document import cited
from groundup.data.make_questions import make_questions
from groundup.data.store import read_documents, read_jsonl, read_passages
from groundup.facts.errors import DataError

TOPICS = "apple river cloud stone paper light music stamp horse glass"
MODULE = '''"""Tools for {topic} number {n}, made for the tests of questions."""

def count_{topic}{n}(items, limit=None):
    """Return the number of {topic} things of sort {n} in the given items.

    Raises ValueError if the limit for {topic} {n} is negative.
    """

def merge_{topic}{n}(first, second):
    """Combine two collections of {topic} {n} into a fresh one without repeats.

    Returns:
        The combined {topic} {n} collection.
    """

class {topic}Store{n}:
    """A place in memory where {topic} {n} records are kept until they are asked for."""

    def put(self, record):
        """Store one record of {topic} {n} for later use by somebody else."""
'''


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("questions")
    folder = root / "lib"
    folder.mkdir()
    topics = TOPICS.split()
    for n in range(60):
        topic = topics[n % 10] + topics[n // 10][::-1]
        text = MODULE.format(topic=topic, n=n)
        (folder / f"m{n}.py").write_text(text)
        (folder / f"g{n}.md").write_text(f"# Guide to {topic}\n\nUse {topic} {n} with care.\n")
    collect_documents(
        DataConfig(python=False, docs=(str(folder),), held_out=0.2, near_duplicate=1.0),
        root / "docs",
    )
    metrics = make_questions(root / "docs", 0, root / "asked")
    return root, metrics


def load(made, name):
    return read_jsonl(made[0] / "asked" / name)


def test_answers_are_verbatim_in_their_lines(made):
    documents = {d.uri: d for d in read_documents(made[0] / "docs")}
    answerable = [q for q in load(made, "questions.jsonl") if q["kind"] != "unanswerable"]
    assert {q["kind"] for q in answerable} == {"signature", "returns", "raises", "what", "which"}
    for q in answerable:
        assert q["answer"]
        assert q["answer"] in cited(documents[q["uri"]], q["start_line"], q["end_line"])
        assert documents[q["uri"]].split == q["split"]


def test_held_out_never_appears_in_training_material(made):
    passages = {p.passage_id: p for p in read_passages(made[0] / "docs")}
    held_out = [p for p in passages.values() if p.split == "held-out"]
    assert len(held_out) > 10
    for pair in load(made, "pairs.jsonl"):
        assert passages[pair["passage_id"]].split == pair["split"]
    chats = "\n".join(
        message["content"] for chat in load(made, "chats.jsonl") for message in chat["messages"]
    )
    for passage in held_out:
        assert not re.search(rf"(?<!\w){re.escape(passage.name)}(?!\w)", chats)
        assert passage.uri + ":" not in chats


def test_made_up_symbols_do_not_exist(made):
    corpus = "\n".join(d.text for d in read_documents(made[0] / "docs"))
    asked = [q for q in load(made, "questions.jsonl") if q["sort"] == "missing-symbol"]
    assert len(asked) > 10
    for q in asked:
        name = re.search(r"m\d+\.[\w.]+\w", q["question"])[0]
        assert not re.search(rf"\b{name.rpartition('.')[2]}\b", corpus)
        assert q["answer"] == ""


def test_not_said_questions_name_real_silent_symbols(made):
    passages = {p.name: p for p in read_passages(made[0] / "docs")}
    asked = [q for q in load(made, "questions.jsonl") if q["sort"] == "not-said"]
    assert asked
    for q in asked:
        name = re.search(r"m\d+\.[\w.]+\w", q["question"])[0]
        assert not passages[name].raises


def test_which_does_not_say_the_name(made):
    for row in load(made, "pairs.jsonl"):
        if row["kind"] in ("which", "summary", "keywords"):
            last = row["passage_id"].rpartition(".")[2].partition("~")[0]
            assert not re.search(rf"(?<!\w){last}(?!\w)", row["query"], re.I)


def test_half_of_the_held_out_wordings_are_unseen(made):
    questions = load(made, "questions.jsonl")
    train = {q["seen_template"] for q in questions if q["split"] == "train"}
    assert train == {True}
    named = [q for q in questions if q["split"] == "held-out" and q["kind"] != "unanswerable"]
    assert 0.25 < sum(not q["seen_template"] for q in named) / len(named) < 0.75


def test_templates_trained_and_unseen_differ():
    for templates in wording.TEMPLATES.values():
        assert not set(templates.trained) & set(templates.unseen)


def test_chats_cite_the_passage_that_holds_the_quote(made):
    chats = load(made, "chats.jsonl")
    declined = 0
    for chat in chats:
        _, context, _, assistant = chat["messages"]
        assert [m["role"] for m in chat["messages"]] == ["system", "context", "user", "assistant"]
        if not chat["answerable"]:
            assert assistant["content"] == DECLINE
            declined += 1
            continue
        quote, number = re.fullmatch(r"(.*) \[(\d)\]", assistant["content"], re.S).groups()
        shown = re.split(r"(?:^|\n\n)\[\d\] ", context["content"])[int(number)]
        bare = re.sub(r"^`[\w.]+`: ", "", quote).strip("`")
        assert bare in " ".join(shown.split())
    assert 0.1 < declined / len(chats) < 0.7


def test_the_same_seed_gives_the_same_questions(made, tmp_path):
    make_questions(made[0] / "docs", 0, tmp_path / "again")
    for name in ("questions.jsonl", "pairs.jsonl", "chats.jsonl"):
        assert (tmp_path / "again" / name).read_bytes() == (made[0] / "asked" / name).read_bytes()
    make_questions(made[0] / "docs", 1, tmp_path / "other")
    first = (made[0] / "asked" / "questions.jsonl").read_bytes()
    assert (tmp_path / "other" / "questions.jsonl").read_bytes() != first


@pytest.mark.parametrize(
    ("summary", "name", "do", "does"),
    [
        (
            "Return the number of items in a container.",
            "len",
            "get the number of items in a container",
            "returns the number of items in a container",
        ),
        (
            "Copies a whole folder into another place",
            "x.clone",
            "duplicate a whole folder into another place",
            "copies a whole folder into another place",
        ),
    ],
)
def test_reword_verbs(summary, name, do, does):
    assert wording.reword(summary, name) == wording.Reworded(do, does)


def test_reword_nouns_names_and_the_empty():
    noun = wording.reword("A handler which writes records to a stream.", "logging.StreamHandler")
    assert noun.noun == "a handler which writes records to a stream"
    assert wording.reword("Frobnicate the whole input stream.", "m.frobnicate") is None
    assert wording.reword("Return it.", "m.x") is None
    assert wording.plain("See :class:`~a.b.C` and ``x`` **now**.") == "See a.b.C and x now"


def test_no_passages_is_an_error(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        make_questions(tmp_path, 0, tmp_path / "out")
