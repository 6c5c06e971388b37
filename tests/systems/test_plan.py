from __future__ import annotations

import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.facts.estimate import Estimate, given
from groundup.facts.layer import Ask
from groundup.systems.config import SystemsConfig
from groundup.systems.plan import demand, limit, per_host

FACTS = load_catalogue()


def count(value: float) -> Estimate:
    return given(value, "accelerator", "accelerators", "here")


def asked(config: SystemsConfig, chip: str = "h100-sxm", accelerators: float = 16384) -> Ask:
    ask = Ask(
        chip,
        {
            "accelerators": count(accelerators),
            "training_accelerators": count(accelerators),
            "trained_accelerator_hours": given(3e7, "accelerator*h", "hours", "here"),
            "failures": given(599.0, "1", "failures", "here"),
        },
    )
    return demand(config, ask, FACTS)


@pytest.mark.parametrize(
    ("chip", "each"), [("h100-sxm", 8), ("mi300x", 8), ("gb200", 4), ("this-machine", 1)]
)
def test_accelerators_of_a_host(chip: str, each: int) -> None:
    assert per_host(chip, FACTS).value == each


def test_hosts_are_whole() -> None:
    assert asked(SystemsConfig(launcher="slurm"), accelerators=16385)["hosts"].value == 2049


def test_every_failure_launches_the_job_once_more() -> None:
    ask = asked(SystemsConfig(launcher="slurm"))
    assert ask["accelerator_hours"].value == pytest.approx(3e7 + 600 * 30 / 3600 * 16384)
    assert ask["busy_days"].value == pytest.approx(ask["accelerator_hours"].value / 16384 / 24)


def test_power_share_lies_between_the_measurements() -> None:
    share = asked(SystemsConfig(launcher="slurm"))["utilised_power_share"]
    assert share.value == 0.76  # arXiv:2506.14551
    assert asked(SystemsConfig(), "this-machine", 1)["utilised_power_share"].value == 1.0


@pytest.mark.parametrize(
    ("launcher", "servers"), [("slurm", 15_000), ("kubernetes", 5_000), ("local", 1)]
)
def test_limit_of_a_launcher(launcher: str, servers: int) -> None:
    config = SystemsConfig(launcher=launcher)
    row = limit(config, asked(config), FACTS)
    assert row.limit is not None
    assert row.limit.value == servers


def test_torchrun_has_no_known_limit() -> None:
    config = SystemsConfig(launcher="torchrun")
    row = limit(config, asked(config), FACTS)
    assert row.limit is None
    assert row.binds.startswith("no data")


def test_hosts_cost_their_share_of_the_write_off() -> None:
    config = SystemsConfig(launcher="slurm")
    row = limit(config, asked(config), FACTS)
    # SemiAnalysis: 32,010 USD around the board of a DGX H100
    assert row.details["capex"].value == pytest.approx(2048 * 32_010)
    assert row.cost is not None
    assert row.cost.value < row.details["capex"].value
    assert limit(config, asked(config), FACTS, rented=True).included
    assert limit(config, asked(config, "gb200"), FACTS).cost is None
