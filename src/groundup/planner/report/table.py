"""Writes tables: numbers right-aligned, estimates with interval and derivation, captions, heads."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from groundup.facts.errors import UnitError
from groundup.facts.estimate import Estimate
from groundup.facts.figures import Cell, Table
from groundup.facts.units import as_unit, same_dimension
from groundup.planner.report.derivation import Derivations, linked
from groundup.planner.report.scale import short
from groundup.planner.report.svg import element, escape, pretty

_HALF_WIDTH = 58
"""Characters of the longest cells of all columns that still fit a column of the page."""
_LONGEST = 48
"""Cells longer than this are wrapped, so they count no more."""
_LONG = 32
"""Text longer than this is not squeezed into a narrow column."""
_GROUPED = 1e6
_BRACKETS = re.compile(r"[\[(]([^\])]+)[\])]\s*$")
_DASHES = ("–", "—", "-")
"""Cells that say: does not apply."""
_EACH = ("accelerator", "server", "wafer", "die", "package", "stack", "switch", "cable")
"""Things of which a column may tell what one of them takes."""


def draw_table(figure: Table, derivations: Derivations) -> str:
    """The figure as `<table>` in a box of its own that scrolls sideways where it is too wide."""
    columns = range(len(figure.columns))
    numeric = [_numeric([row[i] for row in figure.rows if i < len(row)]) for i in columns]
    head = "".join(column_head(figure.columns[i], numeric[i]) for i in columns)
    body = "".join(_row(row, figure.columns, numeric, derivations) for row in figure.rows)
    if not figure.rows:
        empty = {"class": "none", "colspan": str(max(len(figure.columns), 1))}
        body = f"<tr>{element('td', empty, 'no data')}</tr>"
    return table(figure.title, head, body)


def table(caption: str, head: str, body: str, style: str = "") -> str:
    """A table of ready rows, captioned."""
    return (
        f'<div class="scroll"><table{f" class={chr(34)}{style}{chr(34)}" if style else ""}>'
        f"<caption><span>{escape(caption)}</span></caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def column_head(name: str, numeric: bool = False) -> str:
    """Head of a column; over numbers it stands at the right."""
    style = {"class": "number"} if numeric else {}
    return element("th", {"scope": "col", **style}, escape(pretty(name)))


def is_wide(figure: Table) -> bool:
    """Whether a table needs the whole width of the page."""
    longest = [
        max(
            (min(len(_measure(row[i])), _LONGEST) for row in figure.rows if i < len(row)), default=0
        )
        for i in range(len(figure.columns))
    ]
    heads = [max(map(len, name.split()), default=0) for name in figure.columns]
    wide = [max(pair) for pair in zip(longest, heads, strict=True)]
    return sum(wide) + 2 * len(wide) > _HALF_WIDTH


def _measure(cell: Cell) -> str:
    if isinstance(cell, str):
        return cell
    return "$12.3M 12.3 – 12.3" if isinstance(cell, Estimate) else "12,345"


def _numeric(cells: Sequence[Cell]) -> bool:
    known = [cell for cell in cells if cell is not None and cell not in _DASHES]
    return bool(known) and not any(isinstance(cell, str) for cell in known)


def _row(
    row: Sequence[Cell], columns: Sequence[str], numeric: Sequence[bool], derivations: Derivations
) -> str:
    cells = []
    for i, cell in enumerate(row):
        column = columns[i] if i < len(columns) else ""
        if i == 0 and isinstance(cell, str):
            cells.append(element("th", {"scope": "row"}, linked(cell)))
        elif cell is None or cell in _DASHES:
            style = "number none" if i < len(numeric) and numeric[i] else "none"
            cells.append(element("td", {"class": style}, cell or "no data"))
        else:
            cells.append(_cell(cell, column, derivations))
    return f"<tr>{''.join(cells)}</tr>"


def _cell(cell: str | float | Estimate, column: str, derivations: Derivations) -> str:
    if isinstance(cell, str):
        style = {"class": "long"} if len(cell) > _LONG else {}
        return element("td", style, linked(cell))
    if isinstance(cell, Estimate):
        value = cell.value if cell.rows == 1 else math.nan
        sort = {"data-v": f"{value:.6g}"} if math.isfinite(value) else {}
        shown = in_unit_of_head(cell, column)
        return element("td", {"class": "number", **sort}, derivations.cell(cell, shown))
    if math.isnan(cell):
        return '<td class="number none">no data</td>'
    sort = {"data-v": f"{cell:.6g}"} if math.isfinite(cell) else {}
    return element("td", {"class": "number", **sort}, escape(plain(cell, column)))


def in_unit_of_head(estimate: Estimate, column: str = "") -> tuple[str, str] | None:
    """Value and interval in the unit that the head names in brackets; None where it has none.

    `W` over a column of W/accelerator is what each of them takes, so counts may be left out.
    """
    named = _BRACKETS.search(column)
    if estimate.rows != 1 or (named is None and str(estimate.unit) != "1"):
        return None
    try:
        unit = as_unit(named[1] if named else "1")
    except UnitError:
        return None
    for each in ("1", *_EACH):
        whole = unit if each == "1" else unit / as_unit(each)
        if same_dimension(estimate.unit, whole):
            inside = estimate.to(whole)
            value, low, high = (plain(x, column) for x in (inside.value, inside.low, inside.high))
            return value, "" if low == high else f"{low} – {high}"
    return None


def plain(value: float, column: str = "") -> str:
    """A number of a table: thousands grouped up to a million, then `1.2M`; years are left alone."""
    if math.isfinite(value) and 99.5 <= abs(value) < _GROUPED:
        return f"{value:,.0f}" if abs(value) >= 9999.5 else f"{value:.4g}"
    return short(value, "USD" if "USD" in column else "")
