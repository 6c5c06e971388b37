"""What the materials floor shows of a plan: bill, suppliers, controls, a shock, a loss."""

from __future__ import annotations

from datetime import date

from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Estimate
from groundup.facts.figures import (
    Bar,
    Bars,
    Cell,
    Curves,
    Figure,
    Span,
    Table,
    Timeline,
    banded,
)
from groundup.facts.layer import Ask
from groundup.materials.bill import WORLD, per_unit, shares, worth
from groundup.materials.catalogue import materials, property_of, uses
from groundup.materials.concentration import Concentration, all_steps, verdict
from groundup.materials.config import MaterialsConfig
from groundup.materials.controls import controls_of, recorded_until, timeline
from groundup.materials.economy import METALS, Restriction, restriction
from groundup.materials.history import past_shocks
from groundup.materials.shocks import FLOORS, Shock, layer_supply

_EXAMPLE = Shock("gallium", "refining", "china", 1.0, 0, 12)
_HORIZON = 24
"""Months of the example: a year of loss and a year after it."""
_AMOUNTS = {
    "silicon": "silicon", "neon": "neon", "helium": "helium", "nf3": "nf3", "copper": "copper",
    "lithium": "lithium", "gallium": "gallium", "indium": "indium", "germanium": "germanium",
    "water": "water_for_wafers",
}  # fmt: skip
"""Material in the catalogue to its amount in the ask."""
_DAYS = 365.25
"""Days of a mean year."""


def figures(
    config: MaterialsConfig, ask: Ask, facts: Catalogue, samples: int = 0
) -> tuple[Figure, ...]:
    """Bill, concentration, controls, markets, an example shock and the loss of a metal stop.

    `ask` is walked down, with what `demand` added; a bill without amounts is left out.
    """
    steps = all_steps(facts)
    bill = _bill(ask, facts, samples, steps)
    return (
        *((bill,) if bill.rows else ()),
        _units(ask, facts, samples),
        _concentration(steps, facts),
        _controls(),
        _markets(facts),
        _shock(ask, facts, samples),
        _loss(facts, samples),
    )


def _bill(ask: Ask, facts: Catalogue, samples: int, steps: tuple[Concentration, ...]) -> Table:
    share_of = {amount: name for name, (amount, _) in WORLD.items()} | {"silicon": "silicon wafers"}
    taken, paid = shares(ask, facts, samples), worth(ask, facts, samples)
    rows: list[tuple[Cell, ...]] = []
    for name, amount in _AMOUNTS.items():
        if amount in ask:
            share = taken.get(share_of.get(amount, ""))
            rows.append(
                (
                    materials()[name].text, name, ask[amount], share, paid.get(name),
                    *_market(name, steps),
                )
            )  # fmt: skip
    return Table(
        "What this plan takes of the earth, and who holds the market",
        (
            "for", "material", "amount", "share of a year's world output [%]",
            "at the price on record", "step",
            "largest supplier", "HHI", "export control",
        ),
        tuple(rows),
        "Gases are the chip industry's mean per wafer area; gallium and indium are those of laser "
        "dies, for GaN power and radio parts no amount is published. HHI above 1 800 is highly "
        "concentrated (merger guidelines 2023) and is a lower bound.",
    )  # fmt: skip


def _units(ask: Ask, facts: Catalogue, samples: int) -> Table:
    units = per_unit(facts, samples)
    rows: list[tuple[Cell, ...]] = []
    for name, amount in _AMOUNTS.items():
        each = ask[amount] / ask["accelerators"] if amount in ask else None
        cells: list[Cell] = ["–" if each is None else each.to(f"{_small(each)}/accelerator")]
        for unit in ("wafer", "transceiver", "megawatt"):
            found = units[unit].get(amount)
            small = "mg" if unit == "transceiver" else "" if found is None else _small(found)
            cells.append("–" if found is None else found.to(small))
        rows.append((name, *cells))
    if ask.accelerator.startswith("gb"):
        spine = facts.estimate("materials.copper.spine", samples)
        rows.append(("copper of the NVLink spine, one rack", spine.to("kg/rack"), "–", "–", "–"))
    return Table(
        "What one of each takes",
        (
            "material", "one accelerator of this plan", "one 300 mm wafer",
            "one optical transceiver", "one megawatt of site",
        ),
        tuple(rows),
        "Silicon and the metals of lasers follow from geometry, gases and fibre from the "
        "industry's mean, copper, water and lithium from published amounts. A dash: not "
        "counted there.",
    )  # fmt: skip


def _small(amount: Estimate) -> str:
    """Litres for volumes, grams for masses below a tonne, else kilograms."""
    if dict(amount.unit.dimension).get("length") == 3:
        return "L"
    return "kg" if str(amount.unit).startswith("t") else "g"


def _market(name: str, steps: tuple[Concentration, ...]) -> tuple[Cell, ...]:
    """Most concentrated step, its largest supplier and index, and the newest control."""
    mine = next((step for step in steps if step.material == name), None)
    if mine is None:
        return (None, None, None, _newest(name))
    share = f"{_who(mine.largest)} {100 * mine.shares[mine.largest]:.0f} %"
    return (mine.step, share, mine.index, _newest(name))


def _who(supplier: str) -> str:
    """A supplier's key as people write it: `US`, `South Africa`, `SK Specialty`."""
    short = ("us", "uae", "sk")
    return " ".join(w.upper() if w in short else w.capitalize() for w in supplier.split("-"))


