"""Rows of kind `supply_shock`: what a stop of Chinese gallium or germanium exports does."""

from __future__ import annotations

import re

from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.materials.economy import METALS, joint_loss, restriction
from groundup.planner.validation.estimates import DRAWS, said, sigma_of
from groundup.planner.validation.row import Prediction, Row
from groundup.planner.validation.row_units import unit_of

_SYMBOLS = {"gallium": r"\bgallium\b|\bga\b", "germanium": r"\bgermanium\b|\bge\b"}


def predict(row: Row, facts: Catalogue) -> Prediction:
    """Value added lost in a year, or the rise of a price, by groundup.materials.economy.

    NoDataError where the row names no metal with a market on record.
    """
    text = row.name.lower()
    metals = [metal for metal in METALS if re.search(_SYMBOLS.get(metal, metal), text)]
    if not metals:
        raise NoDataError(f"names none of the metals with a market on record: {', '.join(METALS)}")
    found = tuple(restriction(metal, facts, DRAWS) for metal in metals)
    if "price" in text:
        return said(
            found[0].price - 1.0, "1", "inverse elasticities", sigma_of("metal_price", facts)
        )
    loss = joint_loss(found)
    return said(loss, unit_of(row.unit), "value added x quantity that users go without")
