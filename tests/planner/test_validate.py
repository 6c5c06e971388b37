from __future__ import annotations

import json
from pathlib import Path

import pytest

from groundup.facts.errors import ArtifactError
from groundup.facts.files import file_digest
from groundup.planner.validate import compare, render_comparison


def said(value: float, low: float, high: float, unit: str) -> dict[str, float | str]:
    return {"value": value, "low": low, "high": high, "unit": unit}


@pytest.fixture
def prediction(tmp_path: Path) -> Path:
    path = tmp_path / "prediction.json"
    steps = {
        "pretrain": {
            "seconds": said(180, 170, 200, "s"),
            "tokens_per_s": said(5000, 4000, 6000, "token/s"),
        },
        "sft": {"seconds": said(45, 40, 50, "s")},
    }
    path.write_text(json.dumps({"steps": steps}), encoding="utf-8")
    return path


MANIFESTS = [
    {"step": "documents", "seconds": 20.0, "joules": 70.0, "metrics": {"documents": 10}},
    {
        "step": "pretrain",
        "seconds": 190.0,
        "joules": float("nan"),
        "metrics": {"tokens_per_s": 3500.0, "loss": 4.5},
    },
]


def test_ratios_intervals_and_counts(prediction: Path) -> None:
    found = compare(prediction, MANIFESTS)
    rows = {(row.step, row.quantity): row for row in found.entries}
    assert rows["pretrain", "seconds"].ratio == pytest.approx(190 / 180)
    assert rows["pretrain", "seconds"].inside is True
    assert rows["pretrain", "tokens_per_s"].ratio == pytest.approx(0.7)
    assert rows["pretrain", "tokens_per_s"].inside is False
    assert rows["pretrain", "loss"].predicted is None
    assert rows["sft", "seconds"].measured is None
    assert ("pretrain", "joules") not in rows  # not a number, and not predicted
    assert (found.compared, found.inside) == (2, 1)
    assert (found.without_prediction, found.not_measured) == (3, 1)
    assert found.median_error == pytest.approx((10 / 180 + 0.3) / 2)


def test_text_says_what_has_no_prediction(prediction: Path) -> None:
    text = render_comparison(compare(prediction, MANIFESTS))
    assert text.count("no prediction") == 3
    assert sum("not measured" in line for line in text.splitlines()[:-1]) == 1
    assert "2 compared, 1 inside" in text
    assert "3 without a prediction, 1 predicted but not measured" in text


def test_rows_are_plain(prediction: Path) -> None:
    rows = compare(prediction, MANIFESTS).rows()
    assert json.loads(json.dumps(rows))[0]["step"] == "documents"


def test_a_changed_prediction_is_refused(prediction: Path) -> None:
    digest = file_digest(prediction)
    assert compare(prediction, [], digest).not_measured == 3
    prediction.write_text(prediction.read_text().replace("180", "190"), encoding="utf-8")
    with pytest.raises(ArtifactError, match="was changed after the run began"):
        compare(prediction, [], digest)


@pytest.mark.parametrize("text", ["", "{}", "[1]", "{"])
def test_something_else_is_not_a_prediction(text: str, tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ArtifactError, match="is not a prediction"):
        compare(path, [])


def test_a_missing_prediction_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"none\.json"):
        compare(tmp_path / "none.json", [])
