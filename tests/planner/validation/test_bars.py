import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.planner.validation import bars as module
from groundup.planner.validation.bars import bars, digest, published_file, record_text, regressions
from groundup.planner.validation.groups import Scored
from groundup.planner.validation.row import Row, read_rows, within
from groundup.planner.validation.score import Scores, score_file

FACTS = load_catalogue()


def made(error, count=9, metric="tokens_per_s_per_gpu", kind="train_throughput", **cells):
    rows = [
        Row(name=f"r{i}", kind=kind, metric=metric, value="1", unit="x", source="S", **cells)
        for i in range(count)
    ]
    return Scores(tuple(Scored(row, within(1 + error, 0.1, "x")) for row in rows))


@pytest.mark.parametrize(
    ("error", "cells", "passed"),
    [(0.11, {}, True), (0.13, {}, False), (0.14, {"ep": "8"}, True), (0.16, {"ep": "8"}, False)],
)
def test_goals_of_training_are_by_family_of_model(error, cells, passed):
    found = [bar for bar in bars(made(error, **cells)) if "throughput" in bar.title]
    assert [bar.passed for bar in found] == [passed]
    assert "new rows" in found[0].title


@pytest.mark.parametrize(("metric", "limit"), [("median_itl", 0.15), ("output_tokens_per_s", 0.15)])
def test_goals_of_serving(metric, limit):
    found = bars(made(0.1, metric=metric, kind="inference_throughput"))
    assert [bar.high for bar in found if bar.low == 0] == [limit]


def test_rows_of_the_published_table_have_the_goal_of_fitted_ones():
    rows = [row for row in read_rows(published_file()) if row.kind == "train_throughput"]
    scores = Scores(tuple(Scored(row, within(row.number("value"), 0.1, "x")) for row in rows))
    dense = next(bar for bar in bars(scores) if bar.title.startswith("dense"))
    assert dense.high == 0.07
    assert dense.found == 0
    assert dense.rows > 200


def test_nothing_predicted_is_nothing_to_judge():
    scores = Scores((Scored(Row(kind="train_memory", metric="m", value="1")),))
    assert {bar.passed for bar in bars(scores)} == {None}


def test_coverage_has_two_sides():
    assert next(b for b in bars(made(0.0)) if b.low > 0).passed is False  # all inside: too wide
    some = made(0.0, 9).rows + made(0.9, 1).rows
    assert next(b for b in bars(Scores(some)) if b.low > 0).passed is True


@pytest.fixture
def recorded(monkeypatch):
    import tomllib

    before = module._document

    def record(scores):
        document = tomllib.loads(record_text(scores))
        monkeypatch.setattr(
            module, "_document", lambda name: document if name == module.RECORD else before(name)
        )

    return record


def test_the_same_scores_are_no_regression(recorded):
    recorded(made(0.1))
    assert regressions(made(0.1)) == ()
    assert regressions(made(0.05)) == ()
    assert regressions(made(0.12)) == ()  # nine rows may move by 0.05 / 3 and more


def test_a_large_group_may_move_less(recorded):
    recorded(made(0.1, count=400))
    assert regressions(made(0.12, count=400)) != ()


def test_worse_errors_coverage_and_lost_rows_are(recorded):
    recorded(made(0.1))
    worse = {one.what.split()[0] for one in regressions(made(0.3))}
    assert worse == {"median_error", "p90_error", "coverage"}
    lost = Scores((*made(0.1).rows[:-1], Scored(made(0.1).rows[-1].row, why="lost")))
    assert [one.what for one in regressions(lost)] == ["8 rows predicted, recorded 9"]


def test_other_rows_are_never_held_against_the_record(recorded):
    recorded(made(0.1))
    assert regressions(made(0.9, count=8)) == ()


def test_digest_is_of_the_rows_in_any_order():
    rows = made(0.1).rows
    assert digest(rows) == digest(rows[::-1])
    assert digest(rows) != digest(rows[1:])


def test_the_published_table_is_predicted_as_well_as_recorded():
    scores = score_file(published_file(), FACTS)
    assert scores.defects == ()
    assert [f"{one.kind} {one.source}: {one.what}" for one in regressions(scores)] == []
