import csv
import dataclasses
from pathlib import Path

import numpy as np
import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import NoDataError
from groundup.planner.validation.row import Row, read_rows
from groundup.planner.validation.row_units import in_unit_of
from groundup.planner.validation.run_rate import nearest, run_rate
from groundup.planner.validation.run_work import published_run, run_work, sized
from groundup.planner.validation.runs import hours_of, owned_hour, predict

DATA = Path(__file__).parents[2] / "data"
FACTS = load_catalogue()
LLAMA = Row(
    name="Llama-2-70B", kind="train_run", params_total="68.98e9", params_active="68.98e9",
    tokens="2e12", seq_len="4096", hardware="A100-80GB-SXM", metric="gpu_hours",
    value="1720320", unit="GPU-h", source="model card",
)  # fmt: skip


def scored(table: str) -> list[tuple[float, bool]]:
    """Error of every predicted row of a table, and whether its interval holds the number."""
    found = []
    for row in read_rows(DATA / f"{table}.csv"):
        try:
            said = in_unit_of(row, predict(row, FACTS))
        except NoDataError:
            continue
        measured = row.number("value")
        found.append((abs(said.value / measured - 1), said.low <= measured <= said.high))
    return found


@pytest.mark.parametrize(
    ("table", "rows", "allowed"),
    [("train_run", 41, 0.20), ("train_run_epoch", 38, 0.22), ("cost", 13, 0.25),
     ("energy_runs", 5, 0.30), ("reliability", 4, 0.50)],
)  # fmt: skip
def test_published_runs(table: str, rows: int, allowed: float) -> None:
    found = scored(table)
    assert len(found) >= rows
    assert np.median([error for error, _ in found]) <= allowed
    assert np.mean([inside for _, inside in found]) >= 0.8


def test_hours_follow_the_work() -> None:
    one = hours_of(LLAMA, FACTS)[0]
    assert hours_of(dataclasses.replace(LLAMA, tokens="4e12"), FACTS)[0] == pytest.approx(2 * one)
    many = hours_of(dataclasses.replace(LLAMA, tokens="140e12"), FACTS)[0]
    assert many > 70 * one  # a job of so many tokens is spread thin
    faster = dataclasses.replace(LLAMA, hardware="H100-80GB-SXM")
    assert one / 3.2 < hours_of(faster, FACTS)[0] < one / 1.5


def test_days_are_hours_over_accelerators() -> None:
    row = dataclasses.replace(LLAMA, metric="days", unit="days", n_chips="256")
    days = in_unit_of(row, predict(row, FACTS)).value
    hours = dataclasses.replace(LLAMA, n_chips="256")
    assert days * 24 * 256 == pytest.approx(in_unit_of(hours, predict(hours, FACTS)).value)
    ideal = dataclasses.replace(row, metric="ideal_days")
    assert in_unit_of(ideal, predict(ideal, FACTS)).value < days


def test_cost_is_hours_at_the_stated_price() -> None:
    row = dataclasses.replace(LLAMA, kind="cost", metric="cost_at_2.5usd_per_gpu_h", unit="USD")
    assert predict(row, FACTS).value == pytest.approx(2.5 * hours_of(LLAMA, FACTS)[0])


def test_an_owned_hour_as_the_study_prices_it() -> None:
    # Epoch's own sums over its own hours: GPT-4 68.8M over 25,000 A100 for 2,280 h, OPT 0.981M over
    # 1,024 for 793.5 h, GPT-3 3.26M over 10,000 V100 for 355.2 h, PaLM 3.39M over 6,144 TPU v4
    published = {"a100-40gb": 1.207, "a100-80gb": 1.207, "v100-sxm": 0.917, "tpu-v4": 0.359}
    for chip, price in published.items():
        assert owned_hour(chip, FACTS) == pytest.approx(price, rel=0.20)


def test_what_columns_leave_empty_is_looked_up() -> None:
    bare = Row(name="GPT-3 175B amortised training cost", kind="cost", value="1", unit="USD2023",
               metric="amortised_hw_energy_cost", source="s")  # fmt: skip
    found = run_work(bare)
    assert (found.active, found.flop) == (175e9, 6 * 175e9 * 300e9)
    assert found.chip == "v100-sxm"
    assert published_run("Llama 3.1-405B amortised")["tokens"] == 15.6e12
    assert published_run("Llama-2-7B")["active"] == 6.74e9
    assert published_run("Llama3-70B")["chip"] == "h100-sxm"
    assert published_run("Something-7B") == {}


