"""The plan as one printed table, a row a layer from apps down to materials, and a summary."""

from __future__ import annotations

import textwrap

from groundup.facts.layer import LayerPlan
from groundup.planner.plan import Plan
from groundup.planner.totals import TITLES
from groundup.planner.words import number, quantity
from groundup.training.explained import layout_text
from groundup.training.planned import Planned

_COLUMNS = (("layer", 13), ("needs [5-95 %]", 25), ("limit", 12), ("room", 6), ("binds", 0),
            ("cost [5-95 %]", 22), ("time", 8), ("power", 7))  # fmt: skip
_NARROW = 112
"""Below this many columns the table leaves out the interval of the cost."""
_NARROW_COST = 9
_LEAST_BINDS = 13
_LONGEST_BINDS = 60
"""Characters of a reason that the table shows; `explain LAYER.limit` gives all of it."""


def render_table(plan: Plan, width: int = 120) -> str:
    """The table within `width` columns (at least 100) and one paragraph of totals."""
    widths = _widths(width)
    wide = widths[5] > _NARROW_COST
    head = [name for name, _ in _COLUMNS]
    head[5] = head[5] if wide else "cost"
    lines = [f"plan of {plan.stack} ({plan.path}), {plan.samples} draws, seed {plan.seed}", ""]
    lines += _row(head, widths)
    lines.append("-" * (sum(widths) + len(widths) - 1))
    for row in reversed(plan.layers):
        lines += _row(_cells(row, plan, wide), widths)
    lines.append("= in front of a cost: contained in other rows. room = limit / needs.")
    if plan.trained is not None:
        lines += ["", *textwrap.wrap(_layout(plan.trained), width)]
    return "\n".join([*lines, "", *textwrap.wrap(summary(plan), width)])


def _layout(trained: Planned) -> str:
    """How the training is spread, and whether the stack says so or a search found it."""
    found = "stated in the stack file"
    if trained.searched:
        found = f"the fastest of {trained.searched:,} (`groundup search` looks at all)"
    return f"Training layout on {trained.used:,.0f} accelerators, {found}: {layout_text(trained)}."


def _widths(width: int) -> list[int]:
    sizes = [size for _, size in _COLUMNS]
    if width < _NARROW:
        sizes[5] = _NARROW_COST
    fixed = sum(sizes) + len(sizes) - 1
    return [size or max(width - fixed, _LEAST_BINDS) for size in sizes]


def _row(cells: list[str], widths: list[int]) -> list[str]:
    """One line, or more where a cell needs them."""
    wrapped = [
        textwrap.wrap(cell, size, break_long_words=True) or [""]
        for cell, size in zip(cells, widths, strict=True)
    ]
    height = max(len(lines) for lines in wrapped)
    return [
        " ".join(
            (lines[i] if i < len(lines) else "").ljust(size)
            for lines, size in zip(wrapped, widths, strict=True)
        ).rstrip()
        for i in range(height)
    ]


def _cells(row: LayerPlan, plan: Plan, wide: bool) -> list[str]:
    headroom = row.headroom
    mark = "*" if plan.binding is not None and plan.binding.name == row.name else " "
    return [
        f"{row.floor:>2}{mark}{row.name}",
        quantity(row.needs, interval=True),
        quantity(row.limit),
        "-" if headroom is None else f"x{number(headroom.value)}",
        textwrap.shorten(row.binds, _LONGEST_BINDS, placeholder=" ..."),
        "=" * (row.included and row.cost is not None) + quantity(row.cost, interval=wide),
        quantity(row.time),
        quantity(row.power),
    ]


def summary(plan: Plan) -> str:
    """One paragraph: money, power, time, energy, water, carbon, dollars a token, what binds."""
    said = [
        f"{title} {quantity(plan.totals[name], interval=True)}"
        for name, title in TITLES.items()
        if name in plan.totals
    ]
    text = f"In all: {'; '.join(said)}. " if said else ""
    if plan.binding is None:
        return text + "No layer has a limit on record, so none is named as binding."
    found = plan.binding
    room = number(found.headroom.value)
    if abs(found.headroom.value - 1) < 0.005:
        verdict = "has just what is needed"
    elif found.headroom.value > 1:
        verdict = f"has {room} times what is needed, the least of all layers"
    else:
        verdict = f"has only {room} of what is needed"
    return f"{text}Binding layer (*): {found.floor} {found.name}, which {verdict}: {found.what}."
