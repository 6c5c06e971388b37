"""Claim: the chips floor predicts achievable matrix products within 15 % with the chip held out.

Prints the errors of the fitted laws against published kernels (matrix products, decoding) and
shipped chips (designs), in the fit and with each chip held out, then the time of the floor's
demand and limit for a point and for 10,000 draws, then two calibrations of this machine (compare
them only on an idle one). The peer is the bar that each must keep.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from _common import Options, Result, compare, load, no_data, print_machine, run, seconds, turns
from numpy.typing import NDArray

from groundup.chips import this_machine
from groundup.chips.catalogue import chip, figure
from groundup.chips.config import ChipsConfig
from groundup.chips.kernels import Decoding, decode_time
from groundup.chips.plan import demand, limit
from groundup.facts.catalogue import Catalogue, load_catalogue
from groundup.facts.estimate import given
from groundup.facts.layer import Ask

DATA = Path(__file__).resolve().parents[1] / "tests" / "data"
LIMITS = {0: 0.030, 10_000: 0.300}
"""Draws to seconds: what the floor may take of a plan."""
_FIXED = (".cores", ".memory")
"""Readings that nothing measures."""
_IDLE = 0.25
"""Load a core above which two calibrations cannot be expected to agree."""
Array = NDArray[np.float64]


def rows(name: str, kind: str = "") -> list[dict[str, str]]:
    """Rows of a table of published numbers."""
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    found = csv.DictReader(line for line in lines if not line.startswith("#"))
    return [row for row in found if not kind or row["kind"] == kind]


def fit(inputs: Array, logs: Array) -> Array:
    """Least squares of the logarithms."""
    return np.asarray(np.linalg.lstsq(inputs, logs, rcond=None)[0])


def errors(inputs: Array, logs: Array, groups: list[str]) -> tuple[Array, Array]:
    """Relative errors in the fit, and with the row's group (the chip) held out."""
    whole = np.exp(inputs @ fit(inputs, logs) - logs) - 1
    held = np.empty_like(whole)
    for group in set(groups):
        out = np.array([one == group for one in groups])
        held[out] = np.exp(inputs[out] @ fit(inputs[~out], logs[~out]) - logs[out]) - 1
    return whole, held


def products(facts: Catalogue) -> tuple[Array, Array, list[str]]:
    """Inputs and logarithms of shares of the peak: watts an operation, software."""
    inputs, logs, names = [], [], []
    for row in rows("kernel.csv", "matmul"):
        name = row["chip"]
        peak = figure(name, f"peak.{row['precision']}.dense", facts).value
        watts = figure(name, "tdp", facts).value
        inputs.append([1.0, np.log(watts / peak), float(chip(name).maker == "AMD")])
        logs.append(np.log(float(row["value"]) / peak))
        names.append(name)
    return np.array(inputs), np.array(logs), names


def decoding(facts: Catalogue) -> tuple[Array, Array, list[str]]:
    """Errors of step times, in the fit and with the row held out; linear in share and overhead."""
    ideal, layers, times = [], [], []
    for row in rows("kernel.csv", "decode"):
        dies = figure(row["chip"], "logic.dies", facts).value  # published for one die of the MI250X
        bandwidth = figure(row["chip"], "bandwidth", facts).value / dies
        ideal.append(float(row["weight_gb"]) / bandwidth)
        layers.append(float(row["layers"]))
        times.append(1 / float(row["value"]))
    step = np.array(times)
    inputs = np.array([ideal, layers]).T / step[:, None]
    one = np.ones(len(step))
    whole = inputs @ fit(inputs, one) - 1
    held = np.empty_like(whole)
    for index in range(len(step)):
        rest = np.arange(len(step)) != index
        held[index] = inputs[index] @ fit(inputs[rest], one[rest]) - 1
    return whole, held, [row["name"] for row in rows("kernel.csv", "decode")]


def served(facts: Catalogue) -> tuple[Array, Array, list[str]]:
    """Errors of served batches; the engine's time a sequence refitted without the chip."""
    taken = rows("kernel.csv", "served")
    measured = np.array([float(row["value"]) for row in taken])
    bare = np.array([decode_time(row["chip"], _step(row), facts).to("ms").value for row in taken])
    batch = np.array([float(row["batch"]) for row in taken])
    inputs = (batch / measured)[:, None]
    target = 1 - bare / measured
    chips = np.array([row["chip"] for row in taken])
    whole = inputs @ fit(inputs, target) - target
    held = np.empty_like(whole)
    for name in set(chips):
        out = chips == name
        held[out] = inputs[out] @ fit(inputs[~out], target[~out]) - target[out]
    return whole, held, [row["name"] for row in taken]


def _step(row: dict[str, str]) -> Decoding:
    """Llama-3.1-8B: 131 kB of cache a token; half an answer and a prompt of 200 tokens."""
    size = float(row["weight_gb"]) * 1e9
    cache = 131_072 * (float(row["output_tokens"]) / 2 + 200)
    return Decoding(size, int(row["layers"]), size / 2, float(row["batch"]), cache)


