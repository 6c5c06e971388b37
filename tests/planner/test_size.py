from __future__ import annotations

import math

import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.models.count import parameters
from groundup.planner.size import budget_shape, ladder
from groundup.stack.stack import Stack

FACTS = load_catalogue()


@pytest.mark.parametrize("flop", [1e15, 1e16, 1e17])
def test_a_budget_picks_the_largest_compute_optimal_rung(flop: float) -> None:
    wanted = math.sqrt(flop / (6 * 20))  # Hoffmann et al. 2022: 20 tokens a parameter
    shape = budget_shape(Stack(), flop, FACTS)
    rungs = list(ladder(Stack()))
    bigger = rungs[rungs.index(shape) + 1]
    assert parameters(shape) <= wanted < parameters(bigger)


def test_a_tiny_budget_takes_the_smallest_rung() -> None:
    assert budget_shape(Stack(), 1.0, FACTS) == next(iter(ladder(Stack())))


def test_rungs_grow() -> None:
    sizes = [parameters(shape) for shape in ladder(Stack())]
    assert sizes == sorted(sizes)
