from __future__ import annotations

import re
import time
from dataclasses import replace

import pytest
from tests.planner.report.reading import read_html, read_svg

from groundup.facts.catalogue import load_catalogue
from groundup.facts.claims import Claim
from groundup.facts.figures import (
    Bar,
    Bars,
    Curves,
    Figure,
    Flow,
    Line,
    Span,
    Table,
    Tier,
    Tiers,
    Timeline,
)
from groundup.planner.plan import Plan
from groundup.planner.report.page import Page, render
from groundup.planner.report.svg import pretty
from groundup.planner.words import quantity

FIGURES: tuple[Figure, ...] = (
    Table("table title", ("a", "b [MW]"), (("x", 1.0), ("y", None))),
    Curves("curves title", "x", "y", (Line("l", (1.0, 2.0), (1.0, 3.0)),), note="a note"),
    Bars("bars title", "USD", (Bar("b", (("p", 1.0),)),)),
    Flow("flow title", "MW", (("a", "b", 1.0),)),
    Tiers("tiers title", (Tier("t", 2, "d", 1), Tier("u", 1, "d"))),
    Timeline("timeline title", "month", (Span("s", 0.0, 1.0),)),
    Curves("nothing to draw", "x", "y", (Line("l", (), ()),)),
)


def pages(plan: Plan) -> list[Page]:
    said = Claim("S1", "150 MW", 140.0, 160.0, plan.layers[0].needs, "check", "unit")
    return [Page(5, "sites", "Sites: power & water", FIGURES, (said,))]


@pytest.fixture(scope="module")
def document(campus: Plan) -> str:
    return render(campus, pages(campus), load_catalogue(), (("What <if>", FIGURES[:2]),))


def test_html_is_balanced_and_svg_well_formed(document: str) -> None:
    read = read_html(document)
    assert read.tags[0] == "html"
    drawn = re.findall(r"<svg.*?</svg>", document, re.DOTALL)
    assert len(drawn) >= 6 + 14 - 2
    for svg in drawn:
        read_svg(svg)


def test_holds_every_floor_total_and_figure_title(document: str, campus: Plan) -> None:
    read = read_html(document)
    for row in campus.layers:
        assert f"floor-{row.floor}" in read.ids
        assert pretty(quantity(row.needs)) in read.text
        assert row.binds in read.text
    for value in campus.totals.values():
        assert pretty(quantity(value)) in read.text
    titles = [word.strip() for word in read.words]
    assert titles.count("bars title") == 1
    assert titles.count("table title") == 2  # on the floor's page and in the extra section
    for said in ("Sites: power & water", "What <if>", "a note", "Weakest assumptions"):
        assert said in titles
    assert "Binding layer: 5 sites" in read.text


def test_every_link_inside_leads_somewhere_and_ids_are_unique(document: str) -> None:
    read = read_html(document)
    assert len(set(read.ids)) == len(read.ids)
    targets = {v[1:] for _, n, v in read.attributes if n == "href" and v.startswith("#")}
    assert targets <= set(read.ids)


def test_needs_nothing_from_outside(document: str) -> None:
    read = read_html(document)
    assert not {"link", "img", "iframe", "object", "embed", "base"} & set(read.tags)
    for tag, name, value in read.attributes:
        assert name not in ("src", "srcset", "data", "background", "xlink:href")
        assert not name.startswith("on")
        if name == "href":
            assert tag == "a"
            assert value.startswith(("#", "http://", "https://"))
    style = "".join(re.findall(r"<style>(.*?)</style>", document, re.DOTALL))
    assert "url(" not in style
    assert "@import" not in style


def test_no_word_of_the_machine_where_a_number_should_stand(document: str) -> None:
    read = read_html(document)
    for word in read.words:
        assert not re.search(r"\b(nan|NaN|inf|-inf|None)\b", word), word
    for _, _, value in read.attributes:
        assert not re.search(r"\b(nan|inf|None)\b", value), value


def test_is_small_quick_and_always_the_same(campus: Plan, document: str) -> None:
    assert len(document.encode()) < 3e6
    facts = load_catalogue()
    start = time.process_time()
    again = render(campus, pages(campus), facts, (("What <if>", FIGURES[:2]),))
    assert time.process_time() - start < 4.0  # under 1 s on an idle core; machines differ
    assert again == document


def test_a_hostile_name_stays_text(campus: Plan) -> None:
    name = '</title><script>alert("1")</script> & \x00\ud800'
    bad = replace(campus, stack=name, path=name, accelerator="<b>")
    page = Page(
        1, "x", "<script>2</script>", (Table("<script>3", ("<script>4",), (("<script>5",),)),)
    )
    document = render(bad, [page], load_catalogue())
    assert read_html(document).tags.count("script") == 1  # the page's own
    document.encode()


@pytest.mark.parametrize("name", ["llama", "laptop"])
def test_other_stacks(name: str, request: pytest.FixtureRequest) -> None:
    plan: Plan = request.getfixturevalue(name)
    read = read_html(render(plan, [], load_catalogue()))
    assert plan.stack in read.text
    assert {f"floor-{i}" for i in range(1, 15)} <= set(read.ids)


def test_a_plan_without_draws_says_that_there_is_no_spread(campus: Plan) -> None:
    points = {k: replace(v, samples=v.samples[..., :1]) for k, v in campus.totals.items()}
    read = read_html(render(replace(campus, samples=0, totals=points), [], load_catalogue()))
    assert "without draws" in read.text