def designs(column: str, facts: Catalogue) -> tuple[Array, Array, list[str]]:
    """Inputs and logarithms of a law of designs: `peak` a clock and mm2, `power` an operation."""
    inputs, logs, names = [], [], []
    for row in rows("designs.csv"):
        value = {key: float(row[key]) for key in ("density", "area", "sram", "clock", "peak")}
        cell = facts[f"chips.design.cell.{row['node']}"].value * 1e-6
        taken = value["sram"] * 8 * 2**20 * cell / facts["chips.design.array_share"].value
        if column == "peak":
            made = value["peak"] * 1e3 / value["clock"] / (value["area"] - taken)
        else:
            memory = float(row["bandwidth"]) * 8e-3 * facts["chips.design.hbm_energy"].value
            made = (float(row["power"]) - memory) / value["peak"]
        inputs.append([1.0, np.log(value["density"])])
        logs.append(np.log(made))
        names.append(row["chip"])
    return np.array(inputs), np.array(logs), names


def middle(values: Array) -> float:
    """Median of absolute values."""
    return float(np.median(np.abs(values)))


def accuracy(facts: Catalogue) -> list[Result]:
    """Errors against their bars; a ratio above 1 keeps the bar."""
    tables = {
        "matrix products (18)": (*errors(*products(facts)), products(facts)[2], 0.10, 0.15),
        "decode steps (7)": (*decoding(facts), 0.10, 0.15),
        "served decode batches (20)": (*served(facts), 0.20, 0.25),
        "peak of a designed GPU (6)": (*_designed("peak", facts), 0.25, 0.30),
        "power of a designed GPU (6)": (*_designed("power", facts), 0.25, 0.30),
    }
    found = []
    for name, (whole, held, names, fitted_bar, held_bar) in tables.items():
        print(f"{name}: median {middle(whole):.1%} in the fit, {middle(held):.1%} held out")
        for one, a, b in zip(names, whole, held, strict=True):
            print(f"    {one:40} {a:+7.1%} {b:+7.1%}")
        found.append(compare(f"{name}, in the fit", "1", [middle(whole)], [fitted_bar]))
        found.append(compare(f"{name}, chip held out", "1", [middle(held)], [held_bar]))
    return found


def _designed(column: str, facts: Catalogue) -> tuple[Array, Array, list[str]]:
    inputs, logs, names = designs(column, facts)
    return (*errors(inputs, logs, names), names)


def floor(facts: Catalogue, draws: int) -> None:
    """Demand and limit of 100,000 accelerators, facts drawn anew."""
    config = ChipsConfig(accelerator="h100-sxm", count=100_000)
    fresh = facts.with_seed(1)
    asked = {
        "accelerators": given(1e5, "accelerator", "count"),
        "accelerator_hours": given(1e8, "accelerator*h", "hours"),
        "capital_rate": given(0.08, "1", "interest"),
    }
    ask = demand(config, Ask("h100-sxm", asked), fresh, draws)
    limit(config, ask, fresh, draws)


def repeatability(chosen: Options) -> list[Result]:
    """Two calibrations after each other: how long one takes, and how far their readings differ."""
    budget = float(chosen.pick(50, 6, 1))
    found, took = [], []
    busy = this_machine.load_per_core()
    for _ in range(2):
        start = time.perf_counter()
        machine = this_machine.measure(budget)
        took.append(time.perf_counter() - start)
        found.append({fact.key: fact.value for fact in machine.facts()})
    first, second = found
    gaps = {key: second[key] / first[key] - 1 for key in first if key in second}
    print(f"two calibrations of {budget:g} s took {took[0]:.0f} and {took[1]:.0f} s; {load()}")
    for key, gap in sorted(gaps.items()):
        name = key.removeprefix("chips.this-machine.")
        print(f"    {name:36} {first[key]:10.4g} {second[key]:10.4g} {gap:+7.1%}")
    typical = middle(np.array([gap for key, gap in gaps.items() if not key.endswith(_FIXED)]))
    in_time = compare("calibrate with its time at most 90 s", "s", took, [90.0] * 2)
    claim = "median difference of two calibrations"
    if busy > _IDLE:
        why = f"{busy:.1f} programs a core ran beside them (difference {typical:.1%})"
        return [in_time, no_data(claim, "1", why)]
    return [in_time, compare(claim, "1", [typical], [0.05])]


def measure(chosen: Options) -> list[Result]:
    """Accuracy, then time."""
    print_machine(["groundup", "numpy"], "peer: the bars")
    facts = load_catalogue()
    found = accuracy(facts)
    work: dict[str, Callable[[], object]] = {
        f"demand and limit, {draws:,} draws": partial(floor, facts, draws) for draws in LIMITS
    }
    values = turns({name: partial(seconds, job) for name, job in work.items()}, chosen)
    bars = list(LIMITS.values())
    found += [
        compare(f"{name} against its limit", "s", times, [bar] * len(times))
        for (name, times), bar in zip(values.items(), bars, strict=True)
    ]
    return found + repeatability(chosen)


if __name__ == "__main__":
    run(__doc__, measure)
