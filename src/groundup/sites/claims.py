"""Numbers that circulate about sites, held against what follows from facts."""

from __future__ import annotations

from groundup.facts.catalogue import Catalogue
from groundup.facts.claims import Claim
from groundup.facts.estimate import Estimate, given, total
from groundup.sites import climate, water
from groundup.sites.availability import outage_cost
from groundup.sites.cooling import server_kw
from groundup.sites.servers import from_parts, server_power

_SPENDERS = ("amazon", "alphabet", "meta", "microsoft", "oracle")


def claims(facts: Catalogue) -> tuple[Claim, ...]:
    """Every circulating number of floor 5, with verdict and reason."""
    return (*_power(facts), *_money(facts), *_water_and_time(facts))


def _power(facts: Catalogue) -> tuple[Claim, ...]:
    count = given(1e5, "accelerator", "accelerators", "the claim's own number")
    usage = facts.estimate("sites.pue.liquid")
    site = (count * server_power("b200", facts) * usage).to("MW").named("100 000 B200")
    rack = from_parts("gb200", facts).to("kW").named("GB200 NVL72 rack from its parts")
    denser = (server_kw("gb200", facts) / facts.estimate("sites.rack_usual")).to("1")
    share = climate.pue("cold-plate", "continental", "adiabatic", facts)
    return (
        Claim(
            "S072", "100 000 B200 take 115 to 138 MW", 115, 138, site, "wrong",
            "that is the accelerators alone with a PUE; the DGX B200 data sheet gives 14.3 kW for "
            "eight, so servers, fans and power supplies add four fifths",
        ),
        Claim(
            "S073", "a GB200 NVL72 rack takes 120 or 140 kW", 120, 140, rack, "inconsistent",
            "one text gives both; parts add to 114 kW, integrators say 120, the power shelves are "
            "132 kW and a SuperPOD plans 150 kW a rack with its network",
        ),
        Claim(
            "S074", "AI racks take 4 to 10 times as much as others", 4, 10,
            denser.named("NVL72 rack over a usual rack"), "ok",
            "an NVL72 rack of 120 kW against 10 to 15 kW of an ordinary room",
        ),
        Claim(
            "S076", "PUE is total power over that of the machines, 1.06 to 2", 1.06, 2.0, share,
            "ok", "the definition of ISO/IEC 30134-2; cold plates in Virginia as an instance",
        ),
    )  # fmt: skip


def _money(facts: Catalogue) -> tuple[Claim, ...]:
    spent = total(facts.estimate(f"sites.spending.{name}") for name in _SPENDERS)
    spent = spent.named("capital spending of five companies in 2026")
    ours = (spent * facts.estimate("sites.spending.ai_share")).named("three quarters of it")
    return (
        Claim(
            "S079", "five companies spend 660 to 690 GUSD in 2026", 660, 690, spent, "ok",
            "the sum of the middles of what each announced",
        ),
        Claim(
            "S080", "75 % of that, about 450 GUSD, is for AI", 450, 450, ours, "inconsistent",
            "450 GUSD are 67 % of the sum that the same text gives; 75 % of it are 506 GUSD",
        ),
    )  # fmt: skip


def _water_and_time(facts: Catalogue) -> tuple[Claim, ...]:
    supply = given(5e6, "gal/day", "water", "the claim's own number")
    cooled = water.cooled_by(supply, _older_wue(facts))
    lost = outage_cost(
        facts.estimate("sites.downtime.nines"), facts.estimate("sites.downtime.cost")
    )
    return (
        Claim(
            "S082", "a large data centre takes 5 million gallons a day", None, None, cooled,
            "derived", "at the 1.8 L/kWh of cooling towers (LBNL 2016) that cools 438 MW of "
            "machines; at today's average of 0.36 it would be five times as many",
        ),
        Claim(
            "S083", "an outage costs 9 000 USD a minute", None, None, lost, "input",
            "a survey's average (Ponemon 2016: 8 851 USD); at four nines it makes 52.6 minutes and "
            "473 000 USD a year, at tier IV half of that",
        ),
    )  # fmt: skip


def _older_wue(facts: Catalogue) -> Estimate:
    """Water of air cooling with towers: the older of the two LBNL averages on record."""
    fact = facts["sites.wue.air"]
    older = max((fact, *fact.conflicts), key=lambda one: one.value)
    return Estimate.of(older)
