from __future__ import annotations

import json
from typing import Any

import pytest

from groundup.planner.plan import Plan
from groundup.planner.to_json import digest, plan_json

COLUMNS = ("needs", "limit", "headroom", "cost", "time", "power")


def assert_quantity(value: Any) -> None:
    assert set(value) == {"value", "low", "high", "unit"}
    assert isinstance(value["unit"], str)
    assert value["low"] <= value["value"] <= value["high"]


@pytest.mark.parametrize("name", ["llama", "campus", "laptop"])
def test_shape(name: str, request: pytest.FixtureRequest) -> None:
    plan: Plan = request.getfixturevalue(name)
    body = json.loads(json.dumps(plan_json(plan), allow_nan=False))
    assert [row["floor"] for row in body["layers"]] == list(range(1, 15))
    for row in body["layers"]:
        assert isinstance(row["name"], str)
        assert row["binds"]
        assert_quantity(row["needs"])
        for column in COLUMNS:
            assert row[column] is None or assert_quantity(row[column]) is None
        for value in row["details"].values():
            assert_quantity(value)
    for value in body["totals"].values():
        assert_quantity(value)
    assert body["binding"]["name"] == plan.binding.name  # type: ignore[union-attr]


def test_absent_numbers_are_null(laptop: Plan) -> None:
    rows = {row["name"]: row for row in plan_json(laptop)["layers"]}
    assert rows["fabs"]["limit"] is None
    assert rows["fabs"]["headroom"] is None


def test_hash_covers_everything_else(llama: Plan, campus: Plan) -> None:
    body = plan_json(llama)
    told = body.pop("hash")
    assert told == digest(body) == plan_json(llama)["hash"]
    assert told != plan_json(campus)["hash"]
    body["layers"][7]["needs"]["value"] += 1
    assert digest(body) != told
