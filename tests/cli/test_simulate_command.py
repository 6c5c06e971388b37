from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from groundup.cli.simulate_command import add_arguments, parse_slo, simulate
from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import ConfigError

ROOT = Path(__file__).parents[2]
STACK = ROOT / "stacks" / "llama3-405b.toml"
TRACE = ROOT / "tests" / "data" / "traces" / "azure_conv_2023_first.csv"


def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, *words: str) -> str:
    parser = argparse.ArgumentParser()
    parser.add_argument("stack", type=Path)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--runs", type=Path, default=tmp_path)
    add_arguments(parser)
    simulate(parser.parse_args([str(STACK), *words]))
    return capsys.readouterr().out


def test_prints_percentiles(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = run(capsys, tmp_path, "--rate", "60", "--requests", "400", "--replicas", "80")
    assert "requests a second on 80 replicas" in out
    assert "ttft" in out
    assert "USD for a million written tokens" in out


def test_says_when_the_load_is_too_much(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = run(capsys, tmp_path, "--rate", "500", "--requests", "200", "--replicas", "4")
    assert "load exceeds capacity" in out
    assert "p99" not in out


def test_json_of_a_trace(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = run(
        capsys, tmp_path, "--trace", str(TRACE), "--json", "--replicas", "2", "--slo", "ttft=3"
    )
    found = json.loads(out)
    assert found["replicas"] == 2
    assert found["slo"]["tpot"] is None
    assert found["ttft"]["p50"] > 0
    assert 0 <= found["met"] <= 1


def test_sizes_a_fleet(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ("--trace", "azure_conv_2023", "--rate", "8", "--requests", "300", "--size")
    found = json.loads(run(capsys, tmp_path, *words, "--slo", "long", "--json"))
    assert found["replicas"] >= 1
    assert found["at"]["meets_slo"]
    assert found["headroom"] >= 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fast", "allowed are interactive"),
        ("ttft=x", "not a number"),
        ("tbt=3", "allowed are ttft"),
    ],
)
def test_limits_that_cannot_be_read(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parse_slo(text, load_catalogue())


def test_bad_numbers_name_the_option(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--requests 3"):
        run(capsys, tmp_path, "--requests", "3")
