"""Receipts against arithmetic done by hand, and laws of their intervals."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.apps.library import Library
from groundup.apps.receipt import Measured, Receipt, Row, Span, is_measured, make_receipt
from groundup.apps.release import Rate, Release
from groundup.apps.weights import Weights
from groundup.data.document import Document
from groundup.data.store import write_documents
from groundup.middleware.citations import Citation

WEIGHTS = Weights(1_000, "I8", 1_200, "sha256:00")


def rate(value: float, low: float, high: float, unit: str) -> Rate:
    return Rate(value, low, high, unit, "a table", "2025-01-01")


RATES = {
    "usd_per_kwh": rate(0.36, 0.18, 0.72, "USD/kWh"),
    "g_co2_per_kwh": rate(360, 36, 720, "g/kWh"),
    "l_water_per_kwh": rate(1.8, 0.9, 3.6, "L/kWh"),
    "hardware_usd_per_hour": rate(0.36, 0.036, 3.6, "USD/h"),
    "lifetime_answers": rate(1000, 500, 2000, "answers"),
}
MANIFESTS = {
    "data": {"seconds": 40.0, "joules": 1000.0, "joules_method": "rapl"},
    "pretrain": {
        "seconds": 200.0,
        "joules": 9000.0,
        "joules_low": 8000.0,
        "joules_high": 11000.0,
        "joules_method": "rapl",
        "metrics": {"tokens": 123456},
    },
}


@dataclass(frozen=True)
class Said:
    text: str
    citations: tuple[Citation, ...] = ()
    abstained: bool = False
    reason: str = ""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    folder = tmp_path_factory.mktemp("documents")
    shared = {"kind": "text", "title": "t", "source": "s", "version": "1", "licence_evidence": "e"}
    write_documents(
        [
            Document(
                doc_id="1", uri="a.py", path="", first_line=1, text="x\ny", licence="MIT", **shared
            ),
            Document(
                doc_id="2", uri="b.py", path="", first_line=1, text="z", licence="PSF-2.0", **shared
            ),
            Document(
                doc_id="3", uri="c.py", path="", first_line=1, text="z", licence="MIT", **shared
            ),
            Document(
                doc_id="4",
                uri="d.py",
                path="",
                first_line=1,
                text="q",
                licence="MIT",
                split="held-out",
                **shared,
            ),
        ],
        folder,
    )
    return Library(folder)


def release(rates: dict[str, Rate] = RATES, manifests: dict = MANIFESTS) -> Release:
    where = Path("r")
    return Release(where, "r", "2026", "laptop", {"model": where}, manifests, rates, ())


def receipt(library: Library, measured: Measured, **changes: object) -> Receipt:
    said = Said("words", (Citation("a.py", "", 1, 2, "x\ny"),))
    return make_receipt(said, release(**changes), library, WEIGHTS, measured)


def rows(found: Receipt) -> dict[str, Row]:
    return {row.item: row for row in found.rows}


TEN_SECONDS = Measured(10.0, 90.0, 80.0, 100.0, "rapl")


def test_arithmetic_by_hand(library: Library) -> None:
    found = rows(receipt(library, TEN_SECONDS))
    # 10 000 J over 1000 answers (500..2000); low 9000 / 2000, high 12000 / 500
    share = found["share of that in this answer"]
    assert (share.value, share.low, share.high) == (10.0, 4.5, 24.0)
    # 90 + 10 J = 1/36000 kWh
    electricity = found["electricity"]
    assert electricity.value == pytest.approx(100 / 3.6e6 * 0.36)
    assert electricity.low == pytest.approx(84.5 / 3.6e6 * 0.18)
    assert electricity.high == pytest.approx(124 / 3.6e6 * 0.72)
    assert found["carbon dioxide"].value == pytest.approx(0.01)
    assert found["water"].value == pytest.approx(5e-5)
    # 10 s of a machine at 0.36 USD an hour
    assert found["share of the machine"].value == pytest.approx(0.001)
    total = receipt(library, TEN_SECONDS).total_usd
    assert total.value == pytest.approx(0.001 + 1e-5)
    assert total.low == pytest.approx(0.0001 + 84.5 / 3.6e6 * 0.18)


def test_documents_model_and_data(library: Library) -> None:
    found = rows(receipt(library, TEN_SECONDS))
    assert found["cited"].text == "a.py:1-2"
    assert found["cited"].source == "MIT"
    assert found["parameters"].value == 1000
    assert found["training documents"].value == 3  # the held-out one was not trained on
    assert found["licences of training documents"].text == "MIT 2, PSF-2.0 1"
    assert found["tokens trained on"].value == 123456
    assert found["time to build this release"].value == 240


def test_measured_only_when_everything_was_measured(library: Library) -> None:
    found = rows(receipt(library, TEN_SECONDS))
    assert found["energy of this answer"].basis == "measured"
    assert found["energy to build this release"].basis == "measured"
    assert found["time of this answer"].basis == "measured"
    for item in ("electricity", "water", "carbon dioxide", "share of the machine"):
        assert found[item].basis == "planned"
    estimated = Measured(10.0, 90.0, 80.0, 100.0, "estimate: CPU-seconds x watts")
    assert rows(receipt(library, estimated))["energy of this answer"].basis == "planned"
    assert not is_measured("estimate: rapl is not readable")


def test_a_lacking_rate_is_no_data_and_not_zero(library: Library) -> None:
    some = {k: v for k, v in RATES.items() if k != "usd_per_kwh"}
    found = receipt(library, TEN_SECONDS, rates=some)
    assert rows(found)["electricity"].value is None
    assert "usd_per_kwh" in rows(found)["electricity"].text
    assert "electricity" in found.total_usd.source
    nothing = receipt(library, TEN_SECONDS, rates={}, manifests={})
    assert nothing.total_usd.value is None


def test_energy_below_the_meters_step_is_not_zero(library: Library) -> None:
    found = rows(receipt(library, Measured(0.001, 0.0, 0.0, 0.0, "estimate: CPU seconds")))
    assert found["energy of this answer"].value is None
    assert found["electricity"].value == pytest.approx(10 / 3.6e6 * 0.36)  # the training share


def test_every_floor_in_order_and_json(library: Library) -> None:
    found = receipt(library, TEN_SECONDS)
    assert {row.floor for row in found.rows} == {14, 13, 12, 11, 10, 9, 8, 6, 5, 4, 3, 2, 1}
    again = json.loads(json.dumps(found.to_json()))
    assert len(again["rows"]) == len(found.rows)
    assert again["total_usd"]["unit"] == "USD"


SPANS = st.tuples(*[st.floats(1e-6, 1e6)] * 3).map(sorted).map(lambda s: Span(s[1], s[0], s[2]))


@given(SPANS, SPANS)
def test_intervals_hold_their_value(a: Span, b: Span) -> None:
    for span in (a.times(b), a.over(b), a.plus(b)):
        assert span.low <= span.value <= span.high
    back = a.times(b).over(b)
    assert math.isclose(back.value, a.value, rel_tol=1e-9)
    assert back.low <= a.low * (1 + 1e-9)
    assert back.high >= a.high * (1 - 1e-9)
