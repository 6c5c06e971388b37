import dataclasses

import numpy as np
import pytest
from tests.training.cases import FACTS

from groundup.training.laws import (
    NAMES,
    REFERENCE_YEAR,
    SECONDS,
    Software,
    laws_from,
    laws_of,
    of_software,
    passes,
    routing_age,
)


def test_every_constant_has_a_fact_and_a_prior():
    for name in NAMES:
        assert f"training.law.{name}" in FACTS
        assert f"training.prior.{name}" in FACTS


def test_draws_of_a_constant_are_those_of_its_fact():
    laws = laws_of(FACTS, samples=9)

    assert laws.matmul_share.shape == (10,)
    fact = FACTS.estimate("training.law.layer_seconds", 9)
    np.testing.assert_allclose(laws.layer_seconds, fact.to("s").samples)


def test_shares_are_shares_and_times_are_short():
    laws = laws_of(FACTS)
    for name in NAMES:
        value = getattr(laws, name)[0]
        if name.endswith(("share", "exposed")) or name == "uneven_stages":
            assert 0 < value <= 1, name
        if name in SECONDS:
            assert 0 < value < 0.01, name


def test_operations_one_by_one_pass_memory_more_often():
    laws = laws_of(FACTS)
    eager = of_software(laws, Software(eager=np.asarray(1.0)))

    assert passes(eager)[0] == pytest.approx(passes(laws)[0] * laws.eager_passes[0])
    assert laws.eager_passes[0] > 1


def test_routing_gets_faster_with_the_date_of_the_software():
    laws = laws_of(FACTS)
    late = of_software(laws, Software(year=np.asarray(REFERENCE_YEAR + 1)))

    assert routing_age(laws)[0] == 1
    assert routing_age(late)[0] == pytest.approx(np.exp(-laws.routed_pace[0]))


def test_laws_from_constants_keep_them():
    constants = {name: np.asarray(float(i)) for i, name in enumerate(NAMES)}
    laws = laws_from(constants, Software())

    assert [getattr(laws, name) for name in NAMES] == list(range(len(NAMES)))
    assert {one.name for one in dataclasses.fields(laws)} == {*NAMES, "software"}
