"""Claim: a serving fleet is simulated exactly and an order faster than one step at a time.

Checked first: closed forms of queueing theory (M/D/1, M/M/1, M/G/1-PS, M/M/c) and, on a published
mix of lengths, every token's time against a plain simulation (tests/inference/one_step.py) that
takes one step and one request at a time, and against Vidur's scheduler and event loop, which take
the same step costs. Timed: simulated output tokens a wall second of all.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from _common import (
    Options,
    Result,
    agree,
    compare,
    no_data,
    print_machine,
    run,
    seconds,
    turns,
)
from _peer import Peer, peer_python

from groundup.facts.catalogue import load_catalogue
from groundup.inference.arrivals import poisson
from groundup.inference.queueing import md1_wait, mg1_ps_stay, mm1_wait, mmc_wait
from groundup.inference.requests import Requests
from groundup.inference.scheduler import POLICIES, Scheduler
from groundup.inference.simulate import Fleet, Run, simulate
from groundup.inference.simulated import Slo
from groundup.inference.sizing import Option, most_per_s, size
from groundup.inference.step_costs import StepCosts, affine
from groundup.inference.traces import published

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.inference.one_step import gaps, serve

FACTS = load_catalogue()
LAW = {
    "step": 8e-3, "per_request": 5e-5, "per_context": 2e-8, "per_prompt_token": 2e-5,
    "per_pair": 1e-10,
}  # fmt: skip
"""Seconds of a step, about those of an 8B model on one H100."""
COSTS = affine(256, **LAW)
VIDUR = "simulated tokens a second, against Vidur on the same requests and step costs"
FAST_AS = 10.0
ALLOWED = 0.05
"""Relative error of a simulated mean against its closed form."""
FASTER = 5.0
TOKENS_PER_S = 1e5


def theory(count: int) -> list[Result]:
    """Relative errors of simulated means against closed forms, at 60 to 80 % load."""
    draw = np.random.default_rng(0)
    ones = np.ones(count, np.int64)
    whole: list[tuple[str, float, float]] = []
    fixed = Requests(poisson(count, 7.0), 100 * ones, ones)
    found = _served(fixed, affine(1, per_prompt_token=1e-3), Scheduler(1, 100))
    whole.append(("M/D/1 wait at 70 %", _wait(found), float(md1_wait(7.0, 0.1))))
    prompt = np.maximum(np.ceil(draw.exponential(10_000, count)), 1).astype(np.int64)
    found = _served(
        Requests(poisson(count, 6.0), prompt, ones), affine(1, per_prompt_token=1e-5),
        Scheduler(1, 10**7),
    )  # fmt: skip
    whole.append(("M/M/1 wait at 60 %", _wait(found), float(mm1_wait(6.0, 0.1))))
    output = np.maximum(np.rint(draw.exponential(200, count)), 1).astype(np.int64) + 1
    service = float(output.mean() - 1) * 1e-3
    shared = Requests(poisson(count, 0.6 / service), ones, output)
    found = _served(shared, affine(256, per_request=1e-3), Scheduler(256))
    stay = float((found.finished - shared.arrival).mean())
    whole.append(("M/G/1-PS stay at 60 %", stay, float(mg1_ps_stay(0.6 / service, service))))
    output = draw.geometric(1 / 400, count) + 1
    rate = 0.8 * 4 / 0.4
    found = _served(
        Requests(poisson(count, rate), ones, output), affine(4, step=1e-3), Scheduler(4)
    )
    whole.append(("M/M/4 wait at 80 %", _wait(found), mmc_wait(rate, 0.4, 4)))
    results = []
    for name, ours, exact in whole:
        error = abs(ours / exact - 1)
        print(f"{name}: simulated {ours * 1e3:.2f} ms, closed form {exact * 1e3:.2f} ms")
        results.append(compare(f"{name}: relative error", "1", [max(error, 1e-9)], [ALLOWED]))
    return results


def _served(requests: Requests, costs: StepCosts, rules: Scheduler) -> Run:
    return simulate(requests, costs, Fleet(1, rules))


def _wait(found: Run) -> float:
    return float((found.started - found.requests.arrival).mean())


def same_times(requests: Requests, rules: Scheduler) -> None:
    """Every first and last token and every preemption against the plain peer."""
    found, plain = _served(requests, COSTS, rules), serve(requests, COSTS, rules)
    last = np.asarray([s.times[-1] for s in plain])
    first = np.asarray([s.times[0] for s in plain])
    what = f"{rules.policy}, cache {rules.cache:g}"
    agree(f"{what}: first tokens, s", float(np.abs(found.first - first).max()), 1e-8)
    agree(f"{what}: last tokens, s", float(np.abs(found.finished - last).max()), 1e-8)
    put_back = sum(s.preempted for s in plain)
    agree(f"{what}: preemptions", abs(int(found.preempted.sum()) - put_back), 0)
    print(f"{what}: {gaps(plain).size} gaps between tokens, {put_back} put back")


def speed(chosen: Options) -> list[Result]:
    """Simulated output tokens a second of wall time, ours and the plain peer's."""
    count = chosen.pick(1500, 500, 60)
    results = []
    for name, load in (("30 % load", 0.3), ("70 % load", 0.7), ("90 % load", 0.9)):
        requests = published("azure_conv_2023", count, FACTS, 1.0)
        fleet = Fleet(1, Scheduler(256, cache=400_000))
        requests = requests.at_rate(load * most_per_s(requests, COSTS, fleet))
        tokens = float(requests.output.sum())
        work: dict[str, Callable[[], float]] = {
            "ours": partial(_rate, partial(simulate, requests, COSTS, fleet), tokens),
            "peer": partial(_rate, partial(serve, requests, COSTS, fleet.scheduler), tokens),
        }
        values = turns(work, chosen)
        claim = f"simulated tokens a second, one replica at {name}"
        results.append(compare(claim, "token/s", values["ours"], values["peer"], FASTER, True))
        bar = [TOKENS_PER_S] * len(values["ours"])
        results.append(compare(f"{claim}, against 1e5", "token/s", values["ours"], bar, 1.0, True))
    return results


