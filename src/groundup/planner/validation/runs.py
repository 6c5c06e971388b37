"""Rows of whole training runs: accelerator-hours, days, dollars, energy, failures."""

from __future__ import annotations

import math
import re

from groundup.chips.catalogue import known
from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.planner.validation.row import Prediction, Row, between, within
from groundup.planner.validation.run_rate import goodput_of, run_rate
from groundup.planner.validation.run_work import (
    chip_name,
    power_of,
    published_run,
    run_work,
)
from groundup.sites.servers import training_power

HOURS_A_YEAR = 8766.0
"""365.25 days."""
_PER_TIME = (("hour", 1.0), ("day", 24.0), ("week", 168.0), ("month", HOURS_A_YEAR / 12))
"""Words of a metric to hours."""
_WINDOW = re.compile(r"(\d+(?:\.\d+)?)_?(d|days?|h|hours?|weeks?|months?)(?:_|$)")
_PRICE = re.compile(r"at_(\d+(?:\.\d+)?)_?usd_per_(?:gpu|chip)?_?h")


def predict(row: Row, facts: Catalogue) -> Prediction:
    """The published number of a run; NoDataError names the column or the fact that is missing."""
    if row.kind in ("train_run", "train_run_epoch"):
        return _time(row, facts)
    if row.kind == "cost":
        return _cost(row, facts)
    if row.kind == "energy":
        return _energy(row, facts)
    if row.kind == "reliability":
        return _reliability(row, facts)
    raise NoDataError(f"no model of runs for the kind {row.kind!r}")


def hours_of(row: Row, facts: Catalogue) -> tuple[float, float, str]:
    """Accelerator-hours of a run, sigma of ln of them, and which model: FLOP / rate of the run."""
    work = run_work(row)
    rate = run_rate(row, work, facts)
    sigma = _sigma("run_unknown_chip" if rate.best is None else "train_run", facts)
    ideal = "ideal" in row.metric.lower()
    return work.flop / rate.flops(work, facts, ideal) / 3600, sigma, rate.how


def _time(row: Row, facts: Catalogue) -> Prediction:
    """Accelerator-hours, or hours or days of the whole job."""
    metric, unit = row.metric.lower(), row.unit.lower()
    if "token" in metric or unit in ("tok", "token", "tokens"):
        raise NoDataError(f"{row.where}: {row.metric} is what the run was given, not a result")
    hours, sigma, how = hours_of(row, facts)
    if re.search(r"gpu|chip|accelerator|tpu", metric + unit):
        return within(hours, sigma, how, "accelerator*h")
    if not re.search(r"hour|day|week|month|\btime|duration", metric):
        raise NoDataError(f"{row.where}: no model of the metric {row.metric!r} of a run")
    count = row.number("n_chips")
    if not count:
        raise NoDataError(f"{row.where}: {row.metric} needs the column `n_chips`")
    return within(hours / count, sigma, how, "h")


def _cost(row: Row, facts: Catalogue) -> Prediction:
    """Accelerator-hours at a price: a rent, or depreciation and electricity of owned chips."""
    hours, sigma, how = hours_of(row, facts)
    stated = _PRICE.search(row.metric.lower())
    if stated:
        return within(hours * float(stated.group(1)), sigma, f"{how} x stated price", "USD")
    if "amorti" in row.metric.lower():
        price, what = owned_hour(chip_name(row, published_run(row.name)), facts), "owned hour"
    else:
        price, what = facts["planner.run.cost.rent"].value, "rented hour"
    spread = math.hypot(sigma, _sigma("run_cost", facts))
    return within(hours * price, spread, f"{how} x {what}", "USD")


def owned_hour(chip: str, facts: Catalogue) -> float:
    """Dollars of an hour of an owned accelerator: what it loses in value, and electricity.

    Cottier et al. 2024 (arXiv:2405.21015, section 2): price with server and interconnect, falling
    by 0.14 powers of ten a year. NoDataError where the chip has no price.
    """
    part = {name: facts[f"planner.run.cost.{name}"].value
            for name in ("server", "interconnect", "depreciation", "electricity")}  # fmt: skip
    bought = chip_price(chip, facts) * part["server"] / (1 - part["interconnect"])
    lost = bought * part["depreciation"] * math.log(10) / HOURS_A_YEAR
    return lost + power_of(chip, facts) / 1e3 * part["server"] * part["electricity"]


