from __future__ import annotations

import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.facts.estimate import given
from groundup.facts.layer import Ask
from groundup.frameworks.config import FrameworksConfig
from groundup.frameworks.plan import demand, limit
from groundup.systems.accelerator import accelerator

FACTS = load_catalogue()
SPEED = given(400.0, "TFLOP/(s*accelerator)", "training.speed", "here")
ASK = demand(FrameworksConfig(), Ask("h100-sxm", {"training_speed": SPEED}), FACTS)


def test_h100_reaches_four_fifths_of_its_peak() -> None:
    # ml-engineering: 794.5 of 989 TFLOP/s
    chip = accelerator("h100-sxm", FACTS)
    row = limit(FrameworksConfig(), ASK, FACTS, chip=chip, number_format="bf16")
    assert row.details["kernel_efficiency"].value == pytest.approx(0.803, abs=0.001)
    assert row.headroom is not None
    assert row.headroom.value == pytest.approx(794.5 / 400)


def test_no_measurement_is_no_limit() -> None:
    chip = accelerator("h200-sxm", FACTS)
    row = limit(FrameworksConfig(), ASK, FACTS, chip=chip, number_format="bf16")
    assert row.limit is None
    assert row.binds.startswith("no data")


def test_no_kernel_beats_the_peak() -> None:
    shares = {}
    for key in FACTS.keys("frameworks.matmul."):
        _, _, chip, number_format = key.split(".")
        peak = f"chips.{chip}.peak.{number_format}.dense"
        if peak in FACTS:
            shares[key] = FACTS[key].value / FACTS[peak].value
    assert len(shares) >= 7
    assert all(0.5 < share < 1.0 for share in shares.values()), shares
