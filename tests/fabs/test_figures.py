import pytest
from tests.fabs.test_plan import FACTS, plan

from groundup.fabs.config import FabsConfig
from groundup.fabs.figures import figures
from groundup.facts.figures import Bars, Curves, Timeline


@pytest.fixture(scope="module")
def shown():
    ask, made = plan(samples=200)
    return figures(FabsConfig(), ask, FACTS, 200), ask, made


def test_the_page_has_its_figures(shown):
    kinds = [type(figure) for figure in shown[0]]
    assert kinds == [Bars, Curves, Curves, Curves, Curves, Bars, Timeline]
    assert all(figure.title for figure in shown[0])


def test_the_bill_is_the_plans_bill(shown):
    bars, made = shown[0][0], shown[2]
    assert sum(value for _, value in bars.bars[0].parts) == pytest.approx(
        made.details["module_cost"].value
    )
    assert bars.bars[0].low == pytest.approx(made.details["module_cost"].low)
    assert dict(bars.bars[0].parts)["hbm"] == pytest.approx(made.details["cost_hbm"].value)
    assert bars.bars[1].parts == (("estimate", 3320.0),)


def test_the_dot_is_the_plans_yield(shown):
    figure, ask = shown[0][1], shown[1]
    dot = next(line for line in figure.lines if line.dots)
    assert dot.y[0] == pytest.approx(100 * ask["logic_sellable_yield"].value)
    poisson = next(line for line in figure.lines if line.name == "poisson")
    assert list(poisson.y) == sorted(poisson.y, reverse=True)


def test_chiplets_win_where_products_are_large(shown):
    one, *_, many = shown[0][2].lines
    assert one.y[0] > 0.9 * many.y[0]
    assert many.y[-1] > 1.2 * one.y[-1]


def test_the_lines_are_the_plans_lines(shown):
    bars, ask, made = shown[0][5], shown[1], shown[2]
    heights = {bar.label: bar.parts[0][1] for bar in bars.bars}
    needed = heights["CoWoS packaging, needed"]
    assert needed == pytest.approx(ask["package_wafers"].value / 12)
    ratio = heights["CoWoS packaging, booked"] / needed
    assert ratio == pytest.approx(made.headroom.value)


def test_the_order_ends_when_the_plan_says(shown):
    spans, made = shown[0][6].spans, shown[2]
    ends = {span.label: span.end for span in spans}
    assert ends["delivery"] == pytest.approx(made.time.to("month").value)
    assert ends["memory stacks"] > ends["wafers"]
    assert ends["a new fab instead"] == pytest.approx(made.details["new_fab_months"].value)


def test_a_queue_is_the_first_span():
    ask, _ = plan()
    spans = figures(FabsConfig(queue_months=3.0), ask, FACTS)[-1].spans
    assert (spans[0].label, spans[0].end) == ("queue", 3.0)


@pytest.mark.parametrize("chip", ["this-machine", "tpu-v5p"])
def test_without_data_only_what_is_general_is_shown(chip):
    ask, _ = plan(chip, 1.0)
    assert [type(figure) for figure in figures(FabsConfig(), ask, FACTS)] == [Curves, Curves]
