"""Rows of kind `power`: servers and racks by data sheet and at the plug, and whole sites."""

from __future__ import annotations

import functools
import re

from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.facts.estimate import Estimate, given
from groundup.facts.layer import Ask
from groundup.networks import plan as networks
from groundup.networks.config import NetworksConfig
from groundup.planner.validation.estimates import DRAWS, said, sigma_of
from groundup.planner.validation.hardware import accelerators_in, chip_in
from groundup.planner.validation.row import Prediction, Row
from groundup.sites import plan
from groundup.sites.config import SitesConfig
from groundup.sites.servers import from_parts, per_server, server_power, training_power

_RATED = re.compile(r"\bmax(?:imum)?\b|\brated\b|nameplate|\bTDP\b|\brack\b", re.IGNORECASE)
_MEASURED = re.compile(r"node|server|_ac_|measured|median|mean|average|wall", re.IGNORECASE)
_PUE = re.compile(r"PUE\s*(?:of\s*)?(\d\.\d+)", re.IGNORECASE)


def predict(row: Row, facts: Catalogue) -> Prediction:
    """Watts: a server's rating from its parts, its draw while it trains, or a site with its PUE.

    Words of the row decide which: `max` or `rack` a rating, `node` or `server` in the metric a
    measurement, a count of accelerators beyond one server a site. NoDataError where the row names
    no accelerator, or where neither server nor site is meant.
    """
    name = chip_in(row)
    count = accelerators_in(row)
    each = per_server(name, facts).value
    sigma = sigma_of("power", facts)
    if _RATED.search(row.name) and (count is None or count <= each):
        return said(_rating(name, facts), "W", "parts / share of parts in rated power", sigma)
    if _MEASURED.search(row.metric):
        drawn = training_power(name, facts, DRAWS) * given(count or each, "accelerator", "n")
        return said(drawn, "W", "rated power x measured share", sigma)
    if count is None:
        raise NoDataError("column `n_chips` is empty and the name states no count: is it a site?")
    if count <= each:
        drawn = training_power(name, facts, DRAWS) * given(count, "accelerator", "n")
        return said(drawn, "W", "rated power x measured share", sigma)
    stated = _PUE.search(row.notes)
    pue = float(stated.group(1)) if stated else 0.0
    return said(_site(name, count, pue, facts), "W", "servers, network, storage x PUE", sigma)


def _rating(name: str, facts: Catalogue) -> Estimate:
    """Rated watts of a server or rack from its parts, else by the usual factor."""
    try:
        return from_parts(name, facts, DRAWS)
    except NoDataError:
        count = per_server(name, facts, DRAWS) * given(1.0, "accelerator", "one")
        return server_power(name, facts, DRAWS) * count


@functools.lru_cache(maxsize=256)
def _site(name: str, count: float, pue: float, facts: Catalogue) -> Estimate:
    """Watts of a site of so many accelerators at its grid connection."""
    config = SitesConfig(pue=pue) if pue else SitesConfig()
    quantities = {
        "accelerators": given(count, "accelerator", "n", "row"),
        "accelerator_hours": given(count, "accelerator*h", "hours", "row"),
    }
    ask = plan.demand(config, Ask(name, quantities), facts, DRAWS)
    ask = networks.demand(NetworksConfig(), ask, facts, DRAWS)
    return plan.limit(config, ask, facts, DRAWS).needs
