"""Rows of kind `carbon`: a run's energy by its accelerator-hours, times PUE and the grid."""

from __future__ import annotations

import dataclasses
import math
import re

from groundup.chips.catalogue import power
from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.facts.estimate import given
from groundup.planner.validation.estimates import sigma_of
from groundup.planner.validation.hardware import chip_of
from groundup.planner.validation.kinds import model_of
from groundup.planner.validation.row import NORMAL_90, Prediction, Row, within
from groundup.sites.carbon import intensity, of_gpu_hours

_HOURS = re.compile(r"([\d.,]+(?:e\d+)?)\s*([kM]?)\s*GPU[- ]?h", re.IGNORECASE)
_PLACES = (
    (r"bloom|jean zay|france", "fr"),
    (r"sweden|lulea", "se"),
    (r"norway", "no"),
    (r"olmo", "us-tx"),
)
"""Words of a row to the region of its grid; the country of most published runs else."""


def predict(row: Row, facts: Catalogue) -> Prediction:
    """tCO2 as model cards count it: accelerator-hours x design power x PUE x grid intensity.

    Hours are those that the row states, else what groundup predicts of the run. Market-based rows
    of operators that match all energy with clean contracts are near zero. NoDataError where neither
    hours nor the run's model and tokens are there.
    """
    if "co2" not in row.metric.lower():
        raise NoDataError(f"no model of the metric {row.metric!r} of carbon")
    if "market" in row.metric.lower():
        raise NoDataError("market-based carbon is a matter of contracts, not of the run")
    each = intensity(region_of(row), facts)
    name = chip_of(row.hardware)
    watts = power(name, facts)
    if watts is None:
        raise NoDataError(f"no design power of {name} is on record")
    hours, spread, how = _hours(row, facts)
    pue = facts.estimate("planner.carbon.pue")
    found = of_gpu_hours(given(hours, "accelerator*h", "hours", "row"), watts, pue, each)
    sigma = (spread**2 + sigma_of("carbon", facts) ** 2) ** 0.5
    return within(found.value, sigma, f"{how} x design power x PUE x grid", "tCO2")


def region_of(row: Row) -> str:
    """Region of the grid that a row's words mean; the United States without such words."""
    text = f"{row.name} {row.notes} {row.source}".lower()
    return next((region for words, region in _PLACES if re.search(words, text)), "us")


def _hours(row: Row, facts: Catalogue) -> tuple[float, float, str]:
    """Accelerator-hours, the spread of ln of them, and where they come from."""
    stated = _HOURS.search(row.notes)
    if stated:
        scale = {"": 1.0, "k": 1e3, "M": 1e6}[stated.group(2)]
        return float(stated.group(1).replace(",", "")) * scale, 0.0, "stated hours"
    asked = dataclasses.replace(row, kind="train_run", metric="gpu_hours", unit="GPU-h")
    found = model_of("train_run")(asked, facts)
    return found.value, math.log(found.high / found.value) / NORMAL_90, "predicted hours"
