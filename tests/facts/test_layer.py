import pytest

from groundup.facts.errors import NoDataError
from groundup.facts.estimate import given
from groundup.facts.layer import Ask, LayerPlan


def test_asks_grow_without_changing_the_one_before():
    first = Ask("h100-sxm", {"accelerators": given(8.0, "accelerator", "n")})
    second = first.with_(hours=given(2.0, "h", "t")).labelled(node="n5")
    assert "hours" in second
    assert "hours" not in first
    assert (second.labels["node"], first.labels) == ("n5", {})
    with pytest.raises(NoDataError, match="asked for accelerators"):
        _ = first["hours"]


def test_headroom_is_limit_over_needs_across_units():
    plan = LayerPlan(5, "sites", given(500.0, "kW", "p"), given(1.0, "MW", "l"), "grid")
    assert plan.headroom.value == pytest.approx(2.0)
    assert str(plan.headroom.unit) == "1"
    assert LayerPlan(5, "sites", given(1.0, "kW", "p"), None, "not limited").headroom is None
