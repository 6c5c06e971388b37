"""What the terminal shows while something long is going on."""

from __future__ import annotations

import io

import pytest

from groundup.cli.console import Console, clock, progress_line


def test_line_has_share_rate_and_time_left() -> None:
    line = progress_line("pretrain", done=250, total=1000, gained=200, seconds=10)
    assert "25%" in line
    assert "250/1k" in line
    assert "20/s" in line
    assert line.endswith("ETA 0:38")  # 750 left at 20 a second


def test_line_before_anything_is_known() -> None:
    assert "ETA" not in progress_line("x", 0, 10, 0, 0)
    assert "100%" in progress_line("x", 0, 0, 0, 0)


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (3725, "1:02:05")])
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_short_work_says_nothing_in_a_log_file() -> None:
    out = io.StringIO()
    draw = Console(out).progress("step")
    for done in range(5):
        draw("label", done, 10)
    assert out.getvalue() == ""


def test_quiet_says_nothing_at_all() -> None:
    out = io.StringIO()
    console = Console(out, quiet=True)
    console.say("hello")
    console.progress("step")("label", 1, 1)
    assert out.getvalue() == ""
