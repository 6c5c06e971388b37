"""Ranks assumptions: which facts the spread of a headline number comes from, and which are weak."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundup.facts.estimate import Estimate
from groundup.facts.explain import leaves
from groundup.facts.fact import Fact

HEADLINES = ("usd_to_build", "power", "usd_per_accelerator_hour", "months")
"""Totals whose spread is taken apart."""
_FEWEST_DRAWS = 50
"""Below this many draws a rank correlation is mostly luck."""
_NOTABLE = 0.01
"""Correlations of 2000 independent draws stay below about 0.05, their squares below 0.0025."""


@dataclass(frozen=True)
class Assumption:
    """A fact, and how much of the spread of each headline number it explains."""

    fact: Fact
    shares: Mapping[str, float]
    """Name of the total -> squared rank correlation of their draws, with the sign of the slope."""

    @property
    def largest(self) -> float:
        """The largest share, without its sign."""
        return max((abs(share) for share in self.shares.values()), default=0.0)


def weakest(
    totals: Mapping[str, Estimate], most: int = 15, names: Sequence[str] = HEADLINES
) -> list[Assumption]:
    """Facts behind the totals of these names: those that explain most of a spread come first.

    The share is the square of Spearman's rank correlation between the draws of fact and total;
    facts are drawn independently, so the shares of one total add up to about one where it rises
    or falls steadily in each of them. Empty without draws.
    """
    found: dict[str, tuple[Fact, dict[str, float]]] = {}
    for name in names:
        if name not in totals or totals[name].samples.size <= _FEWEST_DRAWS:
            continue
        ranks = _ranks(totals[name])
        for leaf in leaves(totals[name]):
            if leaf.fact is None or leaf.samples.size != totals[name].samples.size:
                continue
            share = _share(_ranks(leaf), ranks)
            found.setdefault(leaf.fact.key, (leaf.fact, {}))[1][name] = share
    ranked = [Assumption(fact, shares) for fact, shares in found.values()]
    ranked.sort(key=lambda item: (-item.largest, item.fact.key))
    return [item for item in ranked if item.largest >= _NOTABLE][:most]


def _ranks(estimate: Estimate) -> NDArray[np.float64]:
    """Mean ranks of the draws (equal draws share one), centred on 0."""
    draws = estimate.samples.reshape(-1)[1:]
    _, where, counts = np.unique(draws, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[where]
    return np.asarray(ranks - ranks.mean(), dtype=np.float64)


def _share(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    size = float(np.sqrt((a @ a) * (b @ b)))
    correlation = float(a @ b) / size if size > 0 else 0.0
    return correlation * abs(correlation)
