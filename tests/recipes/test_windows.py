"""Windows: every token is trained on once an epoch, and scored once when held out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.facts.errors import DataError
from groundup.recipes.windows import evaluation_windows, read_tokens, training_batch


@settings(deadline=None)
@given(st.integers(2, 400), st.integers(1, 40), st.integers(0, 99))
def test_an_epoch_sees_each_target_once(length, sequence, seed):
    tokens = np.arange(length, dtype="<u2")
    sequence = min(sequence, length - 1)
    windows = (length - 1) // sequence
    rows = training_batch(tokens, 0, windows, sequence, seed)
    assert rows.shape == (windows, sequence + 1)
    targets = sorted(rows[:, 1:].flatten().tolist())
    assert targets == list(range(1, windows * sequence + 1))


def test_batches_depend_on_step_and_seed_alone():
    tokens = np.arange(5000, dtype="<u2")
    assert training_batch(tokens, 7, 4, 16, 1).equal(training_batch(tokens, 7, 4, 16, 1))
    assert not training_batch(tokens, 7, 4, 16, 1).equal(training_batch(tokens, 8, 4, 16, 1))
    assert not training_batch(tokens, 7, 4, 16, 1).equal(training_batch(tokens, 7, 4, 16, 2))


@given(st.integers(2, 700), st.integers(1, 64))
def test_each_held_out_token_is_scored_once_with_half_a_window_before_it(length, sequence):
    sequence = min(sequence, length - 1)
    scored = []
    for start, end, first in evaluation_windows(length, sequence):
        assert 0 <= start < first < end <= length
        assert end - start == sequence + 1
        scored += range(first, end)
        assert first == 1 or first - start >= min(sequence // 2, first)
    assert scored == list(range(1, length))


def test_missing_and_empty_shards(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_tokens(tmp_path, "train")
    (tmp_path / "train.bin").write_bytes(b"")
    with pytest.raises(DataError, match="has no documents"):
        read_tokens(tmp_path, "train")
