import numpy as np
import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from groundup.facts.catalogue import load_catalogue
from groundup.facts.estimate import given
from groundup.training.energy import (
    Draw,
    accelerator_energy,
    busy_share,
    draw_of,
    run_energy,
    step_power,
)
from groundup.training.step_time import StepTime

FACTS = load_catalogue()


def step(**parts: float) -> StepTime:
    names = StepTime.__dataclass_fields__
    return StepTime(**{name: np.asarray(parts.get(name, 0.0)) for name in names})


def test_olmo_3() -> None:
    # muxup.com/2025q4/minipost-olmo3-training-cost: H100-hours and MWh
    for hours, energy in ((234e3, 146.0), (1.05e6, 681.0)):
        found = accelerator_energy(
            given(hours, "accelerator*h", "hours"), given(700.0, "W/accelerator", "tdp"), FACTS
        )
        assert found.to("MWh").value == pytest.approx(energy, rel=0.03)


def test_usual_steps_draw_what_runs_were_measured_to_draw() -> None:
    # a step with a tenth of exposed collectives and bubbles lies between the two measured runs
    usual = step(matmul=0.7, attention=0.1, pointwise=0.1, data=0.06, bubble=0.04)
    power = float(step_power(usual, np.asarray(700.0), draw_of(FACTS))[0])
    assert 620 < power < 660


@examples(st.floats(0.01, 10), st.floats(0, 10), st.floats(0, 1))
def test_power_lies_between_waiting_and_busy(busy: float, waits: float, trained: float) -> None:
    draw = Draw(np.asarray(0.9), np.asarray(0.4), np.asarray(0.1))
    one = step(matmul=busy, tensor=waits)
    share = float(busy_share(one))
    assert share == pytest.approx(busy / (busy + waits))
    power = float(step_power(one, np.asarray(1000.0), draw))
    assert 400 - 1e-9 <= power <= 900 + 1e-9
    joules = float(run_energy(np.asarray(power), np.asarray(1000.0), np.asarray(1.0),
                              np.asarray(trained), draw))  # fmt: skip
    assert 100 * 3600 - 1e-6 <= joules <= power * 3600 + 1e-6


def test_draws_are_an_axis() -> None:
    draws = draw_of(FACTS, samples=50)
    assert step_power(step(matmul=1.0, data=0.2), np.asarray(700.0), draws).shape == (51,)
