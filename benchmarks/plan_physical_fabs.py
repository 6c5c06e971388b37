"""Claim: chip and module costs lie inside the published intervals, claims of layer 2 agree.

Accuracy: computed costs of five modules and their parts against the published rows of
`tests/data/chip_cost.csv`; the peer of the comparison is the published value. Some inputs come from
the source of the row that they are held against: three rows are computed again with other sources'
values of those inputs (`chip_cost_held_out.csv`), and that is the harder test. Speed: the floor's
demand and limit for 100,000 accelerators as a point and with 10,000 draws, against 30 and 300 ms.
Checked first: gross dies and yields against Chiplet Actuary's own numbers.
"""

from __future__ import annotations

import csv
import dataclasses
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from _common import Options, Result, agree, compare, print_machine, run, seconds, turns

from groundup.chips import plan as chips
from groundup.chips.config import ChipsConfig
from groundup.fabs.bill import module_cost
from groundup.fabs.claims import claims
from groundup.fabs.config import FabsConfig
from groundup.fabs.dies import gross_dies
from groundup.fabs.plan import demand, limit, pace
from groundup.fabs.yields import negative_binomial_yield
from groundup.facts.catalogue import Catalogue, load_catalogue
from groundup.facts.claims import problems
from groundup.facts.estimate import Estimate, given
from groundup.facts.layer import Ask

DATA = Path(__file__).resolve().parents[1] / "tests" / "data"
LIMITS = {0: 0.03, 10_000: 0.3}
"""Draws to seconds."""
PACKAGING = ("interposer", "bonding", "substrate")
COMPARED = {
    "H100 SXM module COGS": ("h100-sxm", ("total",)),
    "H200 COGS": ("h200-sxm", ("total",)),
    "B200 COGS": ("b200", ("total",)),
    "GB200 COGS": ("gb200", ("total",)),
    "MI300X COGS": ("mi300x", ("total",)),
    "H100 logic die": ("h100-sxm", ("die",)),
    "B200 logic dies": ("b200", ("die",)),
    "MI300X logic and base dies": ("mi300x", ("die", "base")),
    "H100 HBM3 80GB": ("h100-sxm", ("hbm",)),
    "B200 HBM3E 192GB": ("b200", ("hbm",)),
    "H100 CoWoS": ("h100-sxm", PACKAGING),
    "B200 CoWoS-L": ("b200", PACKAGING),
    "MI300X packaging": ("mi300x", PACKAGING),
    "H100 test and assembly": ("h100-sxm", ("test",)),
}
"""Published row: accelerator and the parts that the row is about."""


def table(name: str) -> dict[str, dict[str, str]]:
    """Rows of a CSV of tests/data by their first column."""
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    return {next(iter(row.values())): row for row in rows}


def ask(chip: str, count: float, facts: Catalogue, samples: int) -> Ask:
    """What the chips floor asks of this one."""
    first = Ask(
        chip,
        {
            "accelerators": given(count, "accelerator", "accelerators"),
            "accelerator_hours": given(count * 720, "accelerator*h", "hours"),
            "capital_rate": given(0.08, "1", "interest a year"),
        },
    )
    return chips.demand(ChipsConfig(accelerator=chip), first, facts, samples)


def grace(facts: Catalogue, samples: int, config: FabsConfig) -> Estimate:
    """NVIDIA's CPU of a GB200, without its memory."""
    one = given(1.0, "1/accelerator", "one")
    quantities = {
        "accelerators": given(1.0, "accelerator", "one"),
        "logic_dies": given(1.0, "die", "one die"),
        "logic_die_area": facts.estimate("fabs.grace.die_area", samples),
        "substrate_area": facts.estimate("fabs.grace.substrate_area", samples) * one,
    }
    cpu = Ask("grace", quantities, {"logic_node": "n5", "package": "organic"})
    return module_cost(cpu, facts, samples, config)["total"]


def computed(row: dict[str, str], facts: Catalogue, samples: int) -> Estimate:
    """The row's cost from facts, at the row's date."""
    chip, parts = COMPARED[row["name"]]
    config = FabsConfig(order_date=float(row["date"]))
    bill = module_cost(ask(chip, 1.0, facts, samples), facts, samples, config)
    found = bill[parts[0]]
    for part in parts[1:]:
        found = found + bill[part]
    if row["basis"] == "parts":
        found = found - bill["waste"]
    return found * 2.0 + grace(facts, samples, config) if chip == "gb200" else found


