import dataclasses
import importlib
import json
import random
import re
import warnings

import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import DataError, NoDataError
from groundup.planner.validation import kinds
from groundup.planner.validation import score as scoring
from groundup.planner.validation.bars import published_file
from groundup.planner.validation.kinds import MODELS, NOT_OF_THE_STACK, model_of
from groundup.planner.validation.row import COLUMNS, Prediction, Row, read_rows, within
from groundup.planner.validation.score import score, score_file, worst
from groundup.planner.validation.text import render

FACTS = load_catalogue()
TABLE = """name,kind,hardware,n_chips,precision,metric,value,unit,source
mm,kernel,H100,1,bf16,max_achievable_matmul_tflops,794.5,TFLOP/s,S1
mm,kernel,H100,1,bf16,max_achievable_matmul_tflops,0.7945,PFLOP/s,S1
mm,kernel,Abacus,1,bf16,max_achievable_matmul_tflops,1,TFLOP/s,S2
mm,kernel,H100,1,bf16,max_achievable_matmul_tflops,many,TFLOP/s,S2
mm,kernel,H100,1,bf16,max_achievable_matmul_tflops,1,GB,S2
?,nothing,H100,1,,speed,1,s,S3
v,simulator_accuracy,,,,error,9,%,S4
"""


JUNK = ("", "0", "-1", "3", "1e30", "junk", "p1/d8", "1024+128", "out300", "fp4", "nan", "1,000")


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text(TABLE)
    return path


def test_every_kind_of_the_table_has_a_model():
    for kind, name in MODELS.items():
        module = importlib.import_module(f"groundup.planner.validation.{name}")
        assert callable(module.predict), kind
        assert model_of(kind) is module.predict


def test_every_row_is_counted_and_every_missing_one_named(table):
    found = score_file(table, FACTS)
    assert len(found.rows) == 7
    assert found.overall.predicted == 2
    why = [one.why for one in found.unpredicted]
    for part, text in zip(
        ("'Abacus'", "'many'", "GB", "no model of the kind 'nothing'",
         NOT_OF_THE_STACK["simulator_accuracy"]),
        why, strict=True,
    ):  # fmt: skip
        assert part in text
    first, second = found.rows[0].error, found.rows[1].error
    assert first == pytest.approx(second)  # the same number in another unit


def test_json_has_the_asked_form(table):
    found = json.loads(
        json.dumps(score_file(table, FACTS).as_json(with_rows=True), allow_nan=False)
    )
    keys = ["kind", "source", "rows", "predicted", "median_error", "p90_error", "coverage_90"]
    assert all(list(group)[:7] == keys for group in found["groups"])
    assert [(g["source"], g["rows"], g["predicted"]) for g in found["groups"]] == [
        ("S1", 2, 2), ("S2", 3, 0), ("S3", 1, 0), ("S4", 1, 0)
    ]  # fmt: skip
    assert found["groups"][1]["median_error"] is None
    assert [row["line"] for row in found["unpredicted"]] == [4, 5, 6, 7, 8]
    assert len(found["rows"]) == 7
    assert len(found["sha256"]) == 64


@pytest.mark.parametrize(
    ("predict", "said"),
    [(lambda row, facts: 1 / 0, "ZeroDivisionError"), (lambda row, facts: [][0], "IndexError"),
     (lambda row, facts: within(float("nan"), 0.1, "x"), "nan"),
     (lambda row, facts: Prediction(1.0, 2.0, 3.0, "x"), "does not hold")],
)  # fmt: skip
def test_a_broken_model_is_a_defect_with_its_traceback(predict, said, monkeypatch):
    monkeypatch.setattr(scoring, "model_of", lambda kind: predict)
    found = score([Row(name="n", kind="k", value="1", unit="s")], FACTS)
    (defect,) = found.defects
    assert said in defect.why
    assert "Traceback" in defect.defect
    assert found.overall.predicted == 0
    assert "DEFECTS" in render(found)


def test_errors_that_no_model_raises_are_not_caught(monkeypatch):
    def stop(row, facts):
        raise KeyboardInterrupt

    monkeypatch.setattr(scoring, "model_of", lambda kind: stop)
    with pytest.raises(KeyboardInterrupt):
        score([Row(value="1")], FACTS)


def test_kinds_without_model_say_so():
    with pytest.raises(NoDataError, match="no model of the kind 'gossip'"):
        kinds.model_of("gossip")


def test_worst_rows_come_first(table):
    found = score_file(table, FACTS)
    errors = [row.error for row in worst(found.rows, 5)]
    assert errors == sorted(errors, reverse=True)
    assert len(errors) == 2


def test_text_names_publishers_kinds_reasons_and_sums(table):
    text = render(score_file(table, FACTS), worst_rows=1)
    for part in ("S1", "by kind", "largest errors", "not predicted: 5 rows", "line 4 mm",
                 "runs.csv: 7 rows, 2 predicted"):  # fmt: skip
        assert part in text
    assert max(len(line) for line in text.splitlines()) < 250


def test_a_file_that_is_no_table_is_refused(tmp_path):
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=r"x\.csv:1"):
        score_file(tmp_path / "x.csv", FACTS)


def test_counts_of_zero_are_empty_and_impossible_ones_refused():
    row = Row(dp="0", tp="8", seq_len="1024+128", value="1")
    assert scoring.sound(row) == Row(tp="8", seq_len="1024+128", value="1")
    assert scoring.sound(Row(tp="8")) == Row(tp="8")
    assert scoring.sound(Row(layers="7B", kv_heads="MLA")) == Row(kv_heads="MLA")
    for cells in ({"pp": "-1"}, {"n_chips": "1e30"}, {"params_total": "-7e9"}):
        with pytest.raises(NoDataError, match=next(iter(cells))):
            scoring.sound(Row(**cells))


@pytest.mark.parametrize("kind", sorted(MODELS))
def test_damaged_rows_of_every_kind_never_break_a_model(kind):
    draw = random.Random(kind)
    rows = [row for row in read_rows(published_file()) if row.kind == kind]
    if not rows:
        rows = [Row(name="a run", kind=kind, hardware="H100", metric="x", value="1", unit="s")]
    made = []
    for _ in range(6):
        columns = draw.sample([c for c in COLUMNS if c not in ("kind", "value")], 3)
        cells = {column: draw.choice(JUNK) for column in columns}
        made.append(dataclasses.replace(draw.choice(rows), **cells))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        assert [one.defect for one in score(made, FACTS).defects] == []


OUTCOMES = re.compile(
    r"(?:reported )?(?:MFU|HFU|model TFLOP|power|cost2023)=\S*|GPU power avg [\d.]+ W|theory \d+|"
    r"[\d.]+%|mean energy [\d.]+|[\d.]+ kWh mean energy|\[[\d.]+,[\d.]+\]"
)
"""What notes tell of the outcome of a measurement."""


@pytest.mark.parametrize("kind", sorted(MODELS))
def test_no_prediction_looks_at_the_outcome(kind):
    draw = random.Random(kind)
    rows = [row for row in read_rows(published_file()) if row.kind == kind]
    rows = draw.sample(rows, min(8, len(rows)))
    blind = [
        dataclasses.replace(row, value="12345", notes=OUTCOMES.sub("", row.notes)) for row in rows
    ]
    seen, unseen = score(rows, FACTS).rows, score(blind, FACTS).rows
    assert [one.prediction for one in seen] == [one.prediction for one in unseen]
