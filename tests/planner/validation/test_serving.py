"""Predictions of measured serving: errors, coverage, models left out, what cannot be answered."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import NoDataError
from groundup.inference.energy import busy, fit_power
from groundup.inference.fit import errors, fit, left_out
from groundup.inference.steady import steady
from groundup.planner.validation.row import Row, read_rows
from groundup.planner.validation.serving import predict
from groundup.planner.validation.serving_rows import case_of, framework_of, points_of

FACTS = load_catalogue()
DATA = Path(__file__).parents[2] / "data"
THROUGHPUT = read_rows(DATA / "inference_throughput.csv")
ENERGY = read_rows(DATA / "inference_energy.csv")
LATENCY = read_rows(DATA / "inference_latency.csv")
POINTS = points_of(THROUGHPUT, FACTS)
_SCALE = {("s", "ms"): 1e3}


def scored(rows: list[Row]) -> tuple[np.ndarray, float]:
    """Relative errors, and the share of rows inside the interval."""
    found, inside = [], []
    for row in rows:
        made = predict(row, FACTS)
        scale = _SCALE.get((made.unit, row.unit), 1.0)
        value = float(row.value)
        found.append(abs(made.value * scale / value - 1))
        inside.append(made.low * scale <= value <= made.high * scale)
    return np.array(found), float(np.mean(inside))


@pytest.mark.parametrize("metric", ["output_tokens_per_s", "median_itl"])
def test_throughput_and_time_between_tokens(metric: str) -> None:
    error, coverage = scored([row for row in THROUGHPUT if row.metric == metric])
    assert error.size == 126
    assert np.median(error) <= 0.10
    assert 0.80 <= coverage <= 0.96


def test_a_model_left_out_of_the_fit() -> None:
    times, rates = left_out(POINTS)
    assert np.median(np.abs(np.expm1(times))) <= 0.15
    assert np.median(np.abs(np.expm1(rates))) <= 0.15


def test_the_facts_are_what_the_fit_finds() -> None:
    found = fit(POINTS)
    for name, value in found.items():
        fact = FACTS[f"inference.law.{name}"]
        seconds = 1e-6 if fact.unit == "us" else 1.0
        assert fact.value * seconds == pytest.approx(value, rel=0.02), name


def test_a_roofline_without_overheads_is_far_off() -> None:
    # the bar that the laws must beat: 2.4 times too fast in the median
    bare = {"weights_share.gh100": 1.0, "weights_share.gb100": 1.0, "cache_share": 1.0,
            "fp8_share": 1.0, "step": 0.0, "layer": 0.0, "routed_layer": 0.0, "reduce": 0.0,
            "sequence": 0.0, "mixed_layer": 0.0, "request": 0.0, "coverage": 1.0}  # fmt: skip
    times, _ = errors(POINTS, bare)
    ours, _ = errors(POINTS, fit(POINTS))
    assert np.median(np.abs(ours)) < np.median(np.abs(times)) / 4


def test_joules_of_a_token() -> None:
    error, coverage = scored(list(ENERGY))
    assert error.size == 126
    assert np.median(error) <= 0.15
    assert 0.80 <= coverage <= 0.97


def test_power_weights_are_what_the_fit_finds_and_hold_for_a_model_left_out() -> None:
    design = {"h100-sxm": 700.0, "b200": 1000.0}
    shares, power, models = [], [], []
    for row in ENERGY:
        case = case_of(row, FACTS)
        parts = steady(case.engine, case.batch, case.traffic).parts
        shares.append(busy(parts).reshape(-1))
        watts = float(row.notes.split()[3]) / float(row.n_chips)
        power.append(watts / design[case.chip])
        models.append(row.name.split()[1].removesuffix("-FP8"))
    x, y, model = np.array(shares), np.array(power), np.array(models)
    for name, value in zip(("idle", "weights", "cache", "products"), fit_power(x, y), strict=True):
        assert FACTS[f"inference.power.{name}"].value == pytest.approx(value, rel=0.02)
    error = np.empty_like(y)
    for one in set(models):
        held = model == one
        error[held] = np.minimum(x[held] @ fit_power(x[~held], y[~held]), 1.0) / y[held] - 1
    assert np.median(np.abs(error)) <= 0.15


def test_mean_times_between_tokens_of_other_engines_and_models() -> None:
    error, coverage = scored([row for row in LATENCY if row.metric == "tpot"])
    assert error.size == 35
    assert np.median(error) <= 0.20
    assert 0.80 <= coverage <= 0.97


def test_times_to_the_first_token_with_queues_are_inside_wide_intervals() -> None:
    error, coverage = scored([row for row in LATENCY if row.metric == "ttft"])
    assert error.size == 35
    assert 0.80 <= coverage <= 0.97


def service(**columns: str) -> Row:
    return Row(**{"name": "DeepSeek-V3/R1 online service", "kind": "inference_service",
                  "unit": "tok/s", "source": "here", **columns})  # fmt: skip


@pytest.mark.parametrize(
    ("metric", "unit", "value"),
    [
        ("input_tokens_per_s_per_node", "tok/s", 73_700),
        ("output_tokens_per_s_per_node", "tok/s", 14_800),
        ("cost_per_day", "USD", 87_072),
    ],
)
def test_a_service_s_day(metric: str, unit: str, value: float) -> None:
    made = predict(service(metric=metric, unit=unit), FACTS)
    assert made.low < value < made.high
    assert made.value == pytest.approx(value, rel=0.15)


def test_what_is_not_known_is_said() -> None:
    row = THROUGHPUT[0]
    for change, words in (
        ({"metric": "smiles"}, "no law for the metric"),
        ({"global_batch": ""}, "global_batch"),
        ({"seq_len": ""}, "seq_len"),
        ({"hardware": "a toaster"}, "toaster"),
        ({"n_chips": "", "tp": ""}, "n_chips"),
    ):
        with pytest.raises(NoDataError, match=words):
            predict(dataclasses.replace(row, **change), FACTS)
    with pytest.raises(NoDataError, match="service"):
        predict(service(metric="moods", unit="1"), FACTS)
    for metric, unit in (("output_tokens", "token"), ("theoretical_income", "USD/day")):
        with pytest.raises(NoDataError, match="service"):
            predict(service(metric=metric, unit=unit), FACTS)


def test_which_engines_prepare_the_next_step_meanwhile() -> None:
    for name, found in (("m h100 vllm0.12.0", ""), ("m h100 vllm0.17.0", "overlapped"),
                        ("m trtllm1.2", "overlapped"), ("m sglang0.5", "overlapped")):  # fmt: skip
        assert framework_of(Row(name=name)) == found


def test_a_task_whose_prompts_are_not_known_gets_a_wider_interval() -> None:
    row = THROUGHPUT[0]
    strange = dataclasses.replace(
        row, name=row.name.replace("lm-arena-chat", "riddles"), notes="vLLM; riddles"
    )
    known, unknown = predict(row, FACTS), predict(strange, FACTS)
    assert unknown.high / unknown.low > known.high / known.low
    assert "assumed" in unknown.how
