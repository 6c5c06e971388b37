"""Claim: the loss of a gallium or germanium stop lies in the USGS range, by the right paths.

The peer is US Geological Survey Open-File Report 2024-1057. A ratio says how far inside a published
range our number lies: the smaller of ours / low and high / ours, 1 at its edge. Times are of this
floor's share of a plan. Checked first: every circulating number of the layer has the verdict of the
table, gallium reaches no CMOS wafer, and past shocks raise no false alarm. Nothing was fitted, but
the reasoned inputs were chosen with the report known: agreement is no independent confirmation.
"""

from __future__ import annotations

import csv
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

from groundup.facts.catalogue import Catalogue, load_catalogue
from groundup.facts.claims import problems
from groundup.facts.estimate import Estimate, given
from groundup.facts.layer import Ask
from groundup.materials.claims import claims
from groundup.materials.config import MaterialsConfig
from groundup.materials.economy import METALS, joint_loss, restriction, semiconductor_share
from groundup.materials.history import past_shocks
from groundup.materials.plan import demand, limit
from groundup.materials.shocks import Shock, layer_supply, paths

DATA = Path(__file__).resolve().parents[1] / "tests" / "data"
LIMITS = {0: 0.030, 10_000: 0.300}
"""Draws to seconds that this floor may take of a plan."""


def rows(name: str) -> list[dict[str, str]]:
    """Rows of a table of the tests, comments left out."""
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def check(facts: Catalogue) -> None:
    """Verdicts, paths and the shocks of the past."""
    found = {claim.key: claim for claim in claims(facts)}
    wrong = 0
    for row in (row for row in rows("claims.csv") if row["layer"] == "1"):
        claim = found[row["id"]]
        fits = not row["expected_low"] or claim.agrees(
            float(row["expected_low"]), float(row["expected_high"]), row["unit"]
        )
        wrong += not (fits and claim.verdict == row["verdict"] and not problems(claim))
        print(f"  {claim.key} {claim.verdict:>12} {claim.found.value:12.6g} {claim.found.unit}")
    agree("claims of layer 1 that differ from the table", wrong, 0)
    event = Shock("gallium", "refining", "china", 1.0, 0, 12)
    print("paths of a year without China's gallium, worst month:")
    for path in paths([event], Ask("any", {}), facts, 24):
        left = 100 * path.shares.values.min()
        print(f"  {path.material} -> {path.via} -> {path.layer}: {left:.0f} % left")
        if path.via.endswith("-wafer"):
            raise NotMeasuredError(f"gallium reaches {path.via}: it is not in CMOS wafers")
    worst = [
        1 - min(s.values.min() for s in layer_supply([p.shock], Ask("any", {}), facts, 36).values())
        for p in past_shocks()
    ]
    agree(f"largest false alarm in {len(worst)} shocks of the past", max(worst), 0.1)


def inside(name: str, unit: str, ours: Estimate, low: float, high: float, value: float) -> Result:
    """How far inside a published range our number lies."""
    number = ours.to(unit).value
    ratio = min(number / low, high / number)
    print(f"  {name}: {number:.3g} [{ours.to(unit).low:.3g}, {ours.to(unit).high:.3g}] {unit}; "
          f"published {value:g} [{low:g}, {high:g}]")  # fmt: skip
    return Result(name, float(f"{number:.4g}"), value, unit, ratio, 0.0, 1.0, ratio >= 1)


def accuracy(facts: Catalogue, samples: int) -> list[Result]:
    """The rows of the report; those without an interval are printed only."""
    found = {metal: restriction(metal, facts, samples) for metal in METALS}
    both = tuple(found.values())
    loss = {**{metal: r.loss for metal, r in found.items()}, "both": joint_loss(both)}
    table = [row for row in rows("supply_shock.csv") if row["metric"] == "loss"]
    results = [
        inside(
            row["name"], row["unit"], loss[row["metal"]],
            float(row["low"]), float(row["high"]), float(row["value"]),
        )
        for row in table
    ]  # fmt: skip
    for metal, r in found.items():
        parts = {use: lost.to("GUSD/year").value for use, lost in r.direct.items()}
        parts["buyers"] = r.downstream.to("GUSD/year").value
        text = ", ".join(f"{use} {value:.2f}" for use, value in parts.items())
        low, high = (100 * (edge - 1) for edge in (r.price.low, r.price.high))
        rise = f"{100 * (r.price.value - 1):+.0f} % [{low:+.0f}, {high:+.0f}]"
        print(f"  {metal}: price {rise}; GUSD a year by use: {text}")
    share = semiconductor_share(both)
    print(f"  semiconductor makers bear {100 * share.value:.1f} % "
          f"[{100 * share.low:.0f}, {100 * share.high:.0f}] of the loss")  # fmt: skip
    print("  published: gallium above +150 %, germanium +26 %, semiconductors above 40 %")
    return results


def plan(facts: Catalogue, samples: int) -> None:
    """This floor's two passes for a campus of 100,000 accelerators."""
    ask = Ask("gb200", {
        "accelerators": given(1e5, "accelerator", "n"),
        "wafers": given(25_000.0, "wafer", "wafers"),
        "site_power": given(150.0, "MW", "site"),
        "switches": given(6_000.0, "switch", "switches"),
        "transceivers": given(4e5, "transceiver", "optics"),
    })  # fmt: skip
    config = MaterialsConfig()
    limit(config, demand(config, ask, facts, samples), facts, samples)


def measure(chosen: Options) -> list[Result]:
    """Accuracy against the report, then the times in turns."""
    print_machine(["groundup", "numpy"], "peer: USGS Open-File Report 2024-1057")
    facts = load_catalogue()
    check(facts)
    results = accuracy(facts, chosen.pick(20_000, 10_000, 500))
    work: dict[str, Callable[[], object]] = {
        f"materials in a plan, {n:,} draws": partial(plan, facts, n) for n in LIMITS
    }
    values = turns({name: partial(seconds, job) for name, job in work.items()}, chosen)
    return results + [
        compare(f"{name} against its limit", "s", times, [limit_s] * len(times))
        for (name, times), limit_s in zip(values.items(), LIMITS.values(), strict=True)
    ]


if __name__ == "__main__":
    run(__doc__, measure)
