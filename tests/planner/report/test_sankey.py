from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.planner.report.reading import read_svg, shapes, texts

from groundup.facts.errors import FactError
from groundup.facts.figures import Flow
from groundup.planner.report.flow import draw_flow
from groundup.planner.report.sankey import NODE, lay_out, layers_of

PAIRS = st.tuples(st.integers(0, 9), st.integers(0, 9), st.floats(0.01, 100))
POWER = (
    ("grid", "transformers", 155.0),
    ("transformers", "loss", 2.3),
    ("transformers", "racks", 131.7),
    ("transformers", "cooling", 21.0),
    ("racks", "accelerators", 70.0),
    ("racks", "hosts", 61.7),
)


@st.composite
def flows(draw: st.DrawFn) -> Flow:
    """Any flow without cycles: links lead from a lower to a higher number."""
    found = draw(st.lists(PAIRS, min_size=1, max_size=20))
    links = {(min(a, b), max(a, b)): value for a, b, value in found if a != b}
    return Flow("f", "MW", tuple((f"n{a}", f"n{b}", v) for (a, b), v in links.items()))


@given(flows())
@settings(max_examples=60)
def test_no_nodes_overlap_and_links_lead_to_the_right(flow: Flow) -> None:
    layout = lay_out(flow)
    for i, a in enumerate(layout.places):
        assert a.top >= -1e-6
        assert a.top + a.height <= layout.height + 1e-6
        for b in layout.places[i + 1 :]:
            apart = a.x + NODE <= b.x or b.x + NODE <= a.x
            assert apart or a.top + a.height <= b.top + 1e-6 or b.top + b.height <= a.top + 1e-6
    for ribbon in layout.ribbons:
        assert all(x2 > x1 for (x1, _), (x2, _) in zip(ribbon.path, ribbon.path[1:], strict=False))


@given(flows())
@settings(max_examples=60)
def test_widths_are_conserved(flow: Flow) -> None:
    """At each node the ribbons in (or out, the greater) fill it; all have one scale."""
    layout = lay_out(flow)
    into: dict[str, float] = defaultdict(float)
    out: dict[str, float] = defaultdict(float)
    for ribbon in layout.ribbons:
        out[ribbon.link[0]] += ribbon.width
        into[ribbon.link[1]] += ribbon.width
    for place in layout.places:
        assert place.height == pytest.approx(max(into[place.name], out[place.name]))
    scales = [ribbon.width / ribbon.link[2] for ribbon in layout.ribbons]
    assert scales == pytest.approx([scales[0]] * len(scales)) if scales else not flow.links


@given(flows())
@settings(max_examples=60)
def test_ribbons_begin_and_end_inside_their_nodes_side_by_side(flow: Flow) -> None:
    layout = lay_out(flow)
    places = {place.name: place for place in layout.places}
    for end, of in ((0, 0), (-1, 1)):
        taken: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for ribbon in layout.ribbons:
            middle = ribbon.path[end][1]
            taken[ribbon.link[of]].append((middle - ribbon.width / 2, middle + ribbon.width / 2))
        for name, spans in taken.items():
            spans.sort()
            assert spans[0][0] >= places[name].top - 1e-6
            assert spans[-1][1] <= places[name].top + places[name].height + 1e-6
            assert all(a[1] <= b[0] + 1e-6 for a, b in pairwise(spans))


def test_what_comes_in_goes_out_where_the_figures_do() -> None:
    layout = lay_out(Flow("power", "MW", POWER))
    racks = next(place for place in layout.places if place.name == "racks")
    into = sum(r.width for r in layout.ribbons if r.link[1] == "racks")
    out = sum(r.width for r in layout.ribbons if r.link[0] == "racks")
    assert into == pytest.approx(out) == pytest.approx(racks.height)


def test_labels_stand_once_with_their_value() -> None:
    flow = Flow("power", "MW", (*POWER, ("racks", "<i>fans</i> & pumps", 1.5)))
    root = read_svg(draw_flow(flow))
    said = texts(root)
    for label in ("grid 155 MW", "loss 2.3 MW", "<i>fans</i> & pumps 1.5 MW"):
        assert said.count(label) == 1
    assert len(shapes(root, "rect")) == 8
    assert len(shapes(root, "path", "ribbon")) == 7


def test_layers_follow_the_longest_way() -> None:
    links = [("a", "b", 1.0), ("b", "c", 1.0), ("a", "c", 1.0)]
    assert layers_of(links) == {"a": 0, "b": 1, "c": 2}


@pytest.mark.parametrize("links", [(("a", "a", 1.0),), (("a", "b", 1.0), ("b", "a", 1.0))])
def test_a_circle_is_refused(links: tuple[tuple[str, str, float], ...]) -> None:
    with pytest.raises(FactError, match="circle"):
        draw_flow(Flow("f", "MW", links))


def test_links_without_a_value_are_left_out() -> None:
    assert draw_flow(Flow("f", "MW", (("a", "b", 0.0), ("c", "d", float("nan"))))) == ""
    assert len(lay_out(Flow("f", "MW", (("a", "b", 0.0), ("c", "d", 2.0)))).places) == 2
