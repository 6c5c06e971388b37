"""The dial: more minutes never hurt, limits are kept, and what is impossible is said."""

import json
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import ConfigError
from groundup.models.count import block_matrix_parameters, parameters
from groundup.recipes.calibration import Calibration, Measured, ladder_shape
from groundup.recipes.config import RecipesConfig
from groundup.recipes.dial import MOST_EPOCHS, choose, loss_law

POINTS = (
    Measured(1, 1.2e7, 20000.0, 18000.0, 21000.0),
    Measured(3, 2.4e7, 9000.0, 8000.0, 9500.0),
    Measured(7, 8e7, 3000.0, 2800.0, 3200.0),
)
CALIBRATION = Calibration(4096, "bfloat16", 2, 16, 256, 500_000_000, POINTS)
SHARES = RecipesConfig()


def dial(minutes, tokens=10_000_000, calibration=CALIBRATION):
    return choose(minutes, SHARES, calibration, tokens, int(3.5 * tokens), 4096)


@settings(deadline=None)
@given(st.floats(0.5, 600), st.floats(1, 3))
def test_more_time_is_never_predicted_to_be_worse(minutes, factor):
    less, more = dial(minutes), dial(minutes * factor)
    assert more.predicted["bits_per_byte"].value <= less.predicted["bits_per_byte"].value + 2e-3
    assert parameters(more.shape) >= 0.5 * parameters(less.shape)


@settings(deadline=None)
@given(st.floats(0.5, 600), st.integers(100_000, 10**9))
def test_time_and_epochs_are_kept(minutes, tokens):
    choice = dial(minutes, tokens)
    assert choice.tokens <= MOST_EPOCHS * tokens
    assert choice.predicted["seconds"].value <= 60 * minutes * SHARES.pretrain_share
    for name, p in choice.predicted.items():
        assert p.low <= p.value <= p.high, name


def test_the_choice_is_the_best_of_the_ladder():
    facts = load_catalogue()
    choice = dial(5)
    mine = loss_law(choice.shape, choice.tokens, facts)[1]
    for rung in range(12):
        shape = ladder_shape(rung, 4096, 512)
        if shape == choice.shape:
            continue
        longer = loss_law(shape, choice.tokens, facts)[1]
        smaller = block_matrix_parameters(shape) < block_matrix_parameters(choice.shape)
        assert longer > mine if smaller else longer < mine


def test_shares_and_print():
    choice = dial(5)
    assert (choice.seconds, choice.sft_minutes, choice.retriever_minutes) == (180, 0.75, 1.25)
    text = choice.describe()
    for word in ("M parameters", "tokens", "bits per byte", "joules", "180 s pretraining"):
        assert word in text
    json.dumps(choice.to_dict())


def test_a_shape_that_is_given_is_kept():
    mine = ladder_shape(8, 4096, 512)
    choice = choose(5, SHARES, CALIBRATION, 10**7, 35 * 10**6, 4096, fixed=mine, optimiser="adamw")
    assert choice.shape == mine
    assert choice.optimiser == "adamw"
    assert choice.matrix_rate < 0.02


def test_a_faster_machine_is_predicted_to_do_better():
    fast = tuple(
        Measured(
            m.rung,
            m.flops_per_token,
            *(4 * r for r in (m.tokens_per_s, m.tokens_per_s_low, m.tokens_per_s_high)),
        )
        for m in POINTS
    )
    quick = Calibration(4096, "bfloat16", 2, 16, 256, 500_000_000, fast)
    ours, theirs = dial(5), dial(5, calibration=quick)
    assert theirs.predicted["bits_per_byte"].value < ours.predicted["bits_per_byte"].value


def test_the_impossible_is_said():
    with pytest.raises(ConfigError, match="give more minutes"):
        dial(0.0005)
    with pytest.raises(ConfigError, match="too few to train on"):
        dial(5, tokens=10)


def test_the_dial_does_not_need_torch():
    code = "import sys, groundup.recipes.dial; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
