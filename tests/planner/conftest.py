from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path

import pytest

from groundup.chips.this_machine import Machine
from groundup.planner.passes import make_plan
from groundup.planner.plan import Plan
from groundup.stack.load import load_stack

ROOT = Path(__file__).parents[2]


def a_machine() -> Machine:
    """A two-core machine as `groundup calibrate` would write it down."""
    quantities = ("matrix product fp32", "matrix product bf16", "memory copy", "disk write")
    return Machine(
        name="two cores",
        cores=2,
        memory_bytes=16e9,
        flop_per_s={"fp32": 1e11, "bf16": 4e11},
        copy_bytes_per_s=1.5e10,
        disk_bytes_per_s=9e8,
        spread=dict.fromkeys(quantities, 0.1),
        measured_on="2026-01-02",
    )


@lru_cache
def planned(name: str, samples: int = 500, *overrides: str) -> Plan:
    stack = load_stack(ROOT / "stacks" / f"{name}.toml", overrides)
    return make_plan(stack, samples, machine=a_machine())


@pytest.fixture(scope="session")
def machine() -> Machine:
    return a_machine()


@pytest.fixture(scope="session")
def llama() -> Plan:
    return planned("llama3-405b")


@pytest.fixture(scope="session")
def campus() -> Plan:
    return planned("campus-100k")


@pytest.fixture(scope="session")
def laptop() -> Plan:
    return planned("laptop")


@pytest.fixture(scope="session")
def published() -> dict[tuple[str, str], float]:
    with (ROOT / "tests" / "data" / "published_runs.csv").open(encoding="utf-8") as file:
        return {(row["run"], row["quantity"]): float(row["value"]) for row in csv.DictReader(file)}


@pytest.fixture(scope="session")
def stacks() -> Path:
    return ROOT / "stacks"
