import argparse
import json
from pathlib import Path

import pytest

from groundup.cli.search_command import add_arguments, search
from groundup.facts.errors import ConfigError
from groundup.planner.layouts import counts, rounded

ROOT = Path(__file__).parents[2]
LLAMA = str(ROOT / "stacks" / "llama3-405b.toml")


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("stack", type=Path)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--json", action="store_true")
    add_arguments(parser)
    return parser.parse_args(words)


def test_table_of_the_best_layouts(capsys: pytest.CaptureFixture[str]) -> None:
    search(arguments(LLAMA, "--top", "3"))
    text = capsys.readouterr().out
    lines = text.splitlines()
    assert lines[0].split()[:5] == ["#", "acc", "TP", "PP", "VP"]
    assert [line.split()[0] for line in lines[2:5]] == ["1", "2", "3"]
    assert "layouts looked at" in text
    assert "what would make it faster" in text


def test_json_holds_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    search(arguments(LLAMA, "--top", "2", "--json", "--accelerators", "4096-8192"))
    found = json.loads(capsys.readouterr().out)
    best = found["found"][0]
    degrees = best["layout"]
    copy = degrees["tensor"] * degrees["pipeline"] * degrees["context"] * degrees["data"]
    assert copy == degrees["accelerators"] == 8192
    assert best["memory_share"] <= 0.92
    assert sum(best["parts_seconds"].values()) == pytest.approx(best["step_seconds"])
    assert best["step_seconds"] <= found["found"][1]["step_seconds"]
    days = [one["days"] for one in found["front"]]
    assert days == sorted(days)
    assert len(days) >= 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--accelerators", "8"], "fits into memory"),
        (["--deadline", "3"], "cannot be met"),
        (["--headroom", "0.9", "--accelerators", "512"], "lower --headroom"),
        (["--headroom", "2"], "--headroom"),
        (["--accelerators", "few"], "--accelerators few"),
        (["--accelerators", "1027"], "divides"),
        (["--top", "0"], "--top"),
        (["--set", "chips.accelerator=this-machine"], "one machine"),
    ],
)
def test_errors_say_what_to_change(words: list[str], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        search(arguments(LLAMA, *words))


def test_numbers_of_accelerators() -> None:
    assert counts("1024") == (1024,)
    assert counts("512,64") == (64, 512)
    assert counts("100-200") == (100, 128, 192, 200)
    assert counts("1-16") == (1, 2, 3, 4, 6, 8, 16)
    assert rounded(100)[0] == 64
    assert rounded(100)[-1] == 100
    assert rounded(3) == (3,)
    for bad in ("0", "5-3", "", "1.5", "-4"):
        with pytest.raises(ConfigError):
            counts(bad)
