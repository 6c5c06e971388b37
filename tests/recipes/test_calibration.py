"""Calibration: interpolation, storage, and a real short measurement."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.facts.errors import ArtifactError, ConfigError
from groundup.frameworks.device import Device
from groundup.models.count import matrix_parameters
from groundup.recipes.calibrate import calibrate
from groundup.recipes.calibration import (
    LADDER,
    Calibration,
    Measured,
    interpolated,
    ladder_shape,
    load_calibration,
)

POINTS = (Measured(1, 1e7, 20000.0, 15000.0, 22000.0), Measured(4, 4e7, 8000.0, 7000.0, 9000.0))
EXAMPLE = Calibration(4096, "bfloat16", 2, 16, 256, 400_000_000, POINTS)


def test_ladder_climbs():
    sizes = [matrix_parameters(ladder_shape(rung, 4096, 512)) for rung in range(len(LADDER))]
    assert sizes == sorted(sizes)
    assert sizes[0] < 1e6
    assert sizes[-1] > 50e6


@given(st.floats(1e5, 1e11))
def test_speed_is_between_and_falls_with_work(flops):
    low, middle, high = EXAMPLE.speed(flops)
    assert 0 < low <= middle <= high
    assert EXAMPLE.speed(flops * 1.1)[1] < middle
    if flops <= 1e7:
        assert middle * flops == pytest.approx(20000 * 1e7)
    if flops >= 4e7:
        assert middle * flops == pytest.approx(8000 * 4e7)


def test_interpolation_hits_its_points():
    assert interpolated([(1, 10), (100, 1)], 1) == 10
    assert interpolated([(1, 10), (100, 1)], 100) == 1
    assert interpolated([(1, 10), (100, 1)], 10) == pytest.approx(10**0.5)


def test_storage(tmp_path):
    EXAMPLE.save(tmp_path / "calibration.json")
    assert load_calibration(tmp_path / "calibration.json") == EXAMPLE
    (tmp_path / "calibration.json").write_text('{"vocabulary": 3}')
    with pytest.raises(ArtifactError, match="not a calibration"):
        load_calibration(tmp_path / "calibration.json")
    with pytest.raises(ConfigError, match="nothing was measured"):
        Calibration(4096, "bfloat16", 2, 16, 256, 0, ())


def test_a_real_measurement():
    steps = []
    result = calibrate(
        Device("cpu", "float32", 1),
        300,
        0.0,
        lambda *step: steps.append(step),
        rungs=(0, 3),
        batches={1: 1.0, 2: 1.0},
    )
    assert len(steps) == 3
    assert steps[-1][1] == steps[-1][2]
    assert result.batch in (1, 2)
    slow, fast = result.measured[1], result.measured[0]
    assert slow.tokens_per_s < fast.tokens_per_s
    assert all(m.tokens_per_s_low <= m.tokens_per_s <= m.tokens_per_s_high for m in (slow, fast))
