"""Claim: `groundup plan` of a 405B training stack takes under 1 s at 2,000 samples, 2 s at 10,000.

The peer is the limit: we know of no other tool that joins all fourteen layers in one plan. Wall
seconds of `make_plan`, and of the whole command in a fresh process. Checked first: samples change
intervals, never values, and one seed gives one plan.
"""

from __future__ import annotations

import math
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from _common import (
    NotMeasuredError,
    Options,
    Result,
    agree,
    compare,
    print_machine,
    run,
    seconds,
    turns,
)

from groundup.planner.passes import make_plan
from groundup.stack.load import load_stack
from groundup.stack.stack import Stack

STACK = Path(__file__).resolve().parents[1] / "stacks" / "llama3-405b.toml"
LIMITS = {2_000: 1.0, 10_000: 2.0}
"""Samples to seconds."""


def check(stack: Stack) -> None:
    """Values are those of the plan without samples; a seed's intervals repeat; samples matter."""
    point, *sampled = (make_plan(stack, samples) for samples in (0, 500, 500))
    gaps, repeats = [], []
    for name, total in point.totals.items():
        first, second = (plan.totals[name] for plan in sampled)
        gaps.append(abs(first.value - total.value) / max(abs(total.value), 1e-300))
        repeats.append(abs(first.high - second.high) + abs(first.low - second.low))
    agree("totals with and without samples, relative", max(gaps), 1e-9)
    agree("intervals of one seed, twice", max(repeats), 0.0)
    widths = [math.log(total.high / total.low) for total in sampled[0].totals.values() if total.low]
    if not max(widths) > 0:
        raise NotMeasuredError("no total has an interval: nothing was sampled")


def command(samples: int) -> None:
    """The command as a user types it."""
    arguments = ["plan", str(STACK), "--samples", str(samples)]
    whole = [sys.executable, "-m", "groundup.cli.main", *arguments]
    subprocess.run(whole, check=True, stdout=subprocess.DEVNULL)


def measure(chosen: Options) -> list[Result]:
    """make_plan and the whole command, in turns."""
    print_machine(["groundup", "numpy"], "peer: the limits " + str(LIMITS))
    stack = load_stack(STACK)
    check(stack)
    work: dict[str, Callable[[], object]] = {
        f"make_plan, {n:,} samples": partial(make_plan, stack, n) for n in LIMITS
    }
    work |= {f"groundup plan --samples {n}": partial(command, n) for n in LIMITS}
    values = turns({name: partial(seconds, job) for name, job in work.items()}, chosen)
    start = time.process_time()
    make_plan(stack, max(LIMITS))
    print(f"processor time of {max(LIMITS):,} samples: {time.process_time() - start:.3f} s")
    limits = list(LIMITS.values()) * 2
    return [
        compare(f"{name} against its limit", "s", times, [limit] * len(times))
        for (name, times), limit in zip(values.items(), limits, strict=True)
    ]


if __name__ == "__main__":
    run(__doc__, measure)
