"""Figures of a simulated fleet: waits over load, the batch, percentiles side by side."""

from __future__ import annotations

from groundup.facts.figures import Bar, Bars, Curves, Figure, Line, Table
from groundup.inference.simulated import Simulated, Spread
from groundup.inference.simulated_plan import SimulatedPlan
from groundup.inference.sizing import evaluate

LOADS = (0.2, 0.4, 0.55, 0.7, 0.8, 0.9, 0.95)
"""Shares of the closed-form capacity at which the curves are simulated."""
_REQUESTS = 1000
_BARS = 12


def figures(found: SimulatedPlan) -> tuple[Figure, ...]:
    """Percentiles, waits over load, histogram of the batch."""
    return (percentiles(found), *curves(found), batches(found))


def percentiles(found: SimulatedPlan) -> Table:
    """Every time at mean and peak load; no numbers where the load exceeds the capacity."""
    rows: list[tuple[str | float | None, ...]] = []
    runs = [("mean load", found.mean), ("busiest hour", found.peak), ("20 % more", found.busier)]
    if found.slow is not None:
        runs.append(("busiest hour, slow steps", found.slow))
    for when, run in runs:
        for name, spread in _spreads(run):
            rows.append((when, name, *_cells(spread, bool(run.unstable))))
    return Table(
        "How long calls wait, simulated",
        ("load", "time", "mean [ms]", "p50 [ms]", "p90 [ms]", "p99 [ms]", "p99 ± [ms]"),
        tuple(rows),
        "TTFT: arrival to first token. Gap: between two tokens, all pooled. TPOT: mean of a call's "
        "gaps. ±: 95 % interval of the simulated percentile, not of the model. Empty where the "
        "load exceeds the capacity.",
    )


def _spreads(run: Simulated) -> tuple[tuple[str, Spread], ...]:
    return (
        ("TTFT", run.ttft), ("gap", run.gap), ("TPOT", run.tpot), ("end to end", run.e2e),
        ("queue", run.queue),
    )  # fmt: skip


def _cells(spread: Spread, unstable: bool) -> tuple[float | None, ...]:
    values = (spread.mean, spread.p50, spread.p90, spread.p99, spread.margin[3])
    return tuple(None if unstable or value != value else value * 1e3 for value in values)


def curves(found: SimulatedPlan) -> tuple[Curves, Curves]:
    """TTFT and TPOT over the load, with the same requests at every load."""
    requests = found.requests.first(_REQUESTS)
    fleet, costs = found.option.fleet, found.option.costs
    if found.capacity == float("inf"):
        rates = tuple(share * found.peak.rate for share in LOADS)
    else:
        rates = tuple(share * found.capacity for share in LOADS)
    runs = [evaluate(requests, costs, fleet, rate, found.slo) for rate in rates]
    steady = [(rate, run) for rate, run in zip(rates, runs, strict=True) if not run.unstable]
    x = tuple(rate for rate, _ in steady)
    note = "Poisson arrivals, log-normal lengths; loads whose waits grow without end are left out."

    def drawn(name: str, label: str, limit: float) -> Curves:
        lines = [
            Line(level, x, tuple(getattr(getattr(run, name), level) * 1e3 for _, run in steady))
            for level in ("p50", "p90", "p99")
        ]
        if limit != float("inf"):
            lines.append(Line("limit", x, (limit * 1e3,) * len(x)))
        return Curves(
            f"{label} over the load", "requests a second", f"{label} [ms]", tuple(lines),
            y_log=name == "ttft", note=note,
        )  # fmt: skip

    return drawn("ttft", "Time to first token", found.slo.ttft), drawn(
        "tpot", "Time per output token", found.slo.tpot
    )


def batches(found: SimulatedPlan) -> Bars:
    """Share of the busy time by requests in progress on a replica, at mean and peak load."""
    top = max((at for at, _ in found.peak.batches), default=1.0)
    width = max(int(-(-top // _BARS)), 1)

    def shares(run: Simulated) -> dict[int, float]:
        found: dict[int, float] = {}
        for at, share in run.batches:
            bar = int((at - 1) // width)
            found[bar] = found.get(bar, 0.0) + share
        return found

    mean, peak = shares(found.mean), shares(found.peak)
    bars = []
    for bar in sorted(mean.keys() | peak.keys()):
        low, high = bar * width + 1, (bar + 1) * width
        name = f"{low}" if width == 1 else f"{low}-{high}"
        values = (("mean load", mean.get(bar, 0.0)), ("busiest hour", peak.get(bar, 0.0)))
        bars.append(Bar(name, values))
    return Bars(
        "Requests in progress on a replica", "share of busy time", tuple(bars),
        "Each load's shares add to 1.",
    )  # fmt: skip
