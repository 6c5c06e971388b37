"""Claim: five floors of a 100,000-accelerator campus take under 200 ms, 10,000 draws under 2 s.

The peer is the limit: we know of no other tool that joins materials, fabs, chips, networks and
sites in one plan. Wall seconds of both passes over the five floors, facts already read; reading
them is timed beside it. Checked first: draws change intervals, never values, and a million rows
give what single plans give.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from _common import Options, Result, agree, compare, print_machine, run, seconds, turns

from groundup.facts.catalogue import Catalogue, load_catalogue, shipped_facts
from groundup.facts.estimate import given
from groundup.facts.layer import Ask, LayerPlan
from groundup.planner.ground import ground_down, ground_up
from groundup.stack.load import load_stack
from groundup.stack.stack import Stack

STACK = Path(__file__).resolve().parents[1] / "stacks" / "campus-100k.toml"
LIMITS = {0: 0.2, 10_000: 2.0}
"""Draws to seconds."""
ROWS = 1_000_000


def asked(stack: Stack, count: object) -> Ask:
    """So many accelerators of the stack, in use for ninety days."""
    accelerators = given(np.asarray(count, dtype=float), "accelerator", "accelerators", "benchmark")
    hours = given(90 * 24.0, "h", "ninety days", "benchmark")
    return Ask(
        stack.chips.accelerator,
        {"accelerators": accelerators, "accelerator_hours": accelerators * hours},
    )


def walk(stack: Stack, facts: Catalogue, count: object, draws: int) -> Sequence[LayerPlan]:
    """Both passes over floors 5 to 1 and back."""
    ask = ground_down(stack, asked(stack, count), facts, draws)
    return ground_up(stack, ask, facts, draws)


def check(stack: Stack, facts: Catalogue, rows: int) -> None:
    """Draws leave values alone; many rows in one walk are single plans."""
    point, drawn = (walk(stack, facts, 1e5, draws) for draws in (0, 500))
    gap = max(abs(a.needs.value - b.needs.value) for a, b in zip(point, drawn, strict=True))
    agree("needs with and without draws", gap, 0.0)
    counts = np.linspace(8, 1e5, rows)
    many, middle = walk(stack, facts, counts, 0), rows // 2
    single = walk(stack, facts, counts[middle], 0)
    gaps = [
        abs(a.needs.to(b.needs.unit).values[middle] / b.needs.value - 1)
        for a, b in zip(many, single, strict=True)
    ]
    agree(f"row {middle:,} of {rows:,} and the plan of it alone, relative", max(gaps), 1e-9)


def fresh(stack: Stack, draws: int) -> object:
    """A walk whose draws were not made before."""
    return walk(stack, load_catalogue(), 1e5, draws)


def measure(chosen: Options) -> list[Result]:
    """Both limits in turns, then a million rows and the reading of the facts."""
    print_machine(["groundup", "numpy"], "peer: the limits " + str(LIMITS))
    stack, facts = load_stack(STACK), load_catalogue()
    rows = chosen.pick(ROWS, ROWS, 1_000)
    check(stack, facts, rows)
    work: dict[str, Callable[[], object]] = {
        f"five floors, {draws:,} draws": partial(fresh, stack, draws) for draws in LIMITS
    }
    values = turns({name: partial(seconds, job) for name, job in work.items()}, chosen)
    counts = np.linspace(8, 1e5, rows)
    print(f"{rows:,} rows in one walk: {seconds(partial(walk, stack, facts, counts, 0)):.2f} s")
    shipped_facts.cache_clear()
    print(f"reading {len(facts):,} facts: {seconds(load_catalogue):.3f} s")
    return [
        compare(f"{name} against its limit", "s", times, [limit] * len(times))
        for (name, times), limit in zip(values.items(), LIMITS.values(), strict=True)
    ]


if __name__ == "__main__":
    run(__doc__, measure)
