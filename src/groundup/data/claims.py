"""Circulating numbers about text and tokens, each held against what follows from facts."""

from __future__ import annotations

import math

from groundup.facts.catalogue import Catalogue
from groundup.facts.claims import Claim


def claims(facts: Catalogue) -> tuple[Claim, ...]:
    """Every checked number of the layer, in the order of the table of claims."""
    return (_stock(facts), _superbpe(facts))


def _stock(facts: Catalogue) -> Claim:
    stock, run = facts.estimate("data.stock"), facts.estimate("data.run_tokens")
    found = (stock / run).named("data.runs_in_stock", "stock of text / tokens of one run")
    years = math.log(found.value) / math.log(_growth(facts))
    return Claim(
        "S114", "300 trillion tokens of text are there; runs use 10 to 15 trillion", 20, 30, found,
        "derived", f"the largest run could grow {found.value:.0f} times; at "
        f"{_growth(facts):.1f} times a year that is {years:.1f} years after 2024",
    )  # fmt: skip


def _growth(facts: Catalogue) -> float:
    """Times a year by which the largest training sets grow (Villalobos et al. 2024)."""
    return facts["data.use_growth"].value


def _superbpe(facts: Catalogue) -> Claim:
    saving = facts.estimate("data.superbpe_saving")
    found = (1.0 / (1.0 - saving)).named("data.superbpe_text", "1 / (1 - share saved)")
    return Claim(
        "S115", "SuperBPE needs 33 % fewer tokens for a text", 1.49, 1.4926, found, "ok",
        "so a context or a budget of tokens holds half as much text again",
    )  # fmt: skip
