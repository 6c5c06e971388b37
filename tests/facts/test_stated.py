from __future__ import annotations

from dataclasses import dataclass

import pytest

from groundup.facts.errors import ConfigError
from groundup.facts.layer import Ask
from groundup.facts.stated import stack_labels, stated


@dataclass(frozen=True)
class Table:
    count: int = 8
    name: str = "x"


ASK = Ask("h100-sxm", {}, stack_labels("a.toml", frozenset({"chips.count"})))


def test_a_set_key_names_its_file() -> None:
    found = stated(ASK, "chips", Table(), "count", "accelerator")
    assert (found.value, found.label, found.source) == (8, "chips.count", "a.toml: chips.count")


def test_a_default_says_so() -> None:
    found = stated(ASK, "other", Table(), "count", "accelerator")
    assert found.source == "default of other.count in a.toml"


def test_a_word_is_no_number() -> None:
    with pytest.raises(ConfigError, match=r"chips\.name = 'x'"):
        stated(ASK, "chips", Table(), "name", "1")
