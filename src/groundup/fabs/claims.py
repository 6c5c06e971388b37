"""Numbers that circulate about floor 2, held against what follows from facts."""

from __future__ import annotations

from groundup.fabs.bill import module_cost
from groundup.fabs.config import FabsConfig
from groundup.fabs.nodes import cost_per_transistor, node_capacity
from groundup.fabs.packages import package_yield
from groundup.fabs.series import at_year
from groundup.fabs.wafers import defects_per_die, gross, perfect_yield
from groundup.fabs.yields import stack_yield
from groundup.facts.catalogue import Catalogue
from groundup.facts.claims import Claim
from groundup.facts.estimate import Estimate, derived, given
from groundup.facts.layer import Ask

_H100 = "h100-sxm"
_THEN = FabsConfig(order_date=2023.6)
"""When the cost of the H100 was estimated (Raymond James, August 2023)."""


def claims(facts: Catalogue) -> tuple[Claim, ...]:
    """Every claim of the table about layer 2, found again from facts."""
    return (
        Claim("S015", "the reticle limit is 858 mm2", 858, 858, _reticle(facts), "ok",
              "a mask field of 132 x 104 mm, reduced four times in each direction: 33 x 26 mm"),
        Claim("S017", "a CoWoS-S interposer of 3.3 reticles is about 2700 mm2", 2700, 2700,
              _interposer(facts), "approx",
              "3.3 x 858 mm2 is 2831 mm2 (TSMC states both); 2700 is an older 3.15 reticles"),
        Claim("S018", "gross dies of 814 mm2 on a 300 mm wafer", None, None, _gross(facts),
              "derived",
              "63.5 by the formula (de Vries 2005), 67 on the exact grid with 3 mm of edge and "
              "0.1 mm scribe lines; texts with 86 divide areas and forget the edge"),
        Claim("S020", "an H100 die costs about 2100 USD to make", 2100, 2100, _h100_die(facts),
              "wrong",
              "some 16 500 USD a wafer over 64 dies of which 8 in 10 are sold with 132 of 144 SMs "
              "is 300 to 350 USD; only perfect dies at 0.1 defects per cm2 cost 570. The number "
              "is a module with its memory: at 2100 a die the wafer would yield 12 %"),
        Claim("S023", "cost per transistor stopped falling at 5 nm", 1.0, 1.3,
              _per_transistor(facts), "ok",
              "N5 over N7 in CSET's prices and high-density cells: a quarter more a transistor"),
        Claim("S024", "N2 capacity of 40k, then 100k, then 200k wafers a month", None, None,
              _n2_dies(facts), "input",
              "a plan of the maker; here as good dies of 100 mm2 a year at the capacity of 2027. "
              "Sources differ: 45 to 50k at the end of 2025, 60 to 130k in 2026, 200k in 2028"),
        Claim("S025", "CoWoS grows from 13k to 100-120k wafers a month", None, None,
              _packages(facts), "derived",
              "wafers x 12 months x 28 packages of H100 size x package yield"),
        Claim("S026", "yield starts at 30-60 % and is mature at 80-95 % after 12-18 months", None,
              None, _mature_yield(facts), "input",
              "depends on the die: by TSMC's 0.105 defects per cm2 falling to 0.07, a die of "
              "100 mm2 yields over 90 % a year and a quarter into volume, one of 814 mm2 60 %"),
        Claim("S028", "a fab takes 38 months in the US against 19 in Taiwan", 2.0, 2.0,
              _twice(facts), "ok",
              "Exyte 2025, permits and construction; CSET's means of 1990 to 2020 from first "
              "ground to production differ far less: 736 against 654 days"),
        Claim("S029", "HBM3E gives about 4.8 TB/s a stack", 4.8, 4.8, _stack_bandwidth(facts),
              "wrong",
              "1024 pins x 9.6 Gbit/s / 8 is 1.23 TB/s; 4.8 TB/s is the H200 with six stacks"),
        Claim("S030", "48 EUV tools at about 220 MUSD in a year", None, None, _euv(facts),
              "derived",
              "48 x 200 to 220 MUSD is about 10 GUSD; ASML's own figure for the 48 tools of 2025 "
              "is 11.6 GEUR, high-NA tools among them"),
        Claim("S032", "16-high HBM stacks cut yield", None, None, _tall_stack(facts), "derived",
              "99.5 % a die and 99.8 % a bond: 0.995^16 x 0.998^15; 8 high it is 0.95"),
    )  # fmt: skip


