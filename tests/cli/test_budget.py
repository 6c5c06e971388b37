"""Lengths of time as people write them."""

from __future__ import annotations

import argparse

import pytest

from groundup.cli.budget import minutes


@pytest.mark.parametrize(
    ("text", "expected"), [("5m", 5), ("90s", 1.5), ("1.5h", 90), ("10", 10), (" 2 M ", 2)]
)
def test_times(text: str, expected: float) -> None:
    assert minutes(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "m", "5d", "-3m", "0", "0s", "5m3s", "nan"])
def test_what_is_no_time_says_how_to_write_one(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="5m, 90s or 1h"):
        minutes(text)
