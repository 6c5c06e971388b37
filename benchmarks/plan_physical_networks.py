"""Claim: counts of published networks are exact, collectives are within 15 %, a plan is instant.

The peers are the published tables, the measured all-reduce curves and the limits of time: 30 ms
for the floor at a point, 300 ms at 10,000 draws. Checked first: max-min rates by the definition.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from _common import (
    Options,
    Result,
    agree,
    compare,
    print_machine,
    run,
    seconds,
    turns,
)

from groundup.facts.catalogue import Catalogue, load_catalogue
from groundup.facts.estimate import given
from groundup.facts.layer import Ask
from groundup.networks.clos import Clos, three_tier, two_tier
from groundup.networks.collectives import Channel, bus_bandwidth, ring_all_reduce
from groundup.networks.config import NetworksConfig
from groundup.networks.flows import Load, is_max_min, max_min
from groundup.networks.measured import CURVES, curve, errors, fit, held_out_errors
from groundup.networks.plan import demand, limit
from groundup.networks.planes import planes_of
from groundup.networks.protocols import fastest
from groundup.networks.simulate import simulate
from groundup.networks.topology import rail_optimised, rails
from groundup.networks.traffic import permutation

TABLE = Path(__file__).resolve().parents[1] / "tests" / "data" / "network.csv"
BUILD = {"rail-optimised": rail_optimised, "dual-plane": planes_of, "rail-only": rails}
COUNTS = ("leaf", "spine", "core", "endpoint_cables", "leaf_cables", "core_cables", "switches")
ALLOWED = 0.15
LIMITS = {0: 0.030, 10_000: 0.300}
"""Draws to seconds."""


def count_gaps() -> Iterator[float]:
    """Differences of all published counts; prints the rows that are not met."""
    text = [line for line in TABLE.read_text().splitlines() if not line.startswith("#")]
    for row in csv.DictReader(text):
        built = BUILD[row["design"]](float(row["endpoints"]), int(row["ports"]))
        for name in COUNTS:
            if row[name]:
                gap = abs(float(getattr(built, name)) - float(row[name]))
                if gap:
                    print(f"not met: {row['name']}: {name} {float(getattr(built, name)):g}")
                yield gap


def check_flows() -> None:
    """Random small networks: max-min rates by the definition; a whole permutation is full rate."""
    draw, broken = np.random.default_rng(0), 0
    for _ in range(200):
        flow = np.repeat(np.arange(8), 3)
        load = Load(flow, draw.integers(0, 6, 24), np.ones(24), 8)
        capacity = draw.uniform(0.1, 10, 6)
        broken += not is_max_min(load, capacity, max_min(load, capacity))
    agree("networks of 200 whose rates break the definition", broken, 0)


def collective_errors(facts: Catalogue) -> list[Result]:
    """Median errors of the fitted curves, of held-out payloads and of the unfitted plateau."""
    fitted, unseen = [], []
    for name in CURVES:
        seen = curve(name, facts)
        channel = fit(seen)
        fitted.append(errors(seen, channel))
        unseen.append(held_out_errors(seen))
        print(
            f"{name}: start {float(np.asarray(channel.start)) * 1e6:.0f} us, bandwidth "
            f"{float(np.asarray(channel.beta)) / 1e9:.0f} GB/s, half at "
            f"{float(np.asarray(channel.half)) / 2**20:.0f} MiB; error median "
            f"{np.median(fitted[-1]):.1%}, mean {fitted[-1].mean():.1%}, worst "
            f"{fitted[-1].max():.1%}; held out {np.median(unseen[-1]):.1%}"
        )
    show_unfitted(facts)
    rows = [("fitted, three numbers a machine", fitted), ("every other payload held out", unseen)]
    rows.append(("plateau of 32 from link facts, no fit", [plateau_errors(facts)]))
    return [
        compare(f"all-reduce, median error: {title}", "1", [float(np.median(np.concatenate(e)))],
                [ALLOWED])
        for title, e in rows
    ]  # fmt: skip


def show_unfitted(facts: Catalogue) -> None:
    """Errors from NCCL's latencies and link rates alone, by machine; EFA starts far slower."""
    nvlink = {name: facts[f"networks.{name}.links"].value * facts[f"networks.{name}.rate"].value
              for name in ("nvlink4", "nvlink5")}  # fmt: skip
    node = facts["networks.efa.nic"].value * facts["networks.hgx.nics"].value
    rates = {"b200_8": nvlink["nvlink5"] / 2, "h200_8": nvlink["nvlink4"] / 2}
    for name in CURVES:
        seen = curve(name, facts)
        rate, servers = rates.get(name, node), 1 if seen.ranks == 8 else 4
        _, times = fastest(seen.payload, seen.ranks, servers, rate * 1e9, facts)
        error = np.abs(seen.seconds / times - 1)
        large = np.median(error[seen.payload >= 2**28])
        print(f"{name}, no fit at all: median {np.median(error):.1%}, from 256 MiB {large:.1%}")