def _reticle(facts: Catalogue) -> Estimate:
    words = ("mask-width", "mask-height", "reduction")
    width, height, times = (facts.estimate(f"fabs.reticle.{word}") for word in words)
    return (width / times * (height / times)).to("mm2").named("fabs.reticle")


def _interposer(facts: Catalogue) -> Estimate:
    reticles = facts.estimate("fabs.packaging.cowos-s.reticles")
    return (reticles * facts.estimate("fabs.reticle.area")).named("fabs.largest_interposer")


def _area(facts: Catalogue) -> Estimate:
    return facts.estimate(f"chips.{_H100}.logic.die_area").to("mm2/die")


def _gross(facts: Catalogue) -> Estimate:
    return gross(_area(facts), facts, 0)


def h100(facts: Catalogue, samples: int = 0) -> Ask:
    """One H100 as the chips floor asks for it, from the same facts."""
    one = given(1.0, "accelerator", "accelerators", "one module")
    words = ("logic.dies", "stacks", "stack_capacity", "stack_dies")
    dies, stacks, capacity, layers = (
        facts.estimate(f"chips.{_H100}.{word}", samples) for word in words
    )
    quantities = {
        "accelerators": one,
        "logic_dies": one * dies,
        "logic_die_area": facts.estimate(f"chips.{_H100}.logic.die_area", samples),
        "hbm_stacks": one * stacks,
        "hbm_stack_dies": layers,
        "hbm_capacity": one * stacks * capacity,
    }
    return Ask(_H100, quantities, {"logic_node": "n5", "hbm": "hbm3", "package": "cowos-s"})


def _h100_die(facts: Catalogue) -> Estimate:
    one = given(1.0, "accelerator", "one module", "a module has one die")
    return (module_cost(h100(facts), facts, 0, _THEN)["die"] * one).named("fabs.h100_die")


def _per_transistor(facts: Catalogue) -> Estimate:
    ratio = cost_per_transistor("n5", facts) / cost_per_transistor("n7", facts)
    return ratio.to("1").named("fabs.n5_over_n7")


def _n2_dies(facts: Catalogue) -> Estimate:
    area = given(100.0, "mm2/die", "a die of 100 mm2", "size of a phone's processor")
    good = perfect_yield(defects_per_die(area, "n2", facts, 0), _THEN, facts, 0)
    wafers = node_capacity("n2", facts, 0, 2027.0).to("wafer/year")
    return (wafers * gross(area, facts, 0) * good).named("fabs.n2_dies")


def _packages(facts: Catalogue) -> Estimate:
    wafers = at_year("fabs.cowos.capacity_by", 2027.0, facts).to("wafer/year")
    each = facts.estimate(f"fabs.package.{_H100}.per_wafer")
    placed = given(6.0, "1/accelerator", "one die and five stacks", "H100")
    perfect = given(1.0, "1", "tested dies are good")
    good = package_yield("cowos-s", placed, perfect, facts)
    return (wafers * each * good).named("fabs.cowos_packages")


def _mature_yield(facts: Catalogue) -> Estimate:
    area = given(100.0, "mm2/die", "a die of 100 mm2", "size of a phone's processor")
    opened = facts["fabs.node.n5.volume_start"].value
    later = opened + facts["fabs.yield.months_to_mature"].value / 12
    return perfect_yield(defects_per_die(area, "n5", facts, 0, later), _THEN, facts, 0)


def _twice(facts: Catalogue) -> Estimate:
    there, here = (facts.estimate(f"fabs.construction.{r}.total") for r in ("taiwan", "us"))
    return (here / there).named("fabs.us_over_taiwan")


def _stack_bandwidth(facts: Catalogue) -> Estimate:
    one = given(1.0, "stack", "one stack", "definition")
    rate = facts.estimate("fabs.hbm.hbm3e.pin_rate") * facts.estimate("fabs.hbm.width") * one
    return rate.to("TB/s").named("fabs.hbm3e_bandwidth", "pins x rate")


def _euv(facts: Catalogue) -> Estimate:
    year = given(1.0, "year", "one year", "definition")
    sold = facts.estimate("fabs.euv.sold") * facts.estimate("fabs.euv.price") * year
    return sold.to("GUSD").named("fabs.euv_sales", "tools x price")


def _tall_stack(facts: Catalogue) -> Estimate:
    layer, bond = (facts.estimate(f"fabs.hbm.{word}") for word in ("layer_yield", "layer_bond"))
    found = stack_yield(layer.samples, bond.samples, 16)
    return derived(found, "1", "fabs.tall_stack", "die^16 x bond^15", (layer, bond))
