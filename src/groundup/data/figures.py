"""What the page of text shows: stock against use by year, parts of the web, what repeats give."""

from __future__ import annotations

import numpy as np

from groundup.data.config import DataConfig
from groundup.data.stock import (
    PARTS,
    exhaustion,
    largest_runs,
    stock_in,
    used_in,
    worth_of_repeats,
    year_of,
)
from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import given
from groundup.facts.figures import Cell, Curves, Figure, Line, Table, banded
from groundup.facts.layer import Ask

_YEARS = np.arange(2024.0, 2035.01, 0.5)
"""Years drawn; the published projection ends in 2034."""
_EPOCHS = np.unique(np.round(np.geomspace(1, 60, 40)))


def figures(config: DataConfig, ask: Ask, facts: Catalogue, samples: int = 0) -> tuple[Figure, ...]:
    """Stock and use of text by year, years of exhaustion, parts of the web, worth of repeats."""
    return (
        lasting(ask, facts, samples), exhaustions(facts, samples), web(facts, samples),
        repeats(facts),
    )  # fmt: skip


def lasting(ask: Ask, facts: Catalogue, samples: int = 0) -> Curves:
    """The effective stock and the largest training set by year, with published sets as dots."""
    years = tuple(_YEARS.tolist())
    runs = largest_runs(facts)
    lines = [
        banded("stock of public text, repeats counted", years, stock_in(_YEARS, facts, samples)),
        banded("largest training set, projected", years, used_in(_YEARS, facts, samples)),
        Line("published training sets", tuple(year_of(run) for run in runs),
             tuple(run.value for run in runs), dots=True),
    ]  # fmt: skip
    if "train_tokens" in ask:
        needs = ask["train_tokens"].to("Ttoken").value
        lines.append(Line("this plan", (years[0], years[-1]), (needs, needs)))
    meets = exhaustion(facts, samples)
    return Curves(
        "Training sets grow faster than the text there is", "year", "tokens [Ttoken]",
        tuple(lines), y_log=True,
        note=f"They meet in {meets.value:.0f} ({meets.low:.0f} to {meets.high:.0f}); Villalobos et "
        "al. 2024 publish 2028 (2026 to 2032). Images and video count in the largest dot.",
    )  # fmt: skip


def exhaustions(facts: Catalogue, samples: int = 0) -> Table:
    """The year by what one assumes."""
    rows: tuple[tuple[Cell, ...], ...] = (
        ("trend of 2024", exhaustion(facts, samples)),
        ("five times over-trained", exhaustion(facts, samples, overtrained=5.0)),
        ("from the largest set of 2025", exhaustion(facts, samples, latest=True)),
    )
    return Table(
        "When the largest training set takes the whole stock", ("assumption", "year"), rows,
        "Over-trained models read more tokens for their parameters than is best for training "
        "compute alone, as they are cheaper to serve.",
    )  # fmt: skip


def web(facts: Catalogue, samples: int = 0) -> Table:
    """Raw tokens by part of the internet."""
    rows = tuple(
        (part.replace("_", " "), facts.estimate(f"data.raw.{part}", samples)) for part in PARTS
    )
    return Table(
        "Tokens by part of the internet, before filtering", ("part", "tokens [Ttoken]"), rows,
        "Villalobos et al. 2024, Table 1. Parts hold each other and do not add; of the indexed web "
        "10 to 40 % is worth training on.",
    )  # fmt: skip


def repeats(facts: Catalogue) -> Curves:
    """Fresh tokens that repeated ones are worth."""
    one = given(1.0, "Ttoken", "unique", "a unit")
    worth = [
        worth_of_repeats(one, given(float(epochs), "1", "epochs"), facts).value
        for epochs in _EPOCHS
    ]
    x = tuple(_EPOCHS.tolist())
    return Curves(
        "Repeats are worth less and less", "epochs", "fresh tokens that they are worth [unique]",
        (Line("fitted law", x, tuple(worth)), Line("if all were fresh", x, x)),
        x_log=True, y_log=True,
        note="Muennighoff et al. 2023; four epochs are worth 3.7, any number at most 16.4.",
    )  # fmt: skip
