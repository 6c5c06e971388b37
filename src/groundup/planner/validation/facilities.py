"""Rows of kinds `pue` and `facility`: cooling's overhead, capital of a gigawatt, building time."""

from __future__ import annotations

import re

from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.facts.estimate import Estimate, given
from groundup.planner.validation.estimates import DRAWS, said, sigma_of
from groundup.planner.validation.row import Prediction, Row
from groundup.sites import climate, economics
from groundup.sites.servers import server_power
from groundup.sites.time_to_power import lead

_LIQUID = r"liquid|cold[- ]plate|warm[- ]water|direct[- ]to[- ]chip|\bhpc\b|esif|nrel|immersion"
_LARGE = r"google|meta\b|facebook|microsoft|amazon|\baws\b|hyperscal|fleet|xai|oracle"
_COLD = r"nrel|esif|golden|lulea|norway|sweden|finland|iceland|denmark|canada"
_PARTS = "accelerators, servers, network, building"
_TEMPERATE = ("temperate", "continental")


def predict(row: Row, facts: Catalogue) -> Prediction:
    """The figure of a site that the row names; NoDataError where nothing of floor 5 answers."""
    if row.kind == "pue" or row.metric == "pue":
        return _pue(row, facts)
    text = row.name.lower()
    if "capex" in text or "capital" in text or "usd/gw" in row.unit.lower():
        return said(_capital(facts), "GUSD/GW", _PARTS, sigma_of("capital", facts))
    if re.search(r"build|days to|time to power", text) and row.unit.startswith("day"):
        days = lead("mobile-gas", facts, DRAWS)
        return said(days, "day", "mobile gas turbines", sigma_of("lead", facts))
    raise NoDataError(f"no model of {row.name!r}: it is not a figure of one site")


def _pue(row: Row, facts: Catalogue) -> Prediction:
    """By climate and cooling for a liquid-cooled site or a large operator, else the survey's."""
    text = f"{row.name} {row.notes}".lower()
    sigma = sigma_of("cooling", facts)
    if re.search(_LIQUID, text):
        place = "cold" if re.search(_COLD, text) else "temperate"
        found = climate.pue("cold-plate", place, "tower", facts, DRAWS)
        how = f"cold plates and towers, {place} climate"
    elif re.search(_LARGE, text):
        found = _mean([climate.pue("air", place, "tower", facts, DRAWS) for place in _TEMPERATE])
        how = "air and towers, temperate and continental climate"
    else:
        found, how = facts.estimate("sites.pue.air", DRAWS), "survey of air-cooled sites"
    overhead = said(found - 1.0, "1", how, sigma)
    return Prediction(1 + overhead.value, 1 + overhead.low, 1 + overhead.high, how, "1")


def _mean(estimates: list[Estimate]) -> Estimate:
    total = estimates[0]
    for one in estimates[1:]:
        total = total + one
    return total / float(len(estimates))


def _capital(facts: Catalogue) -> Estimate:
    """All-in capital of a gigawatt of GB200: the machine that most of it is being built with."""
    usage = facts.estimate("sites.pue.liquid", DRAWS)
    each = server_power("gb200", facts, DRAWS)
    found: Estimate = economics.all_in("gb200", each, usage, facts, DRAWS)["total"]
    return found * given(1.0, "1", "one")
