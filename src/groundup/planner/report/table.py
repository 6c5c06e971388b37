"""Writes tables: numbers right-aligned, estimates with interval and derivation, captions, heads."""

from __future__ import annotations

import math
from collections.abc import Sequence

from groundup.facts.estimate import Estimate
from groundup.facts.figures import Cell, Table
from groundup.planner.report.derivation import Derivations, linked
from groundup.planner.report.scale import short
from groundup.planner.report.svg import element, escape

_HALF_WIDTH = 58
"""Characters of the longest cells of all columns that still fit a column of the page."""
_LONGEST = 48
"""Cells longer than this are wrapped, so they count no more."""
_LONG = 32
"""Text longer than this is not squeezed into a narrow column."""
_GROUPED = 1e6


def draw_table(figure: Table, derivations: Derivations) -> str:
    """The figure as `<table>` in a box of its own that scrolls sideways where it is too wide."""
    columns = range(len(figure.columns))
    numeric = [_numeric([row[i] for row in figure.rows if i < len(row)]) for i in columns]
    head = "".join(column_head(figure.columns[i], numeric[i]) for i in columns)
    body = "".join(_row(row, figure.columns, derivations) for row in figure.rows)
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
    return element("th", {"scope": "col", **style}, escape(name))


def is_wide(figure: Table) -> bool:
    """Whether a table needs the whole width of the page."""
    cells = [figure.columns, *figure.rows]
    longest = [
        max((min(len(_measure(row[i])), _LONGEST) for row in cells if i < len(row)), default=0)
        for i in range(len(figure.columns))
    ]
    return sum(longest) + 2 * len(longest) > _HALF_WIDTH


def _measure(cell: Cell) -> str:
    if isinstance(cell, str):
        return cell
    return "$12.3M 12.3 – 12.3" if isinstance(cell, Estimate) else "12,345"


def _numeric(cells: Sequence[Cell]) -> bool:
    known = [cell for cell in cells if cell is not None]
    return bool(known) and not any(isinstance(cell, str) for cell in known)


def _row(row: Sequence[Cell], columns: Sequence[str], derivations: Derivations) -> str:
    cells = []
    for i, cell in enumerate(row):
        column = columns[i] if i < len(columns) else ""
        if i == 0 and isinstance(cell, str):
            cells.append(element("th", {"scope": "row"}, linked(cell)))
        else:
            cells.append(_cell(cell, column, derivations))
    return f"<tr>{''.join(cells)}</tr>"


def _cell(cell: Cell, column: str, derivations: Derivations) -> str:
    if isinstance(cell, str):
        style = {"class": "long"} if len(cell) > _LONG else {}
        return element("td", style, linked(cell))
    if isinstance(cell, Estimate):
        value = cell.value if cell.rows == 1 else math.nan
        sort = {"data-v": f"{value:.6g}"} if math.isfinite(value) else {}
        return element("td", {"class": "number", **sort}, derivations.cell(cell))
    if cell is None or math.isnan(cell):
        return '<td class="number none">no data</td>'
    sort = {"data-v": f"{cell:.6g}"} if math.isfinite(cell) else {}
    return element("td", {"class": "number", **sort}, escape(plain(cell, column)))


def plain(value: float, column: str = "") -> str:
    """A number of a table: thousands grouped up to a million, then `1.2M`; years are left alone."""
    if math.isfinite(value) and 99.5 <= abs(value) < _GROUPED:
        return f"{value:,.0f}" if abs(value) >= 9999.5 else f"{value:.4g}"
    return short(value, "USD" if "USD" in column else "")
