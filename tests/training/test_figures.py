import itertools
import json
from dataclasses import replace

import numpy as np
import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.facts.figures import Bars, Curves, Lanes
from groundup.facts.layer import Ask
from groundup.models.published import published
from groundup.models.workload import work_of
from groundup.training.config import TrainingConfig
from groundup.training.figures import figures
from groundup.training.layout import Layout
from groundup.training.memory import memory
from groundup.training.states import formats_of

FACTS = load_catalogue()
WORK = work_of(published("Llama-3.1-405B"))
FORMATS = formats_of("megatron-adam", FACTS, "megatron")
LAYOUT = Layout(
    **{
        name: np.asarray(float(value))
        for name, value in {
            "accelerators": 16384, "sequence": 8192, "batch": 2048, "tensor": 8, "pipeline": 16,
            "virtual": 4,
        }.items()
    }
)  # fmt: skip


def shown(layout=LAYOUT):
    return figures(
        TrainingConfig(), Ask("h100-sxm"), FACTS, work=WORK, layout=layout, formats=FORMATS,
        card=80e9, fixed=1.5e9,
    )  # fmt: skip


def test_first_bar_is_the_plan_and_adds_up():
    bars = shown()[0]
    assert isinstance(bars, Bars)
    whole = float(memory(WORK, LAYOUT, FORMATS, 1.5e9).total) / 1e9
    assert sum(value for _, value in bars.bars[0].parts) == pytest.approx(whole)
    assert bars.bars[-1].parts == (("memory", 80.0),)
    assert len({bar.label for bar in bars.bars}) == len(bars.bars)


def test_recomputing_more_never_needs_more():
    curves = shown()[1]
    assert isinstance(curves, Curves)
    lines = {line.name: np.asarray(line.y) for line in curves.lines}
    assert np.all(lines["whole blocks recomputed"] <= lines["nothing recomputed"])
    assert np.all(lines["cheap operations recomputed"] <= lines["nothing recomputed"])
    assert all(np.all(np.diff(y) >= 0) for y in lines.values())


@pytest.mark.parametrize(("schedule", "virtual"), [(0, 4), (0, 1), (1, 1), (2, 1), (3, 1)])
def test_lanes_never_overlap_and_say_what_they_leave_out(schedule, virtual):
    layout = replace(
        LAYOUT, schedule=np.asarray(float(schedule)), virtual=np.asarray(float(virtual))
    )
    made = next(figure for figure in shown(layout) if isinstance(figure, Lanes))
    assert len(made.lanes) == 16
    assert "16 of 16 stages" in made.note
    for lane in made.lanes:
        blocks = sorted(lane.blocks)
        assert all(a[1] <= b[0] + 1e-9 for a, b in itertools.pairwise(blocks))


def test_without_a_plan_only_what_needs_none():
    made = figures(TrainingConfig(), Ask("h100-sxm"), FACTS)
    assert len(made) == 1
    lines = {line.name: line.y for line in made[0].lines}
    assert lines["1F1B and GPipe"][0] == pytest.approx(7 / 15)
    assert lines["interleaved, 2 chunks"][0] == pytest.approx(7 / 23)
    json.dumps([line.x + line.y for line in made[0].lines])


def test_a_layout_without_stages_has_no_lanes():
    made = shown(replace(LAYOUT, pipeline=np.ones(()), virtual=np.ones(())))
    assert not any(isinstance(figure, Lanes) for figure in made)
