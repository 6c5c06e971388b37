"""The stack file: round trip of every key, and every kind of wrong input named with its remedy."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.facts.errors import ConfigError
from groundup.stack.load import load_stack, parse_stack
from groundup.stack.stack import LAYER_TABLES, Stack
from groundup.stack.template import field_docs, template

STACKS = Path(__file__).parents[2] / "stacks"


def test_empty_file_is_all_defaults() -> None:
    stack = parse_stack("", "mine.toml")
    assert stack.name == "mine"
    assert stack.explicit == frozenset()
    for name, kind in LAYER_TABLES.items():
        assert getattr(stack, name) == kind()


@pytest.mark.parametrize("path", sorted(STACKS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_example_loads(path: Path) -> None:
    assert load_stack(path).description


def test_template_with_every_comment_removed_is_a_valid_stack() -> None:
    """The commented defaults are real keys with values that parse to the defaults."""
    lines = []
    for line in template("mine").splitlines():
        bare = line.removeprefix("# ")
        is_key = line.startswith("# ") and bare.split(" = ")[0].isidentifier() and " = " in bare
        if is_key and "(not set)" not in bare:
            lines.append(bare)
        elif not line.startswith("#"):
            lines.append(line)
    stack = parse_stack("\n".join(lines), "mine.toml")
    assert stack.explicit
    for name, kind in LAYER_TABLES.items():
        assert getattr(stack, name) == kind()


def test_template_itself_parses_and_documents_every_field() -> None:
    assert tomllib.loads(template("mine"))["name"] == "mine"
    for kind in LAYER_TABLES.values():
        docs = field_docs(kind)
        assert set(docs) == {item.name for item in fields(kind)}
        assert all(len(text) > 10 for text in docs.values())


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[chip]\ncount = 1", ("s.toml", "'chip'", "did you mean 'chips'")),
        ("[chips]\ncoutn = 3", ("s.toml", "[chips] coutn", "did you mean 'count'")),
        ('[chips]\ncount = "many"', ("[chips] count", "'many'", "whole number")),
        ("[chips]\ncount = 1.5", ("[chips] count", "1.5", "whole number")),
        ("[chips]\ncount = true", ("[chips] count", "whole number")),
        ("chips = 3", ("chips = 3", "write [chips]")),
        ('[data]\ndocs = "here"', ("[data] docs", "expected a list")),
        ('[sites]\ncooling = "liqid"', ("sites.cooling", "did you mean 'liquid'")),
        ("[gates]\nrecall_at_10 = 7", ("gates.recall_at_10", "0 to 1")),
        ("[recipes]\npretrain_share = 0.9", ("_share added up", "1.3", "0 to 1")),
        ("[apps", ("s.toml", "not valid TOML")),
        ('name = "a/b"', ("'a/b'", "folder under runs/")),
        ("name = 3", ("name = 3", "expected text")),
    ],
)
def test_wrong_input_names_file_key_and_remedy(text: str, parts: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_stack(text, "s.toml")
    for part in ("s.toml", *parts):
        assert part in str(caught.value)


def test_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="groundup init"):
        load_stack(tmp_path / "no.toml")


def test_binary_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_stack(path)


def test_overrides_win_and_count_as_explicit() -> None:
    stack = parse_stack("[chips]\ncount = 2", "s.toml", ["chips.count=8", "sites.region=eu"])
    assert stack.chips.count == 8
    assert stack.sites.region == "eu"
    assert stack.explicit == {"chips.count", "sites.region"}


def test_folders_are_meant_from_where_the_file_stands(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text('[data]\ndocs = ["notes", "/abs"]')
    assert load_stack(path).data.docs == (str(tmp_path / "notes"), "/abs")


@pytest.mark.parametrize("override", ["chips", "chips.count", "count=3", "chps.count=3"])
def test_wrong_overrides_are_refused(override: str) -> None:
    with pytest.raises(ConfigError, match="--set"):
        parse_stack("", "s.toml", [override])


@given(st.integers(1, 10**6), st.floats(0.01, 1), st.text("abcdef/_-.", max_size=9))
def test_any_allowed_value_comes_back(count: int, share: float, folder: str) -> None:
    text = (
        f"[chips]\ncount = {count}\n[fabs]\nshare_of_capacity = {share!r}\n"
        f'[data]\ndocs = ["{folder}"]'
    )
    stack: Stack = parse_stack(text, "s.toml")
    assert (stack.chips.count, stack.fabs.share_of_capacity) == (count, share)
    assert stack.data.docs == (folder,)
