import numpy as np
import pytest

from groundup.chips.catalogue import known
from groundup.chips.tokens import (
    Served,
    decode_speed,
    hour_cost,
    per_dollar,
    prefill_speed,
    price_of,
)
from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import NoDataError
from groundup.facts.estimate import given

FACTS = load_catalogue()


def test_an_hour_is_write_off_and_electricity():
    price = given(30_000.0, "USD/accelerator", "price")
    cost = hour_cost("h100-sxm", price, FACTS)
    # 5 years of 8766 h, and 0.7 kW at 0.081 USD/kWh
    assert cost.to("USD/(accelerator*h)").value == pytest.approx(30_000 / 43_830 + 0.0567, rel=1e-3)


def test_prices_are_on_record_or_follow_from_the_module():
    assert price_of("h100-sxm", FACTS).value == known("h100-sxm", "price", FACTS).value
    with pytest.raises(NoDataError, match="tpu-v4"):
        price_of("tpu-v4", FACTS)
    module = given(2000.0, "USD/accelerator", "module")
    assert price_of("tpu-v4", FACTS, module_cost=module).value == pytest.approx(12_500)


def test_tokens_a_dollar_rise_with_the_batch():
    batch = 2.0 ** np.arange(9)
    speed = decode_speed("h100-sxm", Served(), batch, FACTS)
    cost = hour_cost("h100-sxm", price_of("h100-sxm", FACTS), FACTS)
    tokens = per_dollar(speed, cost).values
    assert (np.diff(tokens) > 0).all()
    # one sequence: below bandwidth over bytes (3.35e12 / 71.3e9 = 47 token/s)
    assert 20 < speed.values[0] < 47


def test_prefill_is_matrix_products():
    # 80 % of 989 TFLOP/s over 140 GFLOP a token
    speed = prefill_speed("h100-sxm", Served(), FACTS).value
    assert speed == pytest.approx(0.8 * 989.4e12 / 140e9, rel=0.03)


def test_no_power_is_no_hour():
    with pytest.raises(NoDataError, match="tpu-v5p"):
        hour_cost("tpu-v5p", given(1.0, "USD/accelerator", "price"), FACTS)
