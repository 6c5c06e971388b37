"""What the benchmarks share: options, turns, ratios, the machine's state and the last line."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

QUICK_SECONDS = 36.0
"""After this a quick run times nothing more, so that it ends within 50 s."""

STARTED = time.monotonic()


@dataclass(frozen=True)
class Options:
    """How much work a run does."""

    size: str
    """`full`, `quick` (within 50 s) or `smoke` (tiny, for the tests; its ratios mean nothing)."""

    repeats: int
    """Turns of every contestant."""

    def pick(self, full: int, quick: int, smoke: int) -> int:
        """The number that goes with the size."""
        return {"full": full, "quick": quick, "smoke": smoke}[self.size]


@dataclass(frozen=True)
class Result:
    """One measured comparison; None where there is no data."""

    claim: str
    ours: float | None
    """Median over the turns, in `unit`."""
    peer: float | None
    unit: str
    ratio: float | None
    """Median of the turns' ratios; above 1 we are better, whatever the unit."""
    spread: float | None
    """(Highest - lowest) / median of the turns' ratios."""
    goal: float
    """Ratio that the claim asks for."""
    ok: bool | None
    """Whether the ratio reaches the goal."""


class NotMeasuredError(Exception):
    """Outputs disagree, or the peer failed: a time would mean nothing."""


def run(description: str | None, measure: Callable[[Options], list[Result]]) -> None:
    """A benchmark's main: options in, results out; what cannot be measured is a result too."""
    chosen = options(description)
    claim = " ".join((description or "").split("\n\n")[0].removeprefix("Claim: ").split())
    try:
        results = measure(chosen)
    except NotMeasuredError as error:
        print(f"not measured: {error}")
        results = [Result(claim, None, None, "", None, None, 1.0, False)]
    finish(results, chosen)


def options(description: str | None) -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=description)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="end within 50 s")
    size.add_argument("--smoke", action="store_true", help="tiny: shows only that it runs")
    parser.add_argument("--repeats", type=int, help="turns of each side (7 quick, 15 full)")
    given = parser.parse_args()
    name = "smoke" if given.smoke else "quick" if given.quick else "full"
    return Options(name, given.repeats or {"full": 15, "quick": 7, "smoke": 1}[name])


def turns(
    contestants: Mapping[str, Callable[[], float]], chosen: Options
) -> dict[str, list[float]]:
    """Values of each contestant, measured in turns so that a busy machine meets all alike.

    One turn of each is a warm-up. Who begins changes every turn. A quick run that is out of time
    stops early, drops the unfinished turn and says so.
    """
    names = list(contestants)
    values: dict[str, list[float]] = {name: [] for name in names}
    for name in names:
        contestants[name]()
    order = [
        names[(turn + i) % len(names)] for turn in range(chosen.repeats) for i in range(len(names))
    ]
    for done, name in enumerate(order):
        late = chosen.size == "quick" and time.monotonic() - STARTED > QUICK_SECONDS
        if late and done >= len(names):
            print(f"out of time: {done // len(names)} of {chosen.repeats} turns taken")
            break
        values[name].append(contestants[name]())
    whole = min(map(len, values.values()))
    return {name: found[:whole] for name, found in values.items()}


def compare(
    claim: str,
    unit: str,
    ours: Sequence[float],
    peer: Sequence[float],
    goal: float = 1.0,
    more_is_better: bool = False,
) -> Result:
    """Judge the values of two contestants turn by turn."""
    pairs = zip(ours, peer, strict=True)
    ratios = [a / b if more_is_better else b / a for a, b in pairs]
    ratio = statistics.median(ratios)
    return Result(
        claim,
        _rounded(statistics.median(ours)),
        _rounded(statistics.median(peer)),
        unit,
        _rounded(ratio),
        _rounded((max(ratios) - min(ratios)) / ratio),
        goal,
        ratio >= goal,
    )


def no_data(claim: str, unit: str, why: str, goal: float = 1.0) -> Result:
    """The result of a comparison that could not be made here."""
    print(f"skipped: {claim}: {why}")
    return Result(claim, None, None, unit, None, None, goal, None)


def agree(what: str, difference: float, allowed: float) -> None:
    """Print a difference of outputs; a larger one than allowed ends the benchmark."""
    print(f"agreement: {what}: {difference:.3g} (allowed {allowed:g})")
    if not difference <= allowed:  # NaN too
        raise NotMeasuredError(f"outputs disagree: {what}: {difference:.3g}")


def seconds(work: Callable[[], object]) -> float:
    """Wall seconds of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def print_machine(packages: Sequence[str], peer: str = "") -> None:
    """Versions, processor, cores and load: what a ratio was measured on."""
    versions = [f"{name} {version(name)}" for name in packages]
    print(f"Python {platform.python_version()}, {', '.join(versions)}" + (peer and f"; {peer}"))
    print(f"{_processor()}, {os.cpu_count()} cores, {platform.system()}; {load()}")


def version(package: str) -> str:
    """Installed version of a package, or `not installed`."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def free_cores(cores: int) -> int:
    """Cores that the last minute's load leaves free, at least 1.

    Threads beyond them wait for each other at every operator: on a busy machine two threads can be
    ten times slower than one, and then time the scheduler, not the code.
    """
    return max(1, cores - round(os.getloadavg()[0]))


def load() -> str:
    """Load averages of 1, 5 and 15 minutes."""
    return "load " + " ".join(f"{value:.2f}" for value in os.getloadavg())


def finish(results: Sequence[Result], chosen: Options) -> None:
    """Print every comparison, then as the last line the one that is furthest below its goal."""
    print(f"\n{'ours':>10} {'peer':>10} {'ratio':>7} {'spread':>7} {'goal':>5}  claim")
    for row in results:
        numbers = [_shown(row.ours), _shown(row.peer)]
        numbers += [_shown(row.ratio, 7), _shown(row.spread, 7), f"{row.goal:5g}"]
        print(" ".join(numbers), f" {row.claim} [{row.unit}]")
    print(f"{chosen.repeats} turns each, {chosen.size}; ratio > 1: ours is better; {load()}")
    measured = [row for row in results if row.ratio is not None]
    worst = min(measured or results, key=lambda row: (row.ratio or 0.0) / row.goal)
    print(json.dumps(asdict(worst)))


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def _shown(value: float | None, width: int = 10) -> str:
    return f"{'no data' if value is None else format(value, '.4g'):>{width}}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
