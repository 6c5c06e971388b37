"""`groundup validate --runs` as its command sees it: JSON, text, exit by error."""

import argparse
import json

import pytest

from groundup.cli import validate_runs_command as command
from groundup.cli.validate_runs_command import (
    WorseError,
    add_arguments,
    validate_runs,
)
from groundup.facts.errors import ConfigError, DataError
from groundup.planner.validation import bars as record
from groundup.planner.validation import score as scoring
from groundup.planner.validation.bars import Regression, published_file

TABLE = """name,kind,hardware,n_chips,precision,metric,value,unit,source
mm,kernel,H100,1,bf16,max_achievable_matmul_tflops,794.5,TFLOP/s,S1
mm,kernel,Abacus,1,bf16,max_achievable_matmul_tflops,1,TFLOP/s,S2
sw,network,64p,1024,,switches,48,switches,S3
"""


def arguments(*words):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(list(words))


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "other.csv"
    path.write_text(TABLE)
    return str(path)


def test_json_is_one_object_with_the_asked_groups(table, capsys):
    validate_runs(arguments("--runs", table, "--json"))
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    found = json.loads(out)
    kernel, unknown, network = found["groups"]
    assert (kernel["kind"], kernel["source"], kernel["rows"], kernel["predicted"]) == (
        "kernel", "S1", 1, 1
    )  # fmt: skip
    assert kernel["median_error"] == pytest.approx(0.0, abs=0.05)
    assert unknown["median_error"] is unknown["p90_error"] is unknown["coverage_90"] is None
    assert network["coverage_90"] == 1.0
    assert "rows" not in found
    assert found["file"] == "other.csv"


def test_every_row_on_request(table, capsys):
    validate_runs(arguments("--runs", table, "--json", "--rows"))
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["predicted"] is None for row in rows] == [False, True, False]
    assert "Abacus" in rows[1]["why"]


def test_text_lists_groups_reasons_and_goals(table, capsys):
    validate_runs(arguments("--runs", table, "--worst", "1"))
    out = capsys.readouterr().out
    for part in ("S1", "largest errors", "not predicted: 1 rows", "line 3 mm", "goals",
                 "other.csv: 3 rows, 2 predicted"):  # fmt: skip
        assert part in out


def test_a_missed_goal_fails_only_where_it_is_asked_for(table, capsys):
    validate_runs(arguments("--runs", table))  # all inside: more than 95 %
    with pytest.raises(WorseError, match="goals missed: rows inside"):
        validate_runs(arguments("--runs", table, "--strict"))


def test_regression_fails_after_printing(table, capsys, monkeypatch):
    worse = (Regression("kernel", "S1", "median_error 9.0%, recorded 1.0%"),)
    monkeypatch.setattr(command, "regressions", lambda scores: worse)
    with pytest.raises(WorseError, match=r"kernel, S1: median_error 9.0%"):
        validate_runs(arguments("--runs", table, "--json"))
    assert json.loads(capsys.readouterr().out)["regressions"][0]["source"] == "S1"
    with pytest.raises(WorseError):
        validate_runs(arguments("--runs", table))
    assert "WORSE THAN RECORDED" in capsys.readouterr().out


def test_a_broken_model_fails_after_printing(table, capsys, monkeypatch):
    monkeypatch.setattr(scoring, "model_of", lambda kind: lambda row, facts: 1 / 0)
    with pytest.raises(WorseError, match="broke a model"):
        validate_runs(arguments("--runs", table, "--json"))
    assert len(json.loads(capsys.readouterr().out)["defects"]) == 3


def test_what_is_no_table_is_refused(tmp_path):
    (tmp_path / "no.csv").write_text("a\n1\n")
    with pytest.raises(DataError, match="no column"):
        validate_runs(arguments("--runs", str(tmp_path / "no.csv")))


def test_without_a_file_it_is_the_published_table():
    assert arguments("--runs").runs == published_file()
    assert arguments().runs is None


def test_record_is_written_beside_the_table(tmp_path, monkeypatch):
    beside = tmp_path / "published.csv"
    beside.write_text(TABLE)
    monkeypatch.setattr(command, "published_file", lambda: beside)
    validate_runs(arguments("--runs", str(beside), "--record"))
    text = (tmp_path / record.RECORD).read_text()
    assert text.count("[group.") == 3
    assert "# kernel, S1" in text


def test_scores_of_other_tables_are_not_recorded(table):
    with pytest.raises(ConfigError, match="own table"):
        validate_runs(arguments("--runs", table, "--record"))
