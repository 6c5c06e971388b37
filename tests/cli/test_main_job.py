"""The main job from its command line, small: build, go on, refuse, serve, look behind."""

from __future__ import annotations

import json
import os
import re
import signal
import urllib.request
from pathlib import Path

import pytest
from tests.cli.command import groundup, start

pytestmark = pytest.mark.slow


def test_killed_run_went_on_without_redoing_what_was_done(project: Path) -> None:
    log = (project / "first.log").read_text()
    done = (project / "before").read_text().splitlines()
    assert any(name.startswith("shards-") for name in done)
    for name in done:
        assert re.search(rf"✓ {name.split('-')[0]}  done before \({name}\)", log), name
    assert "▸ pretrain" in log
    assert not list((project / "runs" / "work").iterdir())


def test_second_run_does_nothing_again(project: Path) -> None:
    done = groundup(project, "run", "stacks/laptop.toml")
    steps = re.findall(r"^✓ (\w+)  done before", done.stderr, re.M)
    assert len(steps) == 12
    assert "▸" not in done.stderr


def test_every_step_is_measured_and_held_against_its_prediction(project: Path) -> None:
    told = json.loads((project / "first.json").read_text())
    rows = {(row["step"], row["quantity"]): row for row in told["validate"]["rows"]}
    for quantity in ("seconds", "joules", "peak_rss_bytes", "tokens_per_s", "loss"):
        row = rows["pretrain", quantity]
        assert row["measured"] > 0
        assert row["predicted"] > 0
        assert row["ratio"] == pytest.approx(row["measured"] / row["predicted"])
    assert {step for step, _ in rows} >= {"documents", "tokenizer", "shards", "index", "sft"}
    assert "prediction_sha256" in told["validate"]
    assert "pretrain" in groundup(project, "validate", "stacks/laptop.toml").stdout


def test_forged_prediction_is_refused(project: Path) -> None:
    (path,) = (project / "runs" / "laptop" / "predictions").glob("*.json")
    text = path.read_text()
    path.write_text(text.replace('"seconds"', '"seconds" ', 1))
    try:
        done = groundup(project, "validate", "stacks/laptop.toml", status=1)
        assert "was changed" in done.stderr
    finally:
        path.write_text(text)


def test_failing_gate_stops_promotion_and_keeps_the_last_good(project: Path) -> None:
    current = (project / "runs" / "laptop" / "current.json").read_text()
    done = groundup(
        project, "run", "stacks/laptop.toml", "--set", "gates.bits_per_byte=0.1", status=3
    )
    assert re.search(r"FAIL  bits_per_byte: .* misses by", done.stderr)
    assert "stays served" in done.stderr
    assert (project / "runs" / "laptop" / "current.json").read_text() == current


def test_lineage_leads_to_sources_with_licences(project: Path) -> None:
    text = groundup(project, "lineage", "release").stdout
    assert "licences (documents): " in text
    assert "folder:notes" in text
    tree = json.loads(groundup(project, "lineage", "release", "--json").stdout)
    assert {child["artifact"].split("-")[0] for child in tree["inputs"]} >= {"sft", "documents"}
    assert tree["changed_files"] == []


def test_answers_quote_the_cited_lines(project: Path) -> None:
    done = groundup(project, "ask", "stacks/laptop.toml", "What does textwrap.dedent do?", "--json")
    answer = json.loads(done.stdout)
    assert answer["citations"]
    for citation in answer["citations"]:
        lines = (project / citation["uri"]).read_text().splitlines()
        cited = "\n".join(lines[citation["start_line"] - 1 : citation["end_line"]])
        assert citation["quote"] in cited
    basis = {row["basis"] for row in answer["receipt"]["rows"]}
    assert basis == {"measured", "planned"}


def test_unknown_symbol_is_declined(project: Path) -> None:
    question = "What does json.frobnicate return?"
    done = groundup(project, "ask", "stacks/laptop.toml", question, "--json")
    assert json.loads(done.stdout)["abstained"] is True


def test_exported_model_opens_in_transformers(project: Path, tmp_path: Path) -> None:
    groundup(project, "export", "stacks/laptop.toml", "model", str(tmp_path / "model"))
    transformers = pytest.importorskip("transformers")
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "model")
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "model")
    ids = tokenizer("import json", return_tensors="pt").input_ids
    assert model(ids).logits.shape[:2] == ids.shape
    taken = groundup(
        project, "export", "stacks/laptop.toml", "model", str(tmp_path / "model"), status=1
    )
    assert "exists already" in taken.stderr


def test_serve_answers_and_stops_on_ctrl_c(project: Path) -> None:
    server = start(project, "serve", "stacks/laptop.toml")
    assert server.stdout is not None
    try:
        address = next(
            found[0] for line in server.stdout if (found := re.search(r"http://\S+", line))
        )
        with urllib.request.urlopen(f"{address}/healthz", timeout=30) as response:
            assert json.load(response)["status"] == "ok"
        with urllib.request.urlopen(address, timeout=30) as response:
            assert b"<html" in response.read().lower()
        talk = groundup(
            project, "ask", "stacks/laptop.toml", "What is csv.DictReader?", "--url", address
        )
        assert "notes/csv.py:" in talk.stdout
    finally:
        server.send_signal(signal.SIGINT)
    assert server.wait(timeout=30) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "no.toml"], "no such stack file"),
        (["run", "stacks/laptop.toml", "--docs", "nowhere"], "no such folder; give a folder"),
        (["run", "stacks/laptop.toml", "--docs", "notes/csv.py"], "is a file"),
        (["serve", "stacks/llama3-405b.toml"], "nothing was promoted"),
        (["lineage", "relaese"], "did you mean 'release'"),
        (["plan", "stacks/laptop.toml", "--set", "chips.coutn=1"], "did you mean 'count'"),
        (["init", "stacks/laptop.toml"], "exists already"),
        (["explain", "stacks/llama3-405b.toml", "training.csot"], "did you mean"),
    ],
)
def test_mistakes_are_named_with_their_remedy(
    project: Path, arguments: list[str], said: str
) -> None:
    done = groundup(project, *arguments, status=1)
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_unwritable_place_is_named(project: Path) -> None:
    if os.geteuid() == 0:
        arguments = ["run", "stacks/laptop.toml", "--runs", "/proc/runs"]
    else:
        arguments = ["run", "stacks/laptop.toml", "--runs", "/runs"]
    assert "--runs DIR" in groundup(project, *arguments, status=1).stderr
