"""Circulating numbers of the materials layer, held against what follows from facts."""

from __future__ import annotations

from groundup.facts.catalogue import Catalogue
from groundup.facts.claims import Claim
from groundup.facts.estimate import Estimate, given, total
from groundup.facts.layer import Ask
from groundup.materials.concentration import concentration
from groundup.materials.economy import restriction
from groundup.materials.shocks import Shock, layer_supply

_EMBARGO = Shock("gallium", "refining", "china", 1.0, 0, 12)
_HORIZON = 18
"""Months that the embargo of a year is followed: stocks, loss and recovery."""


def claims(facts: Catalogue) -> tuple[Claim, ...]:
    """Claims about wafers, gallium, rare earths, water, embargoes and subsidies, by key."""
    return (
        _wafer_makers(facts),
        _wafer_market(facts),
        Claim(
            "S005", "China refines 98 to 99 % of gallium", None, None,
            concentration("gallium", facts, step="refining"), "derived",
            "HHI 9 604 to 9 801: near-monopoly. 98 % of primary low-purity output in 2023, 99 % "
            "in 2024 (USGS 2025), all of it in 2025 (USGS 2026)",
        ),
        Claim(
            "S006", "China refines about 90 % of rare earths", None, None,
            concentration("rare-earth", facts, step="refining"), "derived",
            "HHI of the known share alone; heavy rare earths are nearer to 98 %",
        ),
        Claim(
            "S007", "China mines 60 to 70 % of rare earths", None, None,
            _china_mines(facts), "derived",
            "270 000 of 390 000 t of oxides in 2024 are 69 % (USGS 2025): mining is less "
            "concentrated than refining",
        ),
        _water(facts),
        _mountain_pass(facts),
        _embargo(facts),
        _chips_act(facts),
        Claim(
            "S014", "goods with more than 0.1 % Chinese rare earths by value need a licence",
            0.001, 0.001, facts.estimate("materials.circulating.rare_earth_rule"), "input",
            "0.1 % or more of the value, Announcement No. 61 of 2025; suspended since 7 November "
            "2025 by Announcement No. 70",
        ),
    )  # fmt: skip


def _wafer_makers(facts: Catalogue) -> Claim:
    keys = facts.keys("materials.silicon.share.")
    found = total(facts.estimate(key) for key in keys)
    return Claim(
        "S001", "the five largest wafer makers hold about 82 %", 0.82, 0.82,
        found.named("materials.top_five", "sum of the five shares"), "inconsistent",
        "the five shares given beside it add to 72 %; more than half of 300 mm capacity for the "
        "two largest is a different denominator than revenue",
    )  # fmt: skip


def _wafer_market(facts: Catalogue) -> Claim:
    growth = 1.0 + facts.estimate("materials.circulating.wafer_market_growth")
    years = facts.estimate("materials.circulating.wafer_market_years")
    found = facts.estimate("materials.circulating.wafer_market_2025") * growth**years
    return Claim(
        "S003", "14.5 GUSD of wafers in 2025 grow to 17.85 GUSD in 2031 at 3.57 % a year",
        17.85, 17.85, found.to("GUSD/year") * given(1.0, "year", "one year"), "ok",
        "the compound growth is right; SEMI counts 11.5 GUSD of wafer sales in 2024",
    )  # fmt: skip


def _china_mines(facts: Catalogue) -> Estimate:
    share = facts.estimate("materials.rare-earth.mining.china")
    return ((share * 100.0) ** 2).named("materials.hhi.rare-earth.mining.china", "(100 x share)^2")


def _water(facts: Catalogue) -> Claim:
    a_day = facts.estimate("materials.circulating.fab_water")
    found = a_day / facts.estimate("materials.water.per_wafer")
    return Claim(
        "S008", "2 200 gal a wafer and 10 Mgal a day (4 545 wafers)", 4545, 4545,
        found.to("wafer/day"), "ok",
        "consistent, but only for a fab of 138 000 wafers a month; whether recycled water is "
        "counted is not said",
    )  # fmt: skip


def _mountain_pass(facts: Catalogue) -> Claim:
    mined = facts.estimate("materials.circulating.mountain_pass")
    year = given(1.0, "year", "one year")
    found = mined / facts.estimate("materials.circulating.mountain_pass_share") * year
    world = facts["materials.rare-earth.world"].value
    return Claim(
        "S010", "45 000 t of rare-earth oxide are 15 % of the world", None, None, found.to("t"),
        "check",
        f"implies a world of 300 000 t; the USGS counts {world:,.0f} t for 2024, so that the share "
        "is 11.5 %: 15 % belongs to an earlier year",
    )  # fmt: skip


def _embargo(facts: Catalogue) -> Claim:
    ask = Ask("any", {})
    supply = layer_supply([_EMBARGO], ask, facts, _HORIZON)
    fabs, networks, sites = (supply[name].values.min() for name in ("fabs", "networks", "sites"))
    one = restriction("gallium", facts).loss
    found = given(
        1.0 - fabs, "1", "materials.embargo.fabs", "layer_supply, worst month of the fabs"
    )
    return Claim(
        "S012", "a gallium embargo stops chips, then data centres, then training", None, None,
        found, "ambiguous",
        "bulk gallium is not an input of CMOS logic wafers: a year without China's gallium costs "
        f"fabs {100 * (1 - fabs):.0f} %, optics {100 * (1 - networks):.0f} % and power "
        f"{100 * (1 - sites):.0f} % of their worst month, by lasers, GaN stages and radio parts; "
        f"{one.value / 1e9:.1f} GUSD of US value added here, 3.1 (1.7 to 8.2) in USGS OFR "
        "2024-1057",
    )  # fmt: skip


def _chips_act(facts: Catalogue) -> Claim:
    grants = facts.estimate("materials.circulating.chips_act_grants")
    awarded = grants + facts.estimate("materials.circulating.chips_act_loans")
    found = (awarded / facts.estimate("materials.circulating.chips_act_said")).to("1")
    return Claim(
        "S013", "33 + 5.5 of 56 GUSD of the CHIPS Act are awarded", None, None,
        found.named("materials.chips_act.awarded", "(grants + loans) / total said"), "check",
        "69 % of 56 GUSD, but the act appropriates 52.7 GUSD (Public Law 117-167): 56 mixes "
        "appropriations with authority to lend",
    )  # fmt: skip