def _newest(name: str) -> str:
    """The newest control on record, in a few words."""
    found = controls_of(name)
    if not found:
        return "none"
    last = found[-1]
    state = last.status(recorded_until())
    until = f" until {last.resumes}" if last.resumes and state == "suspended" else ""
    return f"{last.country}: {last.kind}, {state}{until}"


def _concentration(steps: tuple[Concentration, ...], facts: Catalogue) -> Bars:
    def parts(step: Concentration) -> tuple[tuple[str, float], ...]:
        known = [(_who(who), 100 * share) for who, share in step.shares.items()]
        rest = 100 - sum(value for _, value in known)
        return (*known, ("others", rest)) if rest > 0.5 else tuple(known)

    bars = tuple(Bar(f"{s.material}, {s.step} (HHI {s.index.value:,.0f})", parts(s)) for s in steps)
    high = sum(verdict(s.index.value, facts) == "highly concentrated" for s in steps)
    return Bars(
        f"Who makes it: {high} of {len(steps)} market steps are highly concentrated",
        "%", bars,
        "Share of each step by country or company; `others` is unknown or many.",
    )  # fmt: skip


def _controls() -> Timeline:
    last = _year(recorded_until())
    spans = []
    for row in timeline():
        end = last if row.until is None else _year(row.until)
        until = f"; suspended until {row.resumes}" if row.resumes else ""
        label = f"{row.country}: {', '.join(row.materials)}"
        note = f"{row.kind} against {row.against} from {row.start}{until}. {row.scope}"
        start = _year(row.start)
        spans.append(Span(label, start, max(end, start), note))
    for past in past_shocks():
        start, share = _year(past.day), f"{100 * past.shock.lost:.0f} %"
        note = f"{past.shock.material}: {share} of {_who(past.shock.supplier)} lost. {past.seen}"
        spans.append(Span(past.name, start, start + past.shock.months / 12, note))
    return Timeline(
        "Export controls on the stack's materials, and supply shocks that happened",
        "year", tuple(sorted(spans, key=lambda span: span.start)),
        f"Followed until {recorded_until()}; a suspension may have run out or been prolonged "
        "since. A span of no length was suspended before it began.",
    )  # fmt: skip


def _year(day: date) -> float:
    return day.year + (day - date(day.year, 1, 1)).days / _DAYS


def _markets(facts: Catalogue) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name, row in materials().items():
        if not uses(name, facts):
            rows.append((name, row.text, *(None,) * 7, row.instead))
            continue
        key = f"materials.{name}.price"
        price = facts.estimate(key) if key in facts else None
        numbers = [
            property_of(name, quantity, facts)
            for quantity in ("stock", "lead_time", "spare", "spare_time", "substitution")
        ]
        needed = ", ".join(
            f"{part} {100 * facts[f'materials.{name}.use.{part}'].value:.0f} %"
            for part in uses(name, facts)
        )
        rows.append((name, row.text, needed, price, *(_cell(x) for x in numbers), row.instead))
    return Table(
        "How each market bends: price, stocks, lead times, idle capacity, substitutes",
        (
            "material", "for", "parts it stops, at most", "price", "stock [month]",
            "lead time [month]",
            "idle capacity elsewhere [%]", "on line after [month]", "use that can do without [%]",
            "substitute",
        ),
        tuple(rows),
        "Where nothing is published of a market, the wide range of `materials.default` stands; "
        "most stocks and substitution shares are reasoned ranges of low confidence.",
    )  # fmt: skip


def _cell(value: Estimate) -> Estimate:
    return value.to("%") if not value.unit.dimension else value


def _shock(ask: Ask, facts: Catalogue, samples: int) -> Curves:
    months = tuple(float(month + 1) for month in range(_HORIZON))
    supply = layer_supply([_EXAMPLE], ask, facts, _HORIZON, samples)
    lines = [banded(floor, months, 100 * supply[floor].samples) for floor in FLOORS]
    return Curves(
        "If China's gallium stopped for a year: output of each floor",
        "month after the stop", "share of a normal month's output [%]", tuple(lines),
        note="Gallium goes into lasers, detectors, GaN power stages and radio parts, not into "
        "CMOS wafers. Stocks delay the loss, work in progress a few months more; every buyer is "
        "cut alike unless materials.priority says otherwise.",
    )  # fmt: skip


def _loss(facts: Catalogue, samples: int) -> Bars:
    bars = tuple(_loss_bar(restriction(metal, facts, samples)) for metal in METALS)
    return Bars(
        "A year without China's exports: value added lost in the United States",
        "billion USD", bars,
        "By use of the metal; `buyers` is what users of those devices lose. USGS Open-File Report "
        "2024-1057 finds 3.1 (1.7 to 8.2) for gallium and 0.4 (0.01 to 1.1) for germanium.",
    )  # fmt: skip


def _loss_bar(row: Restriction) -> Bar:
    parts = [(use, lost.value / 1e9) for use, lost in row.direct.items()]
    price = 100 * (row.price.value - 1)
    label = f"{row.metal} (price {price:+.0f} %)"
    low, high = row.loss.low / 1e9, row.loss.high / 1e9
    return Bar(label, (*parts, ("buyers", row.downstream.value / 1e9)), low, high)