def chip_price(chip: str, facts: Catalogue) -> float:
    """Dollars of an accelerator when the runs of its time bought it; NoDataError without one."""
    for key in (f"planner.run.price.{chip}", f"planner.run.old.{chip}.price"):
        if key in facts:
            return facts[key].value
    found = known(chip, "price", facts)
    if found is None:
        raise NoDataError(f"no price of {chip} is on record; add a fact `planner.run.price.{chip}`")
    return found.to("USD/accelerator").value


def _energy(row: Row, facts: Catalogue) -> Prediction:
    """Energy of the accelerators (`gpu_energy`), else of their servers at the plug."""
    chip = chip_name(row, published_run(row.name))
    window, count = _window(row.metric), row.number("n_chips")
    if window and count:
        hours, sigma, how = window * count, 0.3, "accelerators x stated time"
    else:
        hours, sigma, how = hours_of(row, facts)
    watts, what = _watts(row, chip, facts)
    spread = math.hypot(sigma, _sigma("run_energy", facts))
    return within(hours * watts / 1e3, spread, f"{how} x {what}", "kWh")


def _watts(row: Row, chip: str, facts: Catalogue) -> tuple[float, str]:
    """Mean power of an accelerator, alone or with its share of the server."""
    alone = power_of(chip, facts) * facts["training.power.average"].value
    if re.search(r"gpu|chip|accelerator", row.metric.lower()):
        return alone, "accelerators' power"
    try:
        return training_power(chip, facts).to("W/accelerator").value, "servers' power"
    except NoDataError:
        return alone, "accelerators' power"


def _reliability(row: Row, facts: Catalogue) -> Prediction:
    """Interruptions in a time, hours between them, or the share of the time that trains."""
    count, metric = row.number("n_chips"), row.metric.lower()
    if not count:
        raise NoDataError(f"{row.where}: failures need the column `n_chips`")
    if re.search(r"effective|goodput|ettr|productive", metric):
        return _share(row, count, facts)
    rate = facts["planner.run.reliability.rate"].value * count
    sigma = _sigma("reliability", facts)
    how = "mean failure rate of published fleets"
    if re.search(r"mttf|mtbf|mtti|between", metric):
        return within(1 / rate, sigma, how, "h")
    hours = _window(metric) or _per(metric)
    if hours is None:
        raise NoDataError(f"{row.where}: the metric {row.metric!r} names no time")
    return within(rate * hours, sigma, how)


def _share(row: Row, count: float, facts: Catalogue) -> Prediction:
    """Effective time share of a job; parameters are those of the row or of a published run."""
    told = published_run(row.name)
    usual = facts["planner.run.large"].value
    total = row.number("params_total") or float(told.get("active", usual))
    share = goodput_of(total, count, facts)
    sigma = _sigma("goodput", facts)
    low, high = within(share, sigma, "").low, min(within(share, sigma, "").high, 1.0)
    return between(
        share, low, high, "checkpoints to a store, failure rate of published fleets", "1"
    )


def _window(metric: str) -> float | None:
    """Hours of a time in a metric's name (`_54d`, `_5_months`)."""
    found = _WINDOW.search(metric.lower())
    if not found:
        return None
    letter = found.group(2)[0]
    each = {"d": 24.0, "h": 1.0, "w": 168.0, "m": HOURS_A_YEAR / 12}[letter]
    return float(found.group(1)) * each


def _per(metric: str) -> float | None:
    """Hours of the unit of time that a metric counts by (`_per_week`, `_per_day`)."""
    return next((hours for word, hours in _PER_TIME if f"per_{word}" in metric), None)


def _sigma(what: str, facts: Catalogue) -> float:
    return facts[f"planner.error.{what}"].value