def against_vidur(chosen: Options) -> Result:
    """Every request's first and last token as Vidur has them, and both speeds in turns."""
    install = chosen.size != "smoke"
    python = peer_python("vidur", "vidur", install, chosen.pick(600, 20, 0))
    if python is None:
        return no_data(VIDUR, "token/s", "Vidur is not installed", FAST_AS)
    requests = published("azure_conv_2023", chosen.pick(1000, 300, 40), FACTS, 8.0)
    rows = np.stack([requests.arrival, requests.prompt, requests.output], 1).tolist()
    tokens = float(requests.output.sum())
    fleet = Fleet(1, Scheduler(128, 512, cache=1e9))
    with Peer(python, "_vidur_half.py") as peer:

        def theirs() -> dict[str, object]:
            found: dict[str, object] = peer.ask("simulate", rows, LAW, 128, 512, 1 << 26)
            return found

        ours, other = simulate(requests, COSTS, fleet), theirs()
        for name, times in (("first", ours.first), ("last", ours.finished)):
            gap = np.abs(times - np.asarray(other[name])).max()
            agree(f"Vidur's {name} tokens, s", float(gap), 1e-6)
        work: dict[str, Callable[[], float]] = {
            "ours": partial(_rate, partial(simulate, requests, COSTS, fleet), tokens),
            "peer": lambda: tokens / float(str(theirs()["seconds"])),
        }
        values = turns(work, chosen)
    return compare(VIDUR, "token/s", values["ours"], values["peer"], FAST_AS, True)


def _rate(work: Callable[[], object], tokens: float) -> float:
    return tokens / seconds(work)


def sized(chosen: Options) -> Result:
    """Seconds to find the fewest replicas for a load under limits, against a minute."""
    requests = published("azure_conv_2023", chosen.pick(2000, 800, 100), FACTS, 1.0)
    option = Option("plain", 1, COSTS, Fleet(1, Scheduler(256, cache=400_000)))
    found = []

    def look() -> None:
        found.append(size(requests, option, 100.0, Slo(0.5, 0.05)))

    took = seconds(look)
    answer = found[0]
    print(f"sizing: {answer.replicas} replicas at {answer.load:.0%} of capacity, p99 TTFT "
          f"{answer.at.ttft.p99:.3f} s, {answer.warning or 'no warning'}")  # fmt: skip
    return compare("fewest replicas for limits, found by simulation", "s", [took], [60.0])


def measure(chosen: Options) -> list[Result]:
    """Theory, identity with the plain peer, speed, sizing."""
    print_machine(["groundup", "numpy"], "peer: tests/inference/one_step.py, one step at a time")
    count = chosen.pick(200_000, 60_000, 3000)
    results = theory(count) if chosen.size != "smoke" else []
    requests = published("azure_conv_2023", chosen.pick(400, 200, 40), FACTS, 12.0)
    for policy in POLICIES:
        for cache in (400_000.0, 16_000.0):
            same_times(requests, Scheduler(256, 2048, policy, cache))
    return [*results, *speed(chosen), sized(chosen), against_vidur(chosen)]


if __name__ == "__main__":
    run(__doc__, measure)
