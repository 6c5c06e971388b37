from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.planner.validation.held_out import HeldOut, held_out, render_held_out
from groundup.planner.validation.row import Row, read_rows
from groundup.planner.validation.training_fit import refit
from groundup.training.fit import fit, residuals

DATA = Path(__file__).parents[2] / "data"
FACTS = load_catalogue()


def few() -> list[Row]:
    """Rows of three small families."""
    words = ("2205.05198", "2104.04473", "bigscience")
    tables = ("train_throughput", "train_step_time")
    rows = [row for name in tables for row in read_rows(DATA / f"{name}.csv")]
    return [row for row in rows if any(word in row.source for word in words)]


@pytest.fixture(scope="module")
def found() -> tuple[HeldOut, ...]:
    return held_out(few(), FACTS)


def test_every_row_is_in_one_family_and_in_all(found: tuple[HeldOut, ...]) -> None:
    counts = Counter({one.group: one.rows for one in found})
    assert counts["all"] == sum(counts.values()) - counts["all"] > 20


def test_a_family_is_predicted_by_a_fit_to_the_others(found: tuple[HeldOut, ...]) -> None:
    """Oracle: fit by hand without BLOOM's rows, then predict them."""
    fitted = refit(few(), FACTS)
    out = np.asarray(fitted.families) == "BLOOM"
    constants = fit(fitted.runs.part(~out), fitted.prior)
    error = np.abs(np.expm1(residuals(constants, fitted.runs.part(out))))
    bloom = next(one for one in found if one.group == "BLOOM")
    assert bloom.held_out == pytest.approx(float(np.median(error)))
    assert bloom.held_out != pytest.approx(bloom.fitted)


def test_one_source_alone_cannot_be_held_out() -> None:
    rows = [row for row in few() if "2104.04473" in row.source]
    assert held_out(rows, FACTS) == ()
    assert "fewer than two" in render_held_out(())


def test_text_has_a_line_a_group_and_judges_the_goal(found: tuple[HeldOut, ...]) -> None:
    text = render_held_out(found)
    assert len(text.split("\n")) == len(found) + 2
    whole = next(one for one in found if one.group == "all")
    said = "pass" if whole.held_out <= 0.12 else "MISSED"
    assert said in text
    assert whole.as_json()["goal"] == 0.12