def test_stated_flop_come_before_tokens_of_the_data_set() -> None:
    row = dataclasses.replace(LLAMA, tokens="180e9", notes="C=4.3e+23 FLOP; MFU=0.5")
    assert run_work(row).flop == 4.3e23
    mixture = dataclasses.replace(
        row, params_total="1.2e12", params_active="", tokens="600e9", name="X",
        notes="C=3.6e23 FLOP",
    )  # fmt: skip
    assert run_work(mixture).active == pytest.approx(1e11)


def test_accelerators_without_a_law_take_the_usual_utilisation() -> None:
    row = dataclasses.replace(LLAMA, hardware="Google TPU v3", name="X", params_active="")
    work = run_work(row)
    rate = run_rate(row, work, FACTS)
    assert work.chip == "tpu-v3"
    assert rate.best is None
    assert rate.flops(work, FACTS) == pytest.approx(123e12 * 0.375)


@pytest.mark.parametrize(
    ("hardware", "chip"),
    [("NVIDIA Tesla P100 SXM2", "p100"), ("NVIDIA Tesla K80", "k80"), ("TPUv3", "tpu-v3"),
     ("Huawei Ascend 910", "ascend-910"), ("Google TPU v4", "tpu-v4"), ("MI250X", "mi250x")],
)  # fmt: skip
def test_hardware_of_old_runs(hardware: str, chip: str) -> None:
    row = dataclasses.replace(LLAMA, hardware=hardware)
    assert run_work(row).chip == chip
    assert predict(row, FACTS).value > 0


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("2T", 2e12),
        ("~70B", 70e9),
        ("1.4 trillion", 1.4e12),
        ("300 B tokens", 300e9),
        ("many", None),
    ],
)
def test_numbers_with_letters(text: str, number: float | None) -> None:
    assert sized(text) == number


@pytest.mark.parametrize(("active", "total"), [(7e9, 7e9), (70e9, 70e9), (37e9, 671e9)])
def test_nearest_architecture(active: float, total: float) -> None:
    from groundup.models.workload import active_parameters, work_of

    found = nearest(active, total)
    assert active_parameters(found) == pytest.approx(active, rel=0.1)
    assert float(work_of(found).parameters) == pytest.approx(total, rel=0.1)


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"tokens": "", "name": "X"}, "tokens"),
        ({"params_total": "", "params_active": "", "name": "X"}, "params"),
        ({"hardware": ""}, "hardware"),
        ({"metric": "training_hours", "unit": "h"}, "n_chips"),
        ({"metric": "loss", "unit": "nats"}, "loss"),
        ({"metric": "tokens_at_end", "unit": "tok"}, "not a result"),
        ({"kind": "reliability", "metric": "failures_per_week"}, "n_chips"),
        ({"kind": "reliability", "metric": "failures", "n_chips": "8"}, "no time"),
        ({"kind": "weather"}, "weather"),
    ],
)
def test_what_is_missing_is_named(change: dict[str, str], missing: str) -> None:
    row = dataclasses.replace(LLAMA, **change)
    if missing == "hardware":
        row = dataclasses.replace(row, name="X 7B")
    with pytest.raises(NoDataError, match=missing):
        predict(row, FACTS)


def test_failures_of_a_job() -> None:
    row = Row(
        name="X", kind="reliability", n_chips="16384", metric="interruptions_54d",
        value="419", unit="count", source="s",
    )  # fmt: skip
    month = dataclasses.replace(row, metric="interruptions_108_days")
    assert predict(month, FACTS).value == pytest.approx(2 * predict(row, FACTS).value)
    apart = dataclasses.replace(row, metric="mtti_hours", unit="h")
    assert predict(apart, FACTS).value == pytest.approx(54 * 24 / predict(row, FACTS).value)
    share = dataclasses.replace(row, metric="effective_training_time", unit="fraction")
    assert 0.8 < predict(share, FACTS).value < predict(share, FACTS).high <= 1.0


def test_tables_carry_their_sources() -> None:
    for table in ("train_run", "train_run_epoch", "cost", "energy_runs", "reliability"):
        with (DATA / f"{table}.csv").open(encoding="utf-8") as file:
            assert all(row["source"] for row in csv.DictReader(file))