def costs(facts: Catalogue, samples: int) -> list[Result]:
    """Every published row: ours, theirs, whether the intervals meet and ours lies inside."""
    results = []
    print(f"\n{'row':28} {'ours':>7} {'5 %':>7} {'95 %':>7}  {'published':>20}  meets inside")
    for row in table("chip_cost.csv").values():
        if row["name"] not in COMPARED:
            continue
        value, low, high = (float(row[word]) for word in ("value", "low", "high"))
        found = computed(row, facts, samples)
        meets = found.low <= high and found.high >= low
        inside = low <= found.value <= high if high > low else None
        said = f"{value:.0f} ({low:.0f} to {high:.0f})"
        print(
            f"{row['name']:28} {found.value:7.0f} {found.low:7.0f} {found.high:7.0f}  {said:>20}  "
            f"{'yes' if meets else 'NO':5} {'-' if inside is None else 'yes' if inside else 'NO'}"
        )
        reach = round(min(found.high / low, high / found.low), 3)
        claim = f"{row['name']}: our interval meets the published one (ratio: by how much)"
        results.append(Result(claim, round(found.value, 1), value, "USD", reach, None, 1.0, meets))
    return results


def held_out(facts: Catalogue, samples: int) -> None:
    """Rows again, without the inputs that lean on the row's own source."""
    lines = (DATA / "chip_cost_held_out.csv").read_text(encoding="utf-8").splitlines()
    changes = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    rows = table("chip_cost.csv")
    print("\nwith inputs of other sources only")
    for name in dict.fromkeys(change["row"] for change in changes):
        changed = []
        for change in changes:
            if change["row"] == name:
                fact, value = facts[change["fact"]], float(change["value"])
                low, high = min(value, fact.low), max(value, fact.high)
                changed.append(dataclasses.replace(fact, value=value, low=low, high=high))
        found = computed(rows[name], facts.with_facts(changed), samples)
        said = float(rows[name]["value"])
        off = 100 * (found.value / said - 1)
        print(f"{name:28} {found.value:7.0f} {found.low:7.0f} {found.high:7.0f}  {off:+.0f} %")


def check(facts: Catalogue) -> None:
    """Geometry and yield as in Chiplet Actuary (commit 2c91fb9); claims as in their table."""
    gap = abs(float(gross_dies(800.0, edge_mm=5.0, scribe_mm=0.2)) - 58.79298269794954)
    agree("gross dies of Chiplet Actuary", gap, 1e-9)
    gap = abs(float(negative_binomial_yield(0.11 * 8, 10.0)) - 0.4302402590579391)
    agree("yield of Chiplet Actuary", gap, 1e-12)
    rows = {key: row for key, row in table("claims.csv").items() if row["layer"] == "2"}
    wrong = 0
    for claim in claims(facts):
        row = rows.pop(claim.key)
        wrong += claim.verdict != {"derive": "derived"}.get(row["verdict"], row["verdict"])
        wrong += bool(problems(claim))
        if row["expected_low"]:
            low, high = float(row["expected_low"]), float(row["expected_high"])
            wrong += not claim.agrees(low, high, row["unit"])
    agree("claims of layer 2 that differ from the table or are missing", wrong + len(rows), 0)


def floor(facts: Catalogue, samples: int) -> None:
    """The floor's two passes for 100,000 H100; what is above and below is not timed."""
    config = FabsConfig()
    above = ASKS[samples]
    limit(config, demand(config, above, facts, samples), facts, samples)


ASKS: dict[int, Ask] = {}


def measure(chosen: Options) -> list[Result]:
    """Costs, then both passes in turns."""
    facts = load_catalogue()
    print_machine(["groundup", "numpy"], "peer: published costs; limits " + str(LIMITS))
    check(facts)
    results = costs(facts, chosen.pick(10_000, 4_000, 200))
    held_out(facts, chosen.pick(10_000, 4_000, 200))
    for samples in LIMITS:
        ASKS[samples] = ask("h100-sxm", 1e5, facts, samples)
    work: dict[str, Callable[[], object]] = {
        f"demand and limit, {n:,} draws": partial(floor, facts, n) for n in LIMITS
    }
    values = turns({name: partial(seconds, job) for name, job in work.items()}, chosen)
    started = time.process_time()
    pace(FabsConfig(), demand(FabsConfig(), ASKS[10_000], facts, 10_000), facts, 36, 10_000)
    spent = time.process_time() - started
    print(f"processor time of 36 months of pace with 10,000 draws: {spent:.3f} s")
    return results + [
        compare(f"{name} against its limit", "s", times, [most] * len(times))
        for (name, times), most in zip(values.items(), LIMITS.values(), strict=True)
    ]


if __name__ == "__main__":
    run(__doc__, measure)
