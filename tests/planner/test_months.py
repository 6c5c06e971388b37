"""Month by month: the least floor binds, shocks lose output, missed output is caught up."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.facts.estimate import derived
from groundup.materials.shocks import Shock
from groundup.planner.months import LAYERS, NOTHING, _caught_up, schedule
from groundup.planner.passes import make_plan
from groundup.stack.load import load_stack

GALLIUM = Shock("gallium", "refining", "china", 1.0, 0, 18)


@pytest.fixture(scope="module")
def campus_stack(stacks):
    return load_stack(stacks / "campus-100k.toml")


@pytest.fixture(scope="module")
def plan(campus_stack):
    return make_plan(campus_stack, 200)


def test_delivered_is_the_least_floor_and_never_falls(campus_stack, plan):
    found = schedule(campus_stack, plan, 60)
    least = np.minimum.reduce([found.ready[name].values for name in LAYERS])
    assert found.delivered.values == pytest.approx(np.minimum(least, 1e5))
    assert (np.diff(found.delivered.samples, axis=0) >= -1e-6).all()
    for month, name in enumerate(found.binding):
        if name != NOTHING:
            assert found.ready[name].values[month] == pytest.approx(least[month])


def test_a_shock_never_helps_and_is_named(campus_stack, plan):
    calm, hit = (schedule(campus_stack, plan, 60, shocks) for shocks in ((), (GALLIUM,)))
    assert (hit.delivered.samples <= calm.delivered.samples + 1e-6).all()
    assert any(path.material == "gallium" for path in hit.paths)
    assert calm.paths == ()


def test_draws_say_how_sure_the_binding_floor_is(campus_stack, plan):
    found = schedule(campus_stack, plan, 60)
    assert all(0 < share <= 1 for share in found.certainty)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.floats(0, 100), min_size=2, max_size=24),
    st.integers(0, 23),
    st.floats(0, 1),
)
def test_nothing_is_made_twice_and_little_is_lost(increments, month, share):
    planned = np.cumsum(increments)[:, None]
    supply = np.ones((len(increments), 1))
    supply[min(month, len(increments) - 1)] = share
    pace = derived(planned, "accelerator", "pace", "given", ())
    made = _caught_up("x", pace, supply).samples
    assert (made <= planned + 1e-9).all()
    assert (np.diff(made, axis=0) >= -1e-9).all()
    quiet = _caught_up("x", pace, np.ones_like(supply)).samples
    assert quiet == pytest.approx(planned)
