import dataclasses

import numpy as np
import pytest
from tests.training.cases import DENSE, FACTS, H100, LAWS, layout

from groundup.training.fit import (
    Prior,
    Runs,
    balanced,
    errors,
    fit,
    held_out,
    prior_of,
    residuals,
    spread,
)
from groundup.training.laws import NAMES, Software, laws_of

COUNT = 60
TRUE = np.log([float(getattr(laws_of(FACTS), name)[0]) for name in NAMES])


def stacked(owner):
    return type(owner)(
        **{
            one.name: np.broadcast_to(np.ravel(getattr(owner, one.name)), (COUNT,)).copy()
            for one in dataclasses.fields(owner)
        }
    )


@pytest.fixture(scope="module")
def runs():
    """Steps of many layouts as the model itself takes them under the shipped constants."""
    rng = np.random.default_rng(0)
    degrees = {
        name: 2.0 ** rng.integers(0, 4, COUNT) for name in ("tensor", "pipeline", "microbatch")
    }
    made = layout(256, 4096, 1024, **degrees)
    made = dataclasses.replace(made, sequence=2.0 ** rng.integers(9, 16, COUNT))
    ones = np.ones(COUNT)
    found = Runs(
        stacked(DENSE), stacked(made), stacked(H100), stacked(Software()), 0 * ones, ones, ones
    )
    return dataclasses.replace(found, seconds=np.exp(-residuals(TRUE, found)))


def test_exact_runs_have_no_residual(runs):
    np.testing.assert_allclose(residuals(TRUE, runs), 0, atol=1e-12)


def test_fit_finds_the_constants_that_made_the_runs(runs):
    """From a prior that is half of the truth for one constant, and rightly unsure of it."""
    middle, sigma = TRUE.copy(), np.full(len(NAMES), 1e-3)
    i = NAMES.index("attention_share")
    middle[i] -= np.log(2)
    sigma[i] = 10.0

    found = fit(runs, Prior(middle, sigma))

    assert found[i] == pytest.approx(TRUE[i], abs=0.02)


def test_one_wild_run_does_not_pull(runs):
    wild = dataclasses.replace(runs, seconds=runs.seconds.copy())
    wild.seconds[0] *= 10
    i = NAMES.index("matmul_share")
    sigma = np.full(len(NAMES), 1e-3)
    sigma[i] = 10.0

    found = fit(wild, Prior(TRUE + 0.1 * (np.arange(len(NAMES)) == i), sigma))

    assert found[i] == pytest.approx(TRUE[i], abs=0.02)


def test_without_runs_that_speak_of_it_a_constant_keeps_its_prior(runs):
    prior = prior_of(FACTS)

    found = fit(runs, prior)

    for name in ("expert_share", "routed_seconds", "score_passes", "scan_share"):
        i = NAMES.index(name)
        assert found[i] == pytest.approx(prior.middle[i], abs=1e-6), name
        assert spread(found, runs, prior)[i] == pytest.approx(prior.sigma[i], rel=1e-6), name


def test_held_out_residuals_come_from_the_other_groups(runs):
    """A group that runs twice as long is off by ln 2 when it is held out, though not fitted in."""
    groups = ["odd" if i % 6 == 0 else "usual" for i in range(COUNT)]
    odd = np.array([group == "odd" for group in groups])
    shifted = dataclasses.replace(runs, seconds=runs.seconds * np.where(odd, 2.0, 1.0))
    tight = Prior(TRUE, np.full(len(NAMES), 0.01))

    left = held_out(shifted, groups, tight)

    assert np.median(left[odd]) == pytest.approx(np.log(2), abs=0.02)


def test_groups_count_as_the_root_of_their_rows():
    weight = balanced(["a"] * 16 + ["b"])

    assert weight[:16].sum() == pytest.approx(4)
    assert weight[16] == 1


def test_errors_are_of_the_prediction():
    found = errors(np.log([1.25, 1.25, 1.25]))

    assert found["median"] == pytest.approx(0.2)
    assert found["bias"] == pytest.approx(np.log(1.25))


def test_priors_are_in_seconds_where_they_are_times():
    prior = prior_of(FACTS)

    assert np.exp(prior.middle[NAMES.index("layer_seconds")]) < 0.01
    assert len(prior.middle) == len(NAMES) == len(dataclasses.fields(LAWS)) - 1
