"""The top of the report: stack, what binds, totals; and the plan, a row a layer."""

from __future__ import annotations

import math

from groundup.facts.estimate import Estimate
from groundup.facts.layer import LayerPlan
from groundup.planner.plan import Plan
from groundup.planner.report.derivation import Derivations
from groundup.planner.report.svg import box, drawing, element, escape, line
from groundup.planner.report.table import column_head, table
from groundup.planner.table import summary
from groundup.planner.totals import TITLES
from groundup.planner.words import number

_HEADS = (("layer", ""), ("needs", "number"), ("limit", "number"), ("room", "number"),
          ("what sets the limit", ""), ("cost of the job", "number"), ("time", "number"),
          ("power", "number"))  # fmt: skip
_DECADES = 2.0
"""The small bar of a layer's room ends at a hundredth and at a hundredfold."""


def title_of(total: str) -> str:
    """A total's name as a reader says it."""
    return TITLES.get(total, total.replace("_", " "))


def draw_header(plan: Plan, derivations: Derivations) -> str:
    """Name of the stack, the layer that binds, and the totals as cards."""
    draws = f"{plan.samples:,} draws, seed {plan.seed}" if plan.samples else "no draws"
    cards = "".join(
        f'<li><span class="what">{escape(title_of(name))}</span>{derivations.cell(value)}</li>'
        for name, value in plan.totals.items()
    )
    return (
        f"<header><h1>{escape(plan.stack)}</h1>"
        f'<p class="lead">Plan of <code>{escape(plan.path)}</code> on '
        f"<code>{escape(plan.accelerator)}</code>; intervals are 5 % and 95 % quantiles of "
        f'{draws}.</p><p class="binding">{escape(_binding(plan))}</p>'
        f'<ul class="cards">{cards}</ul></header>'
    )


def _binding(plan: Plan) -> str:
    """The last sentence of the printed summary: what binds."""
    text = summary(plan)
    start = max(text.find("Binding layer"), text.find("No layer has"))
    return text[start:].replace("Binding layer (*):", "Binding layer:")


def draw_plan(plan: Plan, derivations: Derivations) -> str:
    """The plan from apps down to materials; the binding row is marked."""
    head = "".join(column_head(name, bool(style)) for name, style in _HEADS)
    body = "".join(_row(row, plan, derivations) for row in reversed(plan.layers))
    found = table("Demand goes down from apps to materials, limits come up", head, body, "plan")
    note = (
        "room = limit / needs; below ×1 the layer does not give what is asked. “=” before a cost: "
        "contained in other rows. Numbers unfold to their derivation."
    )
    return (
        f'<section id="plan"><h2>Plan</h2><figure class="wide">{found}'
        f'<p class="note">{note}</p></figure></section>'
    )


def _row(row: LayerPlan, plan: Plan, derivations: Derivations) -> str:
    binds = plan.binding is not None and plan.binding.name == row.name
    mark = ' <span class="badge wrong">binds</span>' if binds else ""
    name = element("a", {"href": f"#floor-{row.floor}"}, escape(row.name))
    cells = [
        f'<th scope="row"><span class="floor">{row.floor}</span> {name}{mark}</th>',
        _number(row.needs, derivations),
        _number(row.limit, derivations, "–"),
        f'<td class="number room">{_room(row.headroom)}</td>',
        f"<td>{escape(row.binds)}</td>",
        _number(row.cost, derivations, "–", "= " if row.included else ""),
        _number(row.time, derivations, "–"),
        _number(row.power, derivations, "–"),
    ]
    return f"<tr{' class=' + chr(34) + 'binds' + chr(34) if binds else ''}>{''.join(cells)}</tr>"


def _number(
    value: Estimate | None, derivations: Derivations, absent: str = "no data", before: str = ""
) -> str:
    if value is None:
        return f'<td class="number none">{absent}</td>'
    return f'<td class="number">{before}{derivations.cell(value)}</td>'


def _room(headroom: Estimate | None) -> str:
    """`×4.01` and a small bar: to the right of its middle there is room, to the left it lacks."""
    if headroom is None or not math.isfinite(headroom.value):
        return '<span class="none">–</span>'
    value = headroom.value
    reach = math.log10(max(value, 1e-9)) / _DECADES
    end = 30 + 29 * min(max(reach, -1.0), 1.0)
    said = f"room {number(value)}"
    bar = drawing(
        said,
        60,
        8,
        [
            line(30, 0, 30, 8, "axis"),
            box(min(end, 30), 2, max(abs(end - 30), 0.8), 4, "f0" if value >= 1 else "f1"),
        ],
    )
    return f'<span class="value">×{number(value)}</span>{bar}'
