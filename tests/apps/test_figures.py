import json

import numpy as np
import pytest

from groundup.apps.config import AppsConfig
from groundup.apps.figures import figures
from groundup.apps.plan import demand
from groundup.facts.catalogue import load_catalogue
from groundup.facts.estimate import given
from groundup.facts.figures import Bars, Curves, Table
from groundup.facts.layer import Ask

FACTS = load_catalogue()
PLAIN = figures(AppsConfig(), Ask("h100-sxm"), FACTS)


def own(samples=0):
    config = AppsConfig(users=1e6, price_usd_per_million_tokens=10.0)
    ask = demand(config, Ask("h100-sxm"), FACTS, samples).with_(
        output_tokens_per_s=given(1e4, "token/s", "tokens", "here")
    )
    return figures(
        config, ask, FACTS, samples, usd_per_year=given(1e6, "USD/year", "cost", "here"),
        usd_training=given(1e6, "USD", "training", "here"),
    )  # fmt: skip


@pytest.mark.parametrize("figure", [*PLAIN, *own(50)], ids=lambda figure: figure.title[:30])
def test_every_figure_is_plain_data(figure):
    if isinstance(figure, Curves):
        assert all(len(line.x) == len(line.y) >= 1 for line in figure.lines)
        assert all(np.isfinite(line.y).all() for line in figure.lines)
        json.dumps([line.x + line.y for line in figure.lines])
    if isinstance(figure, Table):
        assert all(len(row) == len(figure.columns) for row in figure.rows)


def test_without_prices_the_published_service_is_shown():
    assert "DeepSeek" in PLAIN[0].note
    assert "this plan" in own()[0].note


def test_the_margin_at_a_marked_price_is_the_mark():
    curve, *marks = PLAIN[0].lines
    for mark in marks:
        assert np.interp(mark.x[0], curve.x, curve.y) == pytest.approx(mark.y[0], abs=0.01)


def test_a_runs_worth_begins_with_its_bill_and_falls_with_the_price():
    lines = {line.name: line for line in own()[2].lines}
    ends = [line.y[-1] for line in lines.values()]
    assert all(line.y[0] == pytest.approx(-1.0) for line in lines.values())
    assert ends == sorted(ends, reverse=True)
    assert own(100)[2].lines[-1].low


def test_the_published_day_adds_up():
    bars = next(figure for figure in PLAIN if isinstance(figure, Bars))
    cost, revenue = (sum(value for _, value in bar.parts) for bar in bars.bars)
    assert cost == pytest.approx(87.072)
    assert revenue == pytest.approx(562.027, rel=1e-3)
