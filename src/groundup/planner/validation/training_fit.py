"""The published training runs as data of the fit: families of sources, seconds of a step."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import GroundupError
from groundup.facts.estimate import Array
from groundup.planner.validation.row import Row
from groundup.planner.validation.training import completed, is_time, measured_as
from groundup.planner.validation.training_rows import Case, case_of
from groundup.training.cluster import Cluster
from groundup.training.fit import Prior, Runs, balanced, fit, prior_of
from groundup.training.laws import NAMES, Laws, Software, laws_from, of_software
from groundup.training.layout import Layout
from groundup.training.work import Work

FAMILIES = (
    (r"Megatron-Bridge", "Megatron-Bridge"),
    (r"llm-foundry", "MosaicML llm-foundry"),
    (r"training_results", "MLPerf results"),
    (r"2205\.05198", "Korthikanti et al. 2022"),
    (r"2104\.04473", "Megatron-LM 2021"),
    (r"bigscience", "BLOOM"),
    (r"2201\.11990", "MT-NLG"),
    (r"Megatron-LM README", "Megatron-Core README"),
    (r"PaLM", "PaLM"),
    (r"torchtitan", "torchtitan"),
    (r"2302\.13971", "LLaMA"),
    (r"2402\.15627", "MegaScale"),
)
"""What a source holds, and the family it belongs to: rows that share machines, code and people."""
_ROUNDS = 3
"""Rounds of choosing open layouts and fitting; they settle in two."""


@dataclass(frozen=True)
class Fitted:
    """Cases, their chosen layouts and the constants that were fitted to them."""

    cases: tuple[Case, ...]
    """Rows that a step time can be predicted of."""
    families: tuple[str, ...]
    """Of each case."""
    runs: Runs
    """The cases as arrays."""
    logarithms: Array
    """Of the constants, in the order of `NAMES`."""
    prior: Prior
    """What was believed before."""
    left_out: Mapping[str, str]
    """Rows that could not be read, and why."""


def family_of(row: Row) -> str:
    """Family of a row's source; the source itself where it is none of the known ones."""
    return next((name for pattern, name in FAMILIES if re.search(pattern, row.source)), row.source)


def refit(rows: Iterable[Row], facts: Catalogue) -> Fitted:
    """Fit all constants to the rows, from the priors on.

    Open layouts are chosen by the constants of the round before. A family's runs of one model
    count as the square root of their number.
    """
    cases, left_out = _cases(rows, facts)
    families = tuple(family_of(case.row) for case in cases)
    prior = prior_of(facts)
    alike = [f + case.architecture.name for f, case in zip(families, cases, strict=True)]
    found = prior.middle
    for _ in range(_ROUNDS):
        runs = runs_of(cases, laws_from(constants(found), Software()), facts)
        runs = dataclasses.replace(runs, weight=balanced(alike))
        found = fit(runs, prior, found)
    return Fitted(tuple(cases), families, runs, found, prior, left_out)


def constants(logarithms: Array) -> dict[str, Array]:
    """Constants by name from their logarithms."""
    return {name: np.asarray(np.exp(x)) for name, x in zip(NAMES, logarithms, strict=True)}


def runs_of(cases: Sequence[Case], laws: Laws, facts: Catalogue) -> Runs:
    """Cases as arrays, their open layouts chosen by `laws`, all of weight 1."""
    layouts = [completed(case, of_software(laws, case.software), facts) for case in cases]
    pairs = list(zip(cases, layouts, strict=True))
    return Runs(
        work=Work(**_stacked([case.work for case in cases])),
        layout=Layout(**_stacked(layouts)),
        cluster=Cluster(**_stacked([case.cluster for case in cases])),
        software=Software(**_stacked([case.software for case in cases])),
        frozen=np.array([case.frozen for case in cases]),
        seconds=np.array([seconds_of(case, layout, facts) for case, layout in pairs]),
        weight=np.ones(len(cases)),
    )


def seconds_of(case: Case, layout: Layout, facts: Catalogue) -> float:
    """Measured seconds of a step: a row's metric is in proportion to them, or to their inverse."""
    value, one = case.row.number("value"), measured_as(case, layout, 1.0, facts)
    assert value is not None
    return value / one if is_time(case.row) else one / value


def _cases(rows: Iterable[Row], facts: Catalogue) -> tuple[list[Case], dict[str, str]]:
    cases, left_out = [], {}
    for row in rows:
        try:
            case = case_of(row, facts)
            measured_as(case, case.layout, 1.0, facts)
        except GroundupError as error:
            left_out[row.name] = str(error)
        else:
            cases.append(case)
    return cases, left_out


def _stacked(items: Sequence[Work | Layout | Cluster | Software]) -> dict[str, Array]:
    names = [one.name for one in dataclasses.fields(items[0])]
    return {name: np.array([float(getattr(item, name)) for item in items]) for name in names}
