"""The commands that decide, as a user types them: search, simulate, tornado, compare, validate."""

import json
from pathlib import Path

import pytest

from groundup.cli.main import EXIT_ERROR, main

STACKS = Path(__file__).parents[2] / "stacks"
LLAMA = str(STACKS / "llama3-405b.toml")
DEEPSEEK = str(STACKS / "deepseek-v3.toml")


def run(capsys, *words, status=0):
    assert main(list(words)) == status
    said = capsys.readouterr()
    return said.out if status == 0 else said.err


def test_search_ranks_layouts_that_fit(capsys):
    found = json.loads(run(capsys, "search", LLAMA, "--top", "3", "--json"))
    best = [one["tokens_per_s"] for one in found["found"]]
    assert best == sorted(best, reverse=True)
    assert all(one["memory_share"] <= 0.92 for one in found["found"])
    assert found["looked"] > 100_000


def test_simulate_says_what_users_wait(capsys):
    words = ("simulate", LLAMA, "--requests", "400", "--json")
    found = json.loads(run(capsys, *words))
    ttft = found["ttft"]
    assert 0 < ttft["p50"] <= ttft["p90"] <= ttft["p99"]


def test_more_load_than_the_fleet_can_answer_has_no_percentiles(capsys):
    said = run(capsys, "simulate", LLAMA, "--requests", "400", "--replicas", "2", "--rate", "500")
    assert "load exceeds capacity" in said
    assert "p99" not in said


def test_tornado_and_compare_name_what_matters(capsys):
    said = run(capsys, "tornado", LLAMA, "totals.usd_training", "--samples", "400", "--top", "3")
    assert said.count("|") == 6
    swings = json.loads(run(capsys, "tornado", LLAMA, "--samples", "400", "--json"))
    assert {one["unit"] for one in swings} == {"USD", "USD/Mtoken", "day"}
    same = run(capsys, "compare", LLAMA, LLAMA, "--set-other", "chips.accelerator=b200",
               "--samples", "200")  # fmt: skip
    assert "llama3-405b, changed" in same
    assert "chips.accelerator" in same


def test_a_comparison_is_a_page_under_its_own_name(capsys, tmp_path):
    page = tmp_path / "both.html"
    run(capsys, "compare", LLAMA, str(STACKS / "campus-100k.toml"), "--samples", "100",
        "--report", str(page))  # fmt: skip
    text = page.read_text(encoding="utf-8")
    assert "<h2>campus-100k against llama3-405b</h2>" in text
    assert "Totals side by side" in text


def test_a_published_model_is_planned(capsys):
    found = json.loads(run(capsys, "plan", DEEPSEEK, "--samples", "0", "--json"))
    details = {row["name"]: row["details"] for row in found["layers"]}
    # 671 billion parameters, 37 billion of them active (arXiv:2412.19437, abstract)
    assert details["models"]["parameters"]["value"] == pytest.approx(671e9, rel=0.001)
    assert details["models"]["active_parameters"]["value"] == pytest.approx(37e9, rel=0.03)
    # table 1: 2.788 million H800-hours; this plan is known to be a third too high
    hours = found["totals"]["accelerator_hours"]["value"]
    assert 2.788e6 * 0.8 < hours < 2.788e6 * 1.4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", LLAMA), "is planned only"),
        (("up", DEEPSEEK), "models.published = 'DeepSeek-V3' is planned only"),
        (("search", str(STACKS / "laptop.toml")), "which has no layouts to search"),
        (("search", LLAMA, "--headroom", "2"), "--headroom = 2.0"),
        (("simulate", LLAMA, "--slo", "ttft=abc"), "is not a number of seconds"),
        (("tornado", LLAMA, "--top", "0"), "--top 0"),
        (("compare", LLAMA, "nowhere.toml"), "no such stack file"),
        (("validate",), "name a stack file"),
        (("validate", "--runs", "nowhere.csv"), "nowhere.csv: cannot be read"),
    ],
)
def test_what_cannot_be_is_said(capsys, words, said):
    message = run(capsys, *words, status=EXIT_ERROR)
    assert said in message
    assert "Traceback" not in message
