import json

import numpy as np
import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.facts.figures import Curves, Table
from groundup.facts.layer import Ask
from groundup.middleware.config import MiddlewareConfig
from groundup.middleware.figures import figures

FACTS = load_catalogue()
MADE = {f.title: f for f in figures(MiddlewareConfig(step_success=0.97), Ask("h100-sxm"), FACTS)}


@pytest.mark.parametrize("title", list(MADE))
def test_every_figure_is_plain_data(title):
    figure = MADE[title]
    if isinstance(figure, Curves):
        assert all(len(line.x) == len(line.y) > 1 for line in figure.lines)
        assert all(np.isfinite(line.y).all() for line in figure.lines)
        json.dumps([line.x + line.y for line in figure.lines])
    if isinstance(figure, Table):
        assert figure.rows
        assert all(len(row) == len(figure.columns) for row in figure.rows)


def test_the_plans_own_step_is_drawn():
    lines = {line.name: line for line in MADE["Small errors add up over the steps of a task"].lines}
    own = lines["this plan, 97.0%"]
    assert own.y[9] == pytest.approx(0.97**10)
    assert lines["95.0% a step, checked, 4 tries"].y[50] > lines["95.0% a step"].y[50]


def test_a_router_is_at_least_as_good_as_a_lottery():
    router, lottery, _ = MADE["Light and heavy models together: quality against cost"].lines
    drawn = np.interp(lottery.x, router.x, router.y)
    assert np.all(drawn >= np.array(lottery.y) - 1e-9)
