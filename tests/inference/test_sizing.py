from __future__ import annotations

import numpy as np
import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import NoDataError
from groundup.inference.scheduler import Scheduler
from groundup.inference.simulate import Fleet, Speculation, simulate
from groundup.inference.simulated import Slo, summarise
from groundup.inference.sizing import (
    Option,
    cheapest,
    evaluate,
    most_per_s,
    size,
    usd_per_mtoken,
)
from groundup.inference.step_costs import affine
from groundup.inference.traces import with_means

FACTS = load_catalogue()
COSTS = affine(
    128, step=8e-3, per_request=5e-5, per_context=2e-8, per_prompt_token=2e-5, per_pair=1e-10
)
REQUESTS = with_means(500, 150, 800, 10.0, FACTS)
FLEET = Fleet(1, Scheduler(128, cache=200_000))
SLO = Slo(ttft=0.6, tpot=0.04)
OPTION = Option("one", 2, COSTS, FLEET)


@pytest.mark.parametrize(
    "fleet",
    [
        FLEET,
        Fleet(1, Scheduler(128, cache=20_000)),
        Fleet(1, Scheduler(128, policy="prefill-first", cache=200_000)),
        Fleet(1, Scheduler(32, width=4, cache=200_000), speculation=Speculation(3, 0.7)),
    ],
)
def test_closed_form_capacity_is_what_a_flooded_replica_serves(fleet: Fleet) -> None:
    flooded = REQUESTS.at_rate(500.0)
    run = simulate(flooded, COSTS, fleet)
    middle = (run.finished > np.quantile(run.finished, 0.2)) & (
        run.finished < np.quantile(run.finished, 0.8)
    )
    served = middle.sum() / np.ptp(run.finished[middle])
    assert most_per_s(flooded, COSTS, fleet) == pytest.approx(served, rel=0.15)


def test_fewest_meets_and_one_less_does_not() -> None:
    found = size(REQUESTS, OPTION, 60.0, SLO)
    assert found.at.meets(SLO)
    assert found.accelerators == 2 * found.replicas
    fewer = Fleet(found.replicas - 1, FLEET.scheduler)
    assert not evaluate(REQUESTS, COSTS, fewer, 60.0, SLO).meets(SLO)
    assert found.load < 1
    assert found.headroom >= 1
    usd = found.usd_per_mtoken(2.0)
    assert usd == pytest.approx(found.accelerators * 2.0 / 3600 / found.at.output_per_s * 1e6)
    assert usd == usd_per_mtoken(found.at, found.accelerators, 2.0)


def test_tighter_limits_and_more_load_need_more() -> None:
    base = size(REQUESTS, OPTION, 60.0, SLO).replicas
    assert size(REQUESTS, OPTION, 120.0, SLO).replicas > base
    assert size(REQUESTS, OPTION, 60.0, Slo(ttft=0.25, tpot=0.02)).replicas >= base


def test_near_saturation_is_warned_of() -> None:
    loose = Slo(ttft=60.0, tpot=1.0)
    found = size(REQUESTS, OPTION, 60.0, loose, slow=1.3)
    assert "20 % more load" in found.warning
    assert "slow end" in found.warning
    assert found.headroom < 1.25


def test_impossible_limits_are_refused() -> None:
    with pytest.raises(NoDataError, match="miss the limits with no one else there"):
        size(REQUESTS, OPTION, 5.0, Slo(tpot=1e-3))
    with pytest.raises(NoDataError, match="no option meets"):
        cheapest(REQUESTS, [OPTION], 5.0, Slo(tpot=1e-3))


def test_the_cheapest_option_wins() -> None:
    wide = Option("twice the chips, 1.5 times the speed", 4, COSTS.slower(1 / 1.5), FLEET)
    found = cheapest(REQUESTS, [wide, OPTION], 60.0, SLO)
    each = [size(REQUESTS, option, 60.0, SLO).accelerators for option in (wide, OPTION)]
    assert found.accelerators == min(each)


def test_a_part_of_a_large_fleet_stands_for_all() -> None:
    """16 replicas simulated whole against 8 of them with half of the load."""
    requests = with_means(500, 150, 6000, 10.0, FACTS)
    rate = 0.7 * 16 * most_per_s(requests, COSTS, FLEET)
    fleet = Fleet(16, FLEET.scheduler)
    whole = summarise(simulate(requests.at_rate(rate), COSTS, fleet), SLO)
    part = evaluate(requests, COSTS, fleet, rate, SLO)
    assert part.ttft.p50 == pytest.approx(whole.ttft.p50, rel=0.1)
    assert part.ttft.p99 == pytest.approx(whole.ttft.p99, rel=0.2)
    assert part.output_per_s == pytest.approx(whole.output_per_s, rel=0.1)
