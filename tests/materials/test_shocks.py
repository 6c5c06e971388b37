import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import ConfigError, NoDataError
from groundup.facts.estimate import given as known
from groundup.facts.layer import Ask
from groundup.materials.catalogue import materials, steps, suppliers, uses
from groundup.materials.shocks import FLOORS, Shock, country_shocks, layer_supply, paths

FACTS = load_catalogue()
ASK = Ask("any", {})
GALLIUM = Shock("gallium", "refining", "china", 0.9, 0, 12)
MARKETS = [
    (name, step, who)
    for name in materials()
    for step in steps(name, FACTS)
    for who in suppliers(name, step, FACTS)
]


def ways(shock, ask=ASK):
    return {(path.via, path.layer) for path in paths([shock], ask, FACTS, 24)}


def test_no_shock_leaves_every_floor_whole():
    found = layer_supply([], ASK, FACTS, 12, 100)
    assert set(found) == set(FLOORS)
    for share in found.values():
        np.testing.assert_array_equal(share.samples, np.ones((12, 101)))


def test_gallium_reaches_an_accelerator_by_optics_power_and_radio_not_by_wafers():
    assert ways(GALLIUM) == {
        ("transceiver", "networks"),
        ("power-device", "sites"),
        ("rf-generator", "fabs"),
    }
    worst = {floor: s.values.min() for floor, s in layer_supply([GALLIUM], ASK, FACTS, 24).items()}
    assert worst["networks"] < 0.7 < worst["sites"] < worst["fabs"]
    assert worst["fabs"] > 0.95  # spares of plasma tools, no wafers


@pytest.mark.parametrize(
    ("shock", "hit"),
    [
        (Shock("neon", "production", "ukraine", 1, 0, 12), {"fabs", "networks"}),
        (Shock("abf", "production", "ajinomoto", 1, 0, 12), {"chips"}),
        (Shock("rare-earth", "refining", "china", 1, 0, 12), {"sites"}),
        (Shock("lithium", "refining", "china", 1, 0, 12), {"sites"}),
        (Shock("helium", "production", "qatar", 1, 0, 12), {"fabs", "networks"}),
        (Shock("indium", "refining", "china", 1, 0, 12), {"networks", "chips"}),
    ],
)
def test_each_material_has_its_own_floors(shock, hit):
    assert {floor for _, floor in ways(shock)} == hit


def test_chips_need_their_dies():
    found = layer_supply(
        [Shock("photoresist", "production", "japan", 1, 0, 12)], ASK, FACTS, 24, 200
    )
    assert (found["chips"].samples <= found["fabs"].samples + 1e-12).all()
    assert found["chips"].values.min() == pytest.approx(found["fabs"].values.min())
    np.testing.assert_array_equal(found["sites"].samples, 1)


def test_the_scarcest_part_of_a_floor_counts():
    events = [GALLIUM, Shock("germanium", "refining", "china", 1, 3, 9)]
    found = layer_supply(events, ASK, FACTS, 24, 50)
    each = [p.shares.samples for p in paths(events, ASK, FACTS, 24, 50) if p.layer == "networks"]
    np.testing.assert_array_equal(found["networks"].samples, np.minimum.reduce(each))


def test_work_in_progress_comes_out_for_the_lag():
    # no stock can hold longer than its months plus the part's lag before a total loss shows
    found = layer_supply([Shock("abf", "production", "ajinomoto", 1, 0, 12)], ASK, FACTS, 24)
    first = int(np.argmax(found["chips"].values < 0.999))
    stock = FACTS["materials.abf.stock"].value / FACTS["materials.abf.production.ajinomoto"].value
    lag = FACTS["materials.part.package.lag"].value
    assert first == int(stock) + lag
    back = int(np.argmax(found["chips"].values[first:] > 0.999)) + first
    assert back == 12 + lag


