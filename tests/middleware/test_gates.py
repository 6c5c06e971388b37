from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.middleware.config import GatesConfig
from groundup.middleware.gates import AT_MOST, check, describe, passed

NAMES = [field.name for field in fields(GatesConfig)]
GOOD = {name: 0.0 if name in AT_MOST else 1.0 for name in NAMES}


def test_a_good_report_passes_every_gate() -> None:
    results = check(GOOD, GatesConfig())
    assert passed(results)
    assert "All" in describe(results, "report.json")


@pytest.mark.parametrize("name", NAMES)
def test_each_gate_can_fail_alone(name: str) -> None:
    bad = {**GOOD, name: 9.0 if name in AT_MOST else 0.0}
    results = check(bad, GatesConfig())
    assert [result.name for result in results if not result.ok] == [name]
    text = describe(results, "runs/report.json", "release-7")
    assert text.startswith(f"FAIL  {name}")
    assert "runs/report.json" in text
    assert "release-7" in text


@pytest.mark.parametrize("value", [None, "0.9", float("nan"), float("inf")])
def test_what_was_not_measured_is_not_passed(value: object) -> None:
    results = check({**GOOD, "abstention": value}, GatesConfig())
    assert not passed(results)
    assert "not measured" in describe(results, "report.json")


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_gate_passes_at_its_bound_and_above(value: float, bound: float) -> None:
    results = check({**GOOD, "recall_at_10": value}, GatesConfig(recall_at_10=bound))
    assert passed(results) == (value >= bound)
