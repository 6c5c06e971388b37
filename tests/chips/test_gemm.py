import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.chips.published import rows

from groundup.chips.catalogue import chip, figure
from groundup.chips.gemm import (
    Product,
    fill,
    gemm_efficiency,
    gemm_share,
    gemm_time,
    matmul_speed,
)
from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import NoDataError

FACTS = load_catalogue()
ROWS = rows("kernel", "matmul")
SIZES = st.integers(1, 20_000)


def law(row):
    peak = figure(row["chip"], f"peak.{row['precision']}.dense", FACTS).value
    watts = figure(row["chip"], "tdp", FACTS).value
    return [1.0, math.log(watts / peak), float(chip(row["chip"]).maker == "AMD")], math.log(
        float(row["value"]) / peak
    )


def errors(held_out):
    """Errors of the law refitted here, each chip predicted without (or with) its own rows."""
    inputs, logs = (np.array(part) for part in zip(*map(law, ROWS), strict=True))
    names = np.array([row["chip"] for row in ROWS])
    found = np.empty(len(ROWS))
    for index, name in enumerate(names):
        kept = names != name if held_out else np.full(len(names), True)
        constants = np.linalg.lstsq(inputs[kept], logs[kept], rcond=None)[0]
        found[index] = math.exp(inputs[index] @ constants - logs[index]) - 1
    return np.abs(found)


def test_the_law_keeps_its_bars_over_the_published_table():
    reached = [matmul_speed(row["chip"], row["precision"], FACTS).value for row in ROWS]
    published = [float(row["value"]) for row in ROWS]
    shipped = np.abs(np.array(reached) / published - 1)
    assert len(ROWS) == 18
    assert np.median(shipped) < 0.05  # the bar is 0.10
    assert np.max(shipped) < 0.20
    assert np.median(errors(held_out=True)) < 0.10  # the bar is 0.15


def test_the_shipped_constants_are_the_fit():
    inputs, logs = (np.array(part) for part in zip(*map(law, ROWS), strict=True))
    constants = np.linalg.lstsq(inputs, logs, rcond=None)[0]
    assert FACTS["chips.gemm.share"].value == pytest.approx(math.exp(constants[0]), abs=2e-3)
    assert FACTS["chips.gemm.power_exponent"].value == pytest.approx(constants[1], abs=2e-3)
    assert FACTS["chips.gemm.amd"].value == pytest.approx(math.exp(constants[2]), abs=2e-3)


def test_the_law_is_better_than_one_share_for_all():
    logs = np.array([law(row)[1] for row in ROWS])
    one_share = np.median(np.abs(np.exp(logs.mean() - logs) - 1))
    assert np.median(errors(held_out=True)) < one_share / 2


@given(st.tuples(SIZES, SIZES), st.integers(1, 200), st.integers(1, 4))
def test_fill_counts_padding_exactly(shape, cores, power):
    m, n = shape
    rows_, columns = 2**power, 2 ** (power + 1)
    best = 0.0
    for tall, wide in ((rows_, columns), (columns, rows_)):
        tiles = -(-m // tall) * -(-n // wide)
        waves = -(-tiles // cores)
        best = max(best, m * n / (waves * cores * tall * wide))
    assert fill(Product(m, n, 1), cores, rows_, columns).item() == pytest.approx(best)
    assert 0 < best <= 1


def test_wave_quantisation_drops_when_a_new_wave_begins():
    # NVIDIA's guide: the A100 has 108 multiprocessors; one tile more than a whole number of waves
    # makes a wave of its own
    full = fill(Product(108 * 128, 256, 1), 108, 128, 256).item()
    over = fill(Product(108 * 128 + 1, 256, 1), 108, 128, 256).item()
    assert full == 1.0
    assert over < 0.6


@given(SIZES, SIZES, SIZES, st.sampled_from(["h100-sxm", "mi300x", "gaudi3", "tpu-v4"]))
def test_no_product_beats_the_share_or_the_memory(m, n, k, name):
    product = Product(m, n, k)
    share = gemm_efficiency(name, product, "bf16", FACTS).value
    assert 0 < share <= gemm_share(name, "bf16", FACTS).value * (1 + 1e-9)
    bytes_ = 2.0 * (m * k + k * n + m * n)
    rate = figure(name, "bandwidth", FACTS).to("B/(s*accelerator)").value
    assert gemm_time(name, product, "bf16", FACTS).to("s").value >= bytes_ / rate


def test_a_grid_of_shapes_is_one_call_with_intervals():
    tokens = np.array([1, 16, 256, 4096])
    share = gemm_efficiency("h100-sxm", Product(tokens, 8192, 8192), "bf16", FACTS, 50)
    assert share.samples.shape == (4, 51)
    assert list(share.values) == sorted(share.values)
    assert share.values[0] < 0.01  # a matrix times a vector is bound by memory


def test_what_the_law_does_not_cover_is_no_data():
    for name, word in (("tpu-v5p", "bf16"), ("groq-lpu1", "fp16"), ("h100-sxm", "fp32")):
        with pytest.raises(NoDataError):
            gemm_share(name, word, FACTS)
    with pytest.raises(NoDataError, match="width"):
        gemm_time("maia-100", Product(1, 1, 1), "mx9", FACTS)
