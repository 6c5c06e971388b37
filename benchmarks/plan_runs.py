"""Claim: hours of published training runs are predicted within 20 %, median, sources held out too.

Peers: published accelerator-hours and days (tests/data/train_run.csv, train_run_epoch.csv), costs,
energies, failures, each with its source. Two constants are fitted, to all runs at once; they are
fitted again here, and then with each source held out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from _common import Options, Result, agree, compare, print_machine, run

from groundup.facts.catalogue import Catalogue, load_catalogue
from groundup.facts.errors import GroundupError
from groundup.facts.estimate import Array
from groundup.planner.validation.row import Row, read_rows
from groundup.planner.validation.row_units import in_unit_of
from groundup.planner.validation.run_rate import crowding, run_rate
from groundup.planner.validation.run_work import run_work
from groundup.planner.validation.runs import predict

DATA = Path(__file__).resolve().parents[1] / "tests" / "data"
TABLES = ("train_run", "train_run_epoch", "cost", "energy_runs", "reliability")
ALLOWED = {"train_run": 0.20, "train_run_epoch": 0.20}
"""Median error that is asked for."""
WEIGHTED = 60
"""Rounds of re-weighting of the fit of least absolute deviations."""
NOISE = 0.03
"""Residuals below this count alike."""


@dataclass(frozen=True)
class Case:
    """One run of the fit."""

    source: str
    """Publication; of a collection the run itself, which the collection took from elsewhere."""
    crowd: float
    """ln of tokens a parameter over what counts as many, at least 0."""
    off: float
    """ln of the measured rate over sqrt(best layout x goodput x usual)."""


def scored(table: str, facts: Catalogue) -> list[tuple[Row, float, bool]]:
    """Rows of a table with relative error and whether the interval holds the number."""
    found = []
    for row in read_rows(DATA / f"{table}.csv"):
        try:
            said = in_unit_of(row, predict(row, facts))
        except GroundupError as error:
            print(f"no prediction: {error}")
            continue
        measured = row.number("value") or np.nan
        found.append((row, said.value / measured - 1, said.low <= measured <= said.high))
    return found


def cases(facts: Catalogue) -> list[Case]:
    """Runs whose accelerator a law speaks of, as the fit sees them."""
    found = []
    for table in ("train_run", "train_run_epoch"):
        for row in read_rows(DATA / f"{table}.csv"):
            try:
                work = run_work(row)
                rate = run_rate(row, work, facts)
                hours = in_unit_of(row, predict(row, facts)).value
            except GroundupError:
                continue
            if rate.best is None:
                continue
            ideal = "ideal" in row.metric
            said = rate.flops(work, facts, ideal)
            crowd = float(np.log(crowding(work, facts)))
            bare = said / facts["planner.run.tuned"].value
            bare *= np.exp(facts["planner.run.over"].value * crowd)
            measured = said * hours / (row.number("value") or np.nan)
            source = row.name if "epoch" in row.source.lower() else row.source
            found.append(Case(source, crowd, float(np.log(measured / bare))))
    return found


def fit(crowd: Array, off: Array) -> Array:
    """Two constants of least absolute deviation: ln tuned, and the power of crowding."""
    columns = np.stack([np.ones_like(crowd), crowd], 1)
    found = np.linalg.lstsq(columns, off, rcond=None)[0]
    for _ in range(WEIGHTED):
        weight = 1 / np.sqrt(np.maximum(np.abs(off - columns @ found), NOISE))
        found = np.linalg.lstsq(columns * weight[:, None], off * weight, rcond=None)[0]
    return np.asarray(found)


def held_out(every: list[Case]) -> Array:
    """ln(measured rate / predicted) of each run with its source left out of the fit."""
    crowd, off = (np.array([getattr(one, name) for one in every]) for name in ("crowd", "off"))
    source = np.array([one.source for one in every])
    left = np.empty_like(off)
    for name in set(source):
        out = source == name
        found = fit(crowd[~out], off[~out])
        left[out] = off[out] - found[0] - found[1] * crowd[out]
    return left


def show(table: str, rows: list[tuple[Row, float, bool]]) -> None:
    """Errors of a table by source."""
    errors = np.array([abs(error) for _, error, _ in rows])
    inside = np.mean([held for _, _, held in rows])
    print(f"{table}: {len(rows)} rows, median {np.median(errors):.1%}, 90 % below "
          f"{np.quantile(errors, 0.9):.0%}, {inside:.0%} inside the 90 % interval")  # fmt: skip
    for source in dict.fromkeys(row.source for row, _, _ in rows):
        mine = [error for row, error, _ in rows if row.source == source]
        print(f"  {len(mine):3} rows {np.median(np.abs(mine)):6.1%}  {source[:90]}")


def measure(chosen: Options) -> list[Result]:
    """Every table, the fit again, sources held out."""
    print_machine(["groundup", "numpy"], "peers: published numbers")
    facts, results = load_catalogue(), []
    every = cases(facts)
    crowd, off = (np.array([getattr(one, name) for one in every]) for name in ("crowd", "off"))
    again = fit(crowd, off)
    print(f"fitted again to {len(every)} runs: tuned {np.exp(again[0]):.3f}, over {-again[1]:.3f}")
    agree(
        "fitted again, ln of tuned", abs(again[0] - np.log(facts["planner.run.tuned"].value)), 0.12
    )
    agree("fitted again, over", abs(again[1] + facts["planner.run.over"].value), 0.06)
    for table in TABLES:
        rows = scored(table, facts)
        show(table, rows)
        if table in ALLOWED:
            error = float(np.median([abs(error) for _, error, _ in rows]))
            results.append(compare(f"{table}: median error", "1", [error], [ALLOWED[table]]))
    # hours are FLOP over rate, so that their error is that of the rate the other way round
    left = np.abs(np.exp(held_out(every)) - 1)
    print(f"source held out: median {np.median(left):.1%}, 90 % below {np.quantile(left, 0.9):.0%}")
    results.append(compare("hours of runs, source held out, median error", "1",
                           [float(np.median(left))], [0.20]))  # fmt: skip
    return results


if __name__ == "__main__":
    run(__doc__, measure)
