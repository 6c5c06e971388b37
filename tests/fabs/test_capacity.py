import numpy as np
import pytest
from hypothesis import given as forall
from hypothesis import strategies as st

from groundup.fabs.capacity import build_cost, build_months, delivered, euv_tools
from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import NoDataError
from groundup.facts.estimate import Estimate, given
from groundup.facts.units import as_unit

FACTS = load_catalogue()


def rates(values):
    return Estimate(np.asarray(values, float)[:, None], as_unit("accelerator/month"), label="rate")


def test_deliveries_follow_the_lines_a_lead_time_later():
    lead = given(2.0, "month", "lead")
    found = delivered(rates([10, 20, 30, 40]), lead, 4).values
    np.testing.assert_allclose(found, [0, 0, 10, 30])
    half = given(1.5, "month", "lead")
    np.testing.assert_allclose(delivered(rates([10, 20, 30, 40]), half, 4).values, [0, 5, 20, 45])


@forall(st.lists(st.floats(0.0, 1e6), min_size=2, max_size=24), st.floats(0.0, 30.0))
def test_nothing_is_lost_and_nothing_comes_early(values, lead):
    found = delivered(rates(values), given(lead, "month", "lead"), len(values)).values
    assert (np.diff(found) >= -1e-6).all()
    assert found[-1] <= sum(values) + 1e-6
    assert found[: int(lead)].sum() == 0
    none = delivered(rates(values), given(0.0, "month", "lead"), len(values)).values
    np.testing.assert_allclose(none, np.cumsum(values))


def test_draws_of_the_lead_time_are_kept_apart():
    lead = Estimate(np.array([1.0, 0.0, 3.0]), as_unit("month"), label="lead")
    found = delivered(rates([10, 10, 10]), lead, 3).samples
    np.testing.assert_allclose(found, [[0, 10, 0], [10, 20, 0], [20, 30, 0]])


def test_a_fab_takes_twice_as_long_in_the_united_states():
    here, there = (FACTS[f"fabs.construction.{r}.total"].value for r in ("us", "taiwan"))
    assert here / there == 2.0
    install, ramp = (FACTS[f"fabs.fab.{word}"].value for word in ("install", "ramp"))
    assert build_months("us", FACTS).value == here + install + ramp
    assert build_months("us", FACTS).value > build_months("europe", FACTS).value
    with pytest.raises(NoDataError, match="japan"):
        build_months("japan", FACTS)  # only first ground to production is on record


def test_published_fabs():
    # IBS 2023: 50 000 wafers a month are 20 GUSD at 3 nm and 28 at 2 nm
    wafers = given(50_000.0, "wafer/month", "wafers")
    assert build_cost("n3", wafers, FACTS).to("GUSD").value == pytest.approx(20)
    assert build_cost("n2", wafers, FACTS).to("GUSD").value == pytest.approx(28)
    # ASML 2019: a tool a layer for 45 000 wafers a month
    layers = FACTS["fabs.node.n5.euv_layers"].value
    per_layer = given(45_000.0, "wafer/month", "wafers")
    assert euv_tools("n5", per_layer, FACTS).to("tool").value == pytest.approx(layers)
    with pytest.raises(NoDataError, match="n28"):
        build_cost("n28", wafers, FACTS)
