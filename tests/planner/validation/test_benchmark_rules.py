import statistics

import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.planner.validation.bars import published_file
from groundup.planner.validation.benchmark_rules import completed, sequences_to_target
from groundup.planner.validation.row import Row, read_rows
from groundup.planner.validation.score import score

FACTS = load_catalogue()
RUN = Row(name="MLPerf5.0 llama31_405b NVIDIA tyche_ngpu512", kind="train_time",
          metric="time_to_train", value="1", unit="min",
          hardware="tyche_ngpu512_ngc25.04_nemo")  # fmt: skip


@pytest.mark.parametrize(
    ("name", "batch", "count"),
    [("llama31_405b", 1152, 322_560), ("llama31_405b", 2304, 384_000), ("llama2_70b_lora", 8, 3187),
     ("gpt3_175b", 4096, 618_496)],
)  # fmt: skip
def test_reference_points_as_published(name, batch, count):
    assert sequences_to_target(name, batch, FACTS) == pytest.approx(count, rel=0.005)


def test_larger_batches_take_more_sequences_between_and_beyond_the_points():
    found = [sequences_to_target("llama2_70b_lora", batch, FACTS) for batch in (4, 8, 12, 16, 64)]
    assert found == sorted(found)
    assert found[0] == found[1]


def test_published_runs_to_the_target_took_what_the_reference_takes():
    told = [row.notes for row in read_rows(published_file()) if "samples to target" in row.notes]
    counts = [float(note.split("samples to target ")[1].split(";")[0]) for note in told]
    assert len(counts) > 40
    least = sequences_to_target("llama2_70b_lora", 8, FACTS)
    assert statistics.median(counts) == pytest.approx(least, rel=0.1)
    assert max(counts) < sequences_to_target("llama2_70b_lora", 128, FACTS)


def test_only_empty_cells_are_filled():
    found = completed(RUN, FACTS)
    assert found.number("tokens") == pytest.approx(322_560 * 8192, rel=1e-4)
    assert (found.seq_len, found.global_batch) == ("8192", "1152")
    assert "Llama-3.1-405B" in found.name
    stated = Row(**{**vars(RUN), "tokens": "5", "seq_len": "6", "global_batch": "2304"})
    kept = completed(stated, FACTS)
    assert (kept.tokens, kept.seq_len, kept.global_batch) == ("5", "6", "2304")
    notes = Row(**{**vars(RUN), "notes": "samples to target 3072"})
    assert completed(notes, FACTS).tokens == ""


def test_other_rows_stay_as_they_are():
    for row in (Row(kind="train_throughput", name="MLPerf llama31_405b"), Row(kind="train_time"),
                Row(kind="train_time", name="MLPerf bert")):  # fmt: skip
        assert completed(row, FACTS) is row


def test_a_result_folder_alone_is_enough_for_a_prediction():
    (found,) = score([RUN], FACTS).rows
    assert found.prediction is not None, found.why
    assert 60 < found.prediction.value < 400  # minutes on 512 GB200
