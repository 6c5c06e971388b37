import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.chips.catalogue import formats, sold
from groundup.chips.roofline import attainable, main_format, ridge
from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import NoDataError

FACTS = load_catalogue()
PAIRS = [(one.name, word) for one in sold() for word in formats(one.name, FACTS)]


def test_h100_ridge_is_at_295_operations_a_byte():
    # 989.4e12 / 3.35e12, as in NVIDIA's and Google's accounts of the H100 roofline
    assert ridge("h100-sxm", "bf16", FACTS).value == pytest.approx(295.3, abs=0.1)
    assert ridge("tpu-v5e", "bf16", FACTS).to("FLOP/B").value == pytest.approx(197e3 / 800)


@given(st.sampled_from(PAIRS), st.floats(1e-3, 1e6), st.floats(1.0, 10.0))
def test_the_roof_never_falls_and_never_passes_the_peak(pair, intensity, factor):
    name, word = pair
    low, high = attainable(name, word, [intensity, intensity * factor], FACTS).values
    peak = FACTS[f"chips.{name}.peak.{word}.dense"].value
    assert low <= high <= peak * (1 + 1e-12)
    if intensity < ridge(name, word, FACTS).value:
        assert low < peak


def test_rows_and_draws_run_the_same_code():
    points = attainable("h100-sxm", "bf16", np.logspace(-1, 4, 7), FACTS)
    drawn = attainable("h100-sxm", "bf16", np.logspace(-1, 4, 7), FACTS, 9)
    assert (points.samples.shape, drawn.samples.shape) == ((7, 1), (7, 10))
    np.testing.assert_allclose(points.values, drawn.values)


def test_a_format_that_the_chip_does_not_have_is_no_data():
    with pytest.raises(NoDataError, match=r"peak\.fp8"):
        attainable("v100-sxm", "fp8", 1.0, FACTS)
    assert main_format("v100-sxm", FACTS) == "fp16"
    assert main_format("d-matrix-corsair", FACTS) == "mxint4"
    assert main_format("this-machine", FACTS) is None
