"""Claim: predictions meet the project's goals on published measurements, a thousand rows in 20 s.

Every row of the shipped table (`planner/validation/published.csv`, 1 087 numbers with their
sources) is predicted by its kind's model; the peer of a goal is the published value, and a ratio
of 1 is the goal met exactly. Checked first: the groups are not worse than recorded.
"""

from __future__ import annotations

import time
from functools import partial

from _common import Options, Result, agree, compare, print_machine, run, seconds, turns

from groundup.facts.catalogue import Catalogue, load_catalogue
from groundup.planner.validation.bars import Bar, bars, published_file, regressions
from groundup.planner.validation.row import Row, read_rows
from groundup.planner.validation.score import Scores, score, score_file
from groundup.planner.validation.text import render

SECONDS = 20.0
"""For the whole table."""


def goal(bar: Bar) -> Result:
    """A goal as a result: how far below its limit the found error is."""
    found = max(bar.found or 0.0, 1e-3)
    coverage = bar.low > 0
    ratio = found / bar.low if coverage else bar.high / found
    limit = bar.low if coverage else bar.high
    return Result(bar.title, round(found, 4), limit, "1", round(ratio, 3), None, 1.0,
                  bool(bar.passed))  # fmt: skip


def whole(rows: tuple[Row, ...], facts: Catalogue) -> Scores:
    """All rows, scored."""
    return score(rows, facts)


def slowest(rows: tuple[Row, ...], facts: Catalogue) -> None:
    """Time by kind, printed."""
    for kind in dict.fromkeys(row.kind for row in rows):
        some = [row for row in rows if row.kind == kind]
        begun = time.perf_counter()
        score(some, facts)
        spent = time.perf_counter() - begun
        print(f"{kind:22} {len(some):5} rows {1e3 * spent / len(some):8.2f} ms each")


def measure(chosen: Options) -> list[Result]:
    """Groups, goals, and the time that they take."""
    print_machine(["groundup", "numpy"], "peer: published measurements and the project's goals")
    facts = load_catalogue()
    scores = score_file(published_file(), facts)
    goals = bars(scores)
    print(render(scores, goals, regressions(scores), chosen.pick(20, 20, 3)))
    agree("groups predicted worse than recorded", float(len(regressions(scores))), 0.0)
    agree("rows at which a model broke", float(len(scores.defects)), 0.0)
    rows = read_rows(published_file())
    slowest(rows, facts)
    each = chosen.pick(len(rows), len(rows), 200)
    times = turns({"all": partial(seconds, partial(whole, rows[:each], facts))}, chosen)["all"]
    print(f"{each / min(times):.0f} rows/s")
    judged = [goal(bar) for bar in goals if bar.passed is not None]
    speed = compare(f"{each} rows scored, against {SECONDS:.0f} s", "s", times,
                    [SECONDS] * len(times))  # fmt: skip
    return [*judged, speed]


if __name__ == "__main__":
    run(__doc__, measure)