def test_a_plan_without_optics_loses_none():
    copper = Ask("any", {"transceivers": known(0.0, "transceiver", "none")})
    assert ("transceiver", "networks") not in ways(GALLIUM, copper)
    found = layer_supply([GALLIUM], copper, FACTS, 24)
    np.testing.assert_array_equal(found["networks"].samples, 1)


def test_priority_and_own_stock_soften_the_loss():
    base = layer_supply([GALLIUM], ASK, FACTS, 24)["networks"].values
    first = Ask("any", {"material_priority": known(1.0, "1", "p")})
    half = Ask("any", {"material_priority": known(0.5, "1", "p")})
    stocked = Ask("any", {"material_stock": known(4.0, "month", "s")})
    np.testing.assert_array_equal(layer_supply([GALLIUM], first, FACTS, 24)["networks"].samples, 1)
    softer = layer_supply([GALLIUM], half, FACTS, 24)["networks"].values
    np.testing.assert_allclose(1 - softer, (1 - base) / 2)
    later = layer_supply([GALLIUM], stocked, FACTS, 24)["networks"].values
    assert int(np.argmax(later < 0.999)) > int(np.argmax(base < 0.999))
    use = FACTS["materials.gallium.use.transceiver"].value
    assert (later.sum() - base.sum()) == pytest.approx(4.0 * use)  # all four months were drawn


@given(
    st.sampled_from(MARKETS),
    st.floats(0, 1),
    st.floats(0, 1),
    st.integers(0, 6),
    st.integers(0, 18),
)
def test_floors_never_gain_from_a_larger_shock(market, one, other, start, months):
    name, step, who = market
    small, large = (
        layer_supply([Shock(name, step, who, lost, start, months)], ASK, FACTS, 30, 3)
        for lost in sorted((one, other))
    )
    for floor in FLOORS:
        assert (large[floor].samples <= small[floor].samples + 1e-12).all()
        assert (large[floor].samples >= 0).all()
        np.testing.assert_allclose(large[floor].samples[start + months + 4 :], 1)  # lags end


def test_every_use_is_of_a_known_part_and_every_market_has_a_use():
    for name in materials():
        for part in uses(name, FACTS):
            assert f"materials.part.{part}.lag" in FACTS
        if steps(name, FACTS):
            assert uses(name, FACTS), name


def test_worst_path_comes_first_and_says_why():
    found = paths([GALLIUM], ASK, FACTS, 24, 50)
    worst = [float(path.shares.values.min()) for path in found]
    assert worst == sorted(worst)
    assert (found[0].material, found[0].via, found[0].layer) == (
        "gallium",
        "transceiver",
        "networks",
    )
    assert "shortage 2 months before" in found[0].shares.formula


def test_no_months_is_an_error():
    with pytest.raises(ConfigError, match="months = 0; allowed is at least 1"):
        layer_supply([GALLIUM], ASK, FACTS, 0)


def test_ten_thousand_draws_of_five_years_are_fast():
    start = time.process_time()
    layer_supply([GALLIUM], ASK, FACTS, 60, 10_000)
    assert time.process_time() - start < 4  # a tenth of it on an idle core


def test_a_country_loses_everything_it_supplies():
    china = country_shocks("china", 0.5, 2, 6, FACTS)
    on_record = {key for key in FACTS.keys("materials.") if key.endswith(".china")}
    assert {f"materials.{s.material}.{s.step}.china" for s in china} == on_record
    assert len(on_record) > 15
    assert {(s.lost, s.start, s.months) for s in china} == {(0.5, 2, 6)}
    found = layer_supply(country_shocks("china", 1.0, 0, 12, FACTS), ASK, FACTS, 24)
    alone = layer_supply([Shock("gallium", "refining", "china", 1, 0, 12)], ASK, FACTS, 24)
    for floor in FLOORS:
        assert (found[floor].samples <= alone[floor].samples + 1e-12).all()
    with pytest.raises(NoDataError, match="no supplier `atlantis`"):
        country_shocks("atlantis", 1.0, 0, 1, FACTS)
