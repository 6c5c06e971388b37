import csv
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import NoDataError
from groundup.materials.economy import (
    METALS,
    joint_loss,
    restriction,
    semiconductor_share,
)

FACTS = load_catalogue()
PUBLISHED = Path(__file__).parents[1] / "data" / "supply_shock.csv"


def published(metal, metric):
    lines = [x for x in PUBLISHED.read_text().splitlines() if not x.startswith("#")]
    (row,) = (r for r in csv.DictReader(lines) if (r["metal"], r["metric"]) == (metal, metric))
    return row


def both(samples=0):
    return tuple(restriction(metal, FACTS, samples) for metal in METALS)


@pytest.mark.parametrize("metal", METALS)
def test_loss_lies_in_the_published_range(metal):
    row = published(metal, "loss")
    ours = restriction(metal, FACTS, 2000).loss.to("GUSD/year")
    assert float(row["low"]) <= ours.value <= float(row["high"])
    # and our interval holds the study's central estimate
    assert ours.low <= float(row["value"]) <= ours.high


def test_joint_loss_lies_in_the_published_range():
    row = published("both", "loss")
    ours = joint_loss(both(2000)).to("GUSD/year")
    assert float(row["low"]) <= ours.value <= float(row["high"])
    assert ours.low <= float(row["value"]) <= ours.high


def test_gallium_more_than_doubles_and_germanium_rises_far_less():
    gallium, germanium = (100 * (r.price.value - 1) for r in both())
    assert gallium > float(published("gallium", "price")["value"])
    # within a factor of two of the study, and the order of the metals is its order
    assert float(published("germanium", "price")["value"]) / 2 < germanium
    assert germanium < 2 * float(published("germanium", "price")["value"])


def test_semiconductor_makers_bear_most_of_what_any_one_industry_bears():
    share = semiconductor_share(both())
    assert 100 * share.value > float(published("both", "semiconductor_share")["value"])


def test_losses_come_by_radio_lasers_and_fibre_only():
    gallium, germanium = both()
    assert set(gallium.direct) == {"radio", "lasers", "leds"}
    assert set(germanium.direct) == {"fibre", "infrared", "devices"}
    assert max(gallium.direct, key=lambda use: gallium.direct[use].value) == "radio"
    # quantity, not price, makes the loss: the metal itself costs two orders less
    assert gallium.dearer.value < 0.02 * gallium.loss.value


def test_equilibrium_clears_the_market():
    # what others supply at the new price equals what users still take
    r = restriction("gallium", FACTS, 500)
    demand = FACTS.estimate("materials.elasticity.demand", 500).samples
    supply = FACTS.estimate("materials.elasticity.supply", 500).samples
    price, short = r.price.samples, r.short.samples
    np.testing.assert_allclose((1 - short) * price**supply, price**-demand, rtol=1e-9)
    np.testing.assert_allclose(r.quantity.samples, 1 - price**-demand, rtol=1e-9)


def test_germanium_by_hand():
    # (43.7 - 0.8 x 30) / (43.7 + 30) x 0.7 is short; sum of the elasticities is 0.6
    short = (43.7 - 24) / 73.7 * 0.7
    r = restriction("germanium", FACTS)
    assert r.short.value == pytest.approx(short)
    assert r.price.value == pytest.approx((1 - short) ** (-1 / 0.6))
    sales = 2.5e9 * 0.6 + 1.2e9 * 0.7 + 0.6e9 * 0.6
    lost = sales * 0.65 * (1 - math.exp(math.log(1 - short) * 0.5)) * 2.2
    assert r.loss.value == pytest.approx(lost)


@given(st.floats(0, 1), st.floats(0, 1), st.sampled_from(METALS))
def test_a_larger_cut_never_loses_less(one, other, metal):
    small, large = (restriction(metal, FACTS, cut=cut) for cut in sorted((one, other)))
    assert small.loss.value <= large.loss.value + 1e-6
    assert small.price.value <= large.price.value + 1e-12


def test_a_cut_that_idle_capacity_replaces_costs_nothing():
    r = restriction("germanium", FACTS, cut=0.5)  # 21.9 t against 24 t
    assert r.price.value == pytest.approx(1)
    assert r.loss.value == pytest.approx(0, abs=1)


def test_a_metal_without_a_market_on_record_is_no_data():
    with pytest.raises(NoDataError, match=r"materials\.indium\.market"):
        restriction("indium", FACTS)
    with pytest.raises(NoDataError, match="did you mean 'gallium'"):
        restriction("galium", FACTS)
