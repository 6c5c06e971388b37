import pytest
from hypothesis import given as forall
from hypothesis import strategies as st

from groundup.fabs.memory import memory_price, memory_wafers, whole_stacks
from groundup.facts.catalogue import load_catalogue
from groundup.facts.estimate import given

FACTS = load_catalogue()


def layers(count):
    return given(float(count), "die/stack", "layers")


def test_the_published_yield_is_of_eight_layers():
    assert whole_stacks(layers(8), FACTS).value == FACTS["fabs.hbm.stack_yield"].value


@forall(st.integers(1, 24), st.integers(1, 24))
def test_taller_stacks_yield_less(a, b):
    low, high = sorted((a, b))
    assert whole_stacks(layers(high), FACTS).value <= whole_stacks(layers(low), FACTS).value <= 1


def test_wafers_by_hand():
    found = memory_wafers(given(1000.0, "stack", "stacks"), layers(12), FACTS)
    dies = 12_000 / (found["hbm_gross_dies"].value * found["hbm_yield"].value)
    assert found["hbm_wafers"].value == pytest.approx(dies)


def test_prices_by_generation_and_date():
    assert memory_price("hbm3e", FACTS, 0, 2026.0).value == pytest.approx(15.1)
    assert memory_price("hbm3", FACTS, 0, 2023.6).value == pytest.approx(16.0)
    assert memory_price("hbm2e", FACTS, 0, 2026.0).value == FACTS["fabs.hbm.price"].value


@pytest.mark.parametrize(("generation", "stack", "capacity"), [("hbm3", 8, 16), ("hbm3e", 8, 24),
                                                               ("hbm4", 12, 36)])  # fmt: skip
def test_capacity_of_stacks(generation, stack, capacity):
    assert FACTS[f"fabs.hbm.{generation}.die_capacity"].value * stack == capacity
