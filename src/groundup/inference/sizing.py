"""Fewest replicas that meet limits on waiting at a load: a closed form, then simulated bisection.

All simulations of one search serve the same requests (common random numbers), so that one more
replica is compared with one less, not luck with luck.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from groundup.facts.check import in_range
from groundup.facts.errors import NoDataError
from groundup.inference.requests import Requests
from groundup.inference.simulate import Fleet, simulate
from groundup.inference.simulated import Simulated, Slo, summarise
from groundup.inference.step_costs import StepCosts

MOST_SIMULATED = 8
"""A larger fleet is simulated as this many replicas with their share of the load: with a router
that looks at the queues, replicas beyond that change little (tests/inference/test_sizing.py)."""

NEAR = 0.85
"""Share of the capacity from which on a small error of the capacity is a large one of the wait: the
mean wait of M/D/1 doubles between 0.85 and 0.92."""

_LARGEST = 1 << 20


@dataclass(frozen=True)
class Option:
    """One way to build a replica."""

    name: str
    """What it is called in the answer: tensor ranks, batch, chunk."""
    accelerators: float
    """Accelerators of a replica."""
    costs: StepCosts
    """Seconds of its steps."""
    fleet: Fleet
    """Its scheduler and the router; the number of replicas is what is looked for."""


@dataclass(frozen=True)
class Sizing:
    """The smallest fleet and how safe it is."""

    option: Option
    """The replica that was chosen."""
    replicas: int
    """How many of them."""
    accelerators: float
    """Accelerators of all."""
    load: float
    """Rate over the closed-form capacity of the fleet."""
    at: Simulated
    """The run at the rate asked for."""
    busier: Simulated
    """The run with 20 % more requests a second."""
    slow: Simulated | None
    """The run with steps at the slow end of the latency model; None without one."""
    headroom: float
    """Largest rate that meets the limits over the rate asked for, within 5 %."""
    warning: str
    """Why to add replicas; empty where neither doubt breaks the limits."""

    def usd_per_mtoken(self, usd_per_hour: float) -> float:
        """Dollars for a million written tokens, accelerators at `usd_per_hour` each."""
        return usd_per_mtoken(self.at, self.accelerators, usd_per_hour)


def usd_per_mtoken(found: Simulated, accelerators: float, usd_per_hour: float) -> float:
    """Dollars for a million written tokens of a fleet at the load of a run."""
    return accelerators * usd_per_hour / 3600 / found.output_per_s * 1e6


def most_per_s(requests: Requests, costs: StepCosts, fleet: Fleet) -> float:
    """Requests a second that one replica keeps up with, from mean lengths alone.

    The best batch B up to the scheduler's and the cache's limit of B / (B R + n T(B)): reading
    takes R seconds a prompt, n steps of decoding T(B) seconds each. With readers it is a decoding
    replica's share of what the slower of both pools keeps up with. A prefix cache is left out, so
    with one this is too low (infinity is answered: the simulation decides).
    """
    if fleet.prefix_cache:
        return math.inf
    prompt, output = float(requests.prompt.mean()), float(requests.output.mean())
    rounds = max(output - 1, 0.0)
    drafted, alpha = fleet.speculation.drafted, fleet.speculation.accepted
    if drafted:
        gained = (1 - alpha ** (drafted + 1)) / (1 - alpha) if alpha < 1 else drafted + 1
        rounds /= gained
    rules = fleet.scheduler
    mean = prompt + output / 2  # half of the answer is there on average
    room = rules.cache / (mean + rules.block / 2)
    best = 0.0
    tops = {int(b) for b in np.geomspace(1, min(rules.most, max(room, 1)), 24)}
    for batch in sorted(tops):
        read = prompt * (1 - fleet.cached_share)
        chunks = max(math.ceil(read / max(rules.budget - batch * rules.width, 1)), 1)
        each = read / chunks
        beside = batch if rules.policy == "chunked" and rounds else 0
        apart = 0.0 if beside else costs.decode(0, 0.0)  # a step of its own for every prompt
        pairs = costs.pair * read * (prompt - read / 2)
        reading = chunks * (costs.prompt(beside, each) + apart) + pairs
        step = costs.decode(batch, batch * mean) if rounds else 0.0
        if fleet.readers:
            apart = costs.decode(0, 0.0) + costs.prompt(0, each)
            pool = fleet.readers / (chunks * apart + pairs) / fleet.replicas
            here = batch / (rounds * step) if rounds else math.inf
            best = max(best, min(pool, here))
        else:
            best = max(best, batch / (batch * reading + rounds * step))
    return best


def evaluate(
    requests: Requests, costs: StepCosts, fleet: Fleet, rate: float, slo: Slo, seed: int = 0
) -> Simulated:
    """The statistics of a fleet at a rate; large fleets as a part with its share of the load."""
    part = min(fleet.replicas, MOST_SIMULATED)
    share = part / fleet.replicas
    readers = max(round(fleet.readers * share), 1) if fleet.readers else 0
    small = replace(fleet, replicas=part, readers=readers)
    found = summarise(simulate(requests.at_rate(rate * share), costs, small, seed), slo)
    most = most_per_s(requests, costs, fleet) * fleet.replicas
    over = "" if rate < most else (
        f"load exceeds capacity: {rate:.3g} requests a second come, {most:.3g} can be kept up with"
    )  # fmt: skip
    return replace(
        found,
        unstable=found.unstable or over,
        rate=found.rate / share,
        output_per_s=found.output_per_s / share,
        prompt_per_s=found.prompt_per_s / share,
        goodput_per_s=found.goodput_per_s / share,
    )


def size(
    requests: Requests,
    option: Option,
    rate: float,
    slo: Slo,
    slow: float = 1.0,
    seed: int = 0,
) -> Sizing:
    """Fewest replicas of one option that meet `slo` at `rate` requests a second.

    `requests` give lengths and bursts (their own rate is stretched); `slow` above 1 is the factor
    of the slow end of the latency model. NoDataError where no number of replicas meets the limits,
    as when one request alone misses them.
    """
    in_range("rate", rate, 1e-12)

    def run(replicas: int, load: float = rate, factor: float = 1.0) -> Simulated:
        costs = option.costs if factor == 1 else option.costs.slower(factor)
        return evaluate(requests, costs, replace(option.fleet, replicas=replicas), load, slo, seed)

    capacity = most_per_s(requests, option.costs, option.fleet)
    least = max(math.ceil(rate / capacity), 1)  # 1 where nothing is known of the capacity
    alone = run(_LARGEST, 1e-3)
    if not alone.meets(slo):
        raise NoDataError(
            f"{option.name}: {1 - alone.met:.1%} of the requests miss the limits with no one else "
            f"there (p99 TTFT {alone.ttft.p99:.3g} s, TPOT {alone.tpot.p99:.3g} s); ask for less "
            "or use faster replicas"
        )
    replicas = _fewest(least, lambda count: run(count).meets(slo))
    at, busier = run(replicas), run(replicas, 1.2 * rate)
    slowly = run(replicas, factor=slow) if slow > 1 else None
    load = rate / (capacity * replicas)
    head = _headroom(lambda factor: run(replicas, factor * rate).meets(slo))
    return Sizing(
        option, replicas, replicas * option.accelerators, load, at, busier, slowly, head,
        _warning(load, at, busier, slowly, slo),
    )  # fmt: skip


def cheapest(
    requests: Requests, options: Sequence[Option], rate: float, slo: Slo, slow: float = 1.0
) -> Sizing:
    """The option that needs fewest accelerators; those that cannot meet the limits are passed over.

    Options are tried in the order of the accelerators that their closed-form capacity asks for, and
    no longer than one of them can still win. NoDataError with each option's reason where none can.
    """
    found: Sizing | None = None
    reasons: list[str] = []
    for least, option in sorted(
        ((_least_accelerators(requests, option, rate), option) for option in options),
        key=lambda pair: pair[0],
    ):
        if found is not None and least > found.accelerators:
            break
        try:
            sizing = size(requests, option, rate, slo, slow)
        except NoDataError as error:
            reasons.append(str(error))
            continue
        better = found is None or (sizing.accelerators, -sizing.headroom) < (
            found.accelerators, -found.headroom
        )  # fmt: skip
        found = sizing if better else found
    if found is None:
        raise NoDataError("no option meets the limits: " + "; ".join(reasons))
    return found


def _least_accelerators(requests: Requests, option: Option, rate: float) -> float:
    capacity = most_per_s(requests, option.costs, option.fleet)
    return max(math.ceil(rate / capacity), 1) * option.accelerators


def _fewest(least: int, enough: Callable[[int], bool]) -> int:
    """Smallest count from `least` on that is enough: doubling, then bisection.

    Below `least` the mean load exceeds the capacity, whatever a run that ends may show.
    """
    low, high = least - 1, least
    while not enough(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _headroom(enough: Callable[[float], bool]) -> float:
    """Largest factor of the load that is met, by bisection between 1 and 4 to 5 %."""
    low, high = 1.0, 4.0
    while high / low > 1.05:
        middle = math.sqrt(low * high)
        low, high = (middle, high) if enough(middle) else (low, middle)
    return low


def _warning(
    load: float, at: Simulated, busier: Simulated, slow: Simulated | None, slo: Slo
) -> str:
    said = []
    if load > NEAR:
        said.append(f"the load is {load:.0%} of the capacity: small errors of it move waits a lot")
    if not busier.meets(slo):
        said.append(
            f"with 20 % more load the limits are broken (p99 TTFT {at.ttft.p99:.3g} -> "
            f"{_said(busier)})"
        )
    if slow is not None and not slow.meets(slo):
        said.append(
            f"with steps at the slow end of the latency model they are broken (p99 TTFT "
            f"{_said(slow)})"
        )
    return "; ".join(said)


def _said(found: Simulated) -> str:
    return "without end" if found.unstable else f"{found.ttft.p99:.3g} s"