def plateau_errors(facts: Catalogue) -> np.ndarray:
    """|predicted / measured - 1| of 16 GiB over 32 ranks: rings through all NICs of a server."""
    node = facts["networks.efa.nic"].value * facts["networks.hgx.nics"].value * 1e9
    payload = 2.0**34
    ring = ring_all_reduce(payload, 32, Channel(0.0, node))
    predicted = float(bus_bandwidth(payload, 32, ring))
    names = ("b200_32", "b200_32_first")
    measured = np.array([curve(name, facts).bus[-1] for name in names])
    print(f"32 ranks, 16 GiB: {predicted / 1e9:.0f} GB/s predicted, {measured / 1e9} measured")
    return np.abs(predicted / measured - 1)


def show_routing() -> None:
    """Throughput and slowest flow of hashed and spread permutations; nothing is fitted."""
    for title, network in (("2 tiers", two_tier(64, 64)), ("3 tiers", three_tier(16, 16))):
        for kind in ("ecmp", "adaptive"):
            found = simulate(network, permutation(network.endpoints), kind, 4)
            print(
                f"{title}, {network.endpoints} endpoints, {kind}: mean "
                f"{found.rates.mean():.1%} of port rate, slowest {found.slowest.mean():.1%} "
                "(published: 60 % hashed, 95 % adaptive)"
            )


def plan(facts: Catalogue, samples: int) -> None:
    """The floor's part of a plan of 100,000 accelerators."""
    config = NetworksConfig(switch_ports=128)
    count = given(100_000.0, "accelerator", "n")
    hours = given(100_000.0 * 720, "accelerator*h", "hours")
    ask = Ask("h100-sxm", {"accelerators": count, "accelerator_hours": hours})
    limit(config, demand(config, ask, facts, samples), facts, samples)


def measure(chosen: Options) -> list[Result]:
    """Counts, errors, times."""
    print_machine(["groundup", "numpy"], "peers: published tables and curves, limits of time")
    check_flows()
    facts = load_catalogue()
    gaps = list(count_gaps())
    print(f"{len(gaps)} published counts, {sum(gap > 0 for gap in gaps)} not met")
    agree("largest difference to a published count", max(gaps), 0)
    show_routing()
    results = collective_errors(facts)
    work = {f"{n} draws": partial(seconds, partial(plan, facts, n)) for n in LIMITS}
    work["2,048 flows"] = partial(seconds, partial(_simulated, two_tier(64, 64)))
    values = turns(work, chosen)
    for (name, times), allowed in zip(values.items(), [*LIMITS.values(), 5.0], strict=True):
        results.append(compare(f"networks floor, {name}", "s", times, [allowed] * len(times)))
    return results


def _simulated(network: Clos) -> None:
    """One hashed permutation over the whole network."""
    simulate(network, permutation(network.endpoints), "ecmp")


if __name__ == "__main__":
    run(__doc__, measure)
