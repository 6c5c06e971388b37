import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.planner.validation.bars import published_file
from groundup.planner.validation.groups import (
    Scored,
    by_kind,
    by_publisher,
    by_source,
    group_of,
    is_sparse,
    publisher_of,
)
from groundup.planner.validation.row import Prediction, Row, read_rows


def scored(value, said=None, low=None, high=None, kind="k", source="s"):
    row = Row(name="n", kind=kind, source=source, value=str(value), unit="s")
    if said is None:
        return Scored(row, why="none")
    return Scored(
        row, Prediction(said, said if low is None else low, said if high is None else high, "")
    )


def test_error_and_interval():
    one = scored(10, 12, 11, 13)
    assert one.error == pytest.approx(0.2)
    assert one.inside is False
    assert scored(11, 12, 11, 13).inside is True
    assert scored(-10, -12).error == pytest.approx(0.2)
    assert scored(10).error is None
    assert scored(10).inside is None


def test_a_measured_zero_is_right_or_wrong():
    assert scored(0, 0).error == 0
    assert scored(0, 3).error == 1


@given(st.lists(st.floats(0.01, 100), min_size=2, max_size=60))
def test_quantiles_are_those_of_the_standard_library(values):
    rows = [scored(1, value) for value in values]
    group = group_of("k", "s", rows)
    errors = [abs(value - 1) for value in values]
    assert group.median_error == pytest.approx(statistics.median(errors))
    nine = statistics.quantiles(errors, n=10, method="inclusive")[-1]
    assert group.p90_error == pytest.approx(nine)


def test_rows_without_prediction_count_but_do_not_weigh():
    group = group_of("k", "s", [scored(1, 1.1, 0.9, 1.2), scored(1), scored(1, 2, 1.5, 3)])
    assert (group.rows, group.predicted, group.coverage_90) == (3, 2, 0.5)
    empty = group_of("k", "s", [scored(1)])
    assert (empty.median_error, empty.p90_error, empty.coverage_90) == (None, None, None)


def test_groups_are_exactly_the_sources_of_the_table():
    rows = [Scored(row) for row in read_rows(published_file())]
    pairs = {(one.row.kind, one.row.source) for one in rows}
    groups = by_source(rows)
    assert {(group.kind, group.source) for group in groups} == pairs
    assert len(groups) == len(pairs)
    for some in (groups, by_kind(rows), by_publisher(rows)):
        assert sum(group.rows for group in some) == len(rows)


@pytest.mark.parametrize(
    ("source", "publisher"),
    [("github.com/mosaicml/llm-foundry scripts/train (H100 80GB)", "mosaicml/llm-foundry"),
     ("github.com/mlcommons/training_results_v5.0 Dell/results/x",
      "mlcommons/training_results_v5.0"),
     ("mlcommons/training_results_v5.0 Lenovo .../bert/power", "mlcommons/training_results_v5.0"),
     ("https://github.com/pytorch/torchtitan/blob/main/docs/x.md", "pytorch/torchtitan"),
     ("arXiv 2205.05198 Fig.1 via calculon", "arXiv 2205.05198"),
     ("arXiv:2410.06511 Table 1", "arXiv 2410.06511"),
     ("docs.nvidia.com dgx-superpod", "docs.nvidia.com"), ("", "")],
)  # fmt: skip
def test_publisher_is_the_repository_paper_or_site(source, publisher):
    assert publisher_of(source) == publisher


def test_mixtures_of_experts_are_told_by_sizes_or_by_expert_groups():
    assert is_sparse(Row(params_total="671e9", params_active="37e9")) is True
    assert is_sparse(Row(params_total="70e9", params_active="70e9")) is False
    assert is_sparse(Row(ep="8")) is True
    assert is_sparse(Row()) is None
