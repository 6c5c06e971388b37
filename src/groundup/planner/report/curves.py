"""Draws curves over common axes: bands, measured points, a label at the end of each line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from groundup.facts.figures import Curves, Line
from groundup.planner.report.scale import Scale, axis, short, tick_labels
from groundup.planner.report.spread import spread
from groundup.planner.report.svg import (
    HALF,
    LINE,
    SIZE,
    again,
    centred,
    colour,
    coordinate,
    drawing,
    element,
    hinted,
    line,
    pretty,
    text_width,
    words,
    wrap,
)

_TOP, _BELOW, _PLOT = 24.0, 40.0, 210.0
_LABELS = 130.0
"""Widest column of line names at the right."""
_SWATCH = 16.0
_NEAR = 0.4
"""A linear axis begins at 0 where its least value is below this share of its largest."""


@dataclass(frozen=True)
class _Row:
    """What of a line can be drawn: finite points, above 0 on a logarithmic axis."""

    index: int
    line: Line
    points: tuple[tuple[float, float], ...]
    bounds: tuple[tuple[float, float, float], ...]
    """x, low, high of the band."""


def draw_curves(figure: Curves) -> str:
    """The figure as SVG; empty where there is no point to draw."""
    colours = _colours(figure.lines)
    rows = [_drawable(found, i, figure) for found, i in zip(figure.lines, colours, strict=True)]
    shown = [row for row in rows if row.points]
    if not shown:
        return ""
    names = [wrap(row.line.name, _LABELS - _SWATCH, 3) for row in shown]
    needed = sum(len(lines) * LINE + 2 for lines in names)
    bottom = _TOP + max(_PLOT, needed)
    column = _SWATCH + max(text_width(part) for lines in names for part in lines) + 8
    x, y = _scales(figure, shown, bottom, HALF - max(column, 24.0))
    parts = [*_grid(figure, x, y)]
    for row in shown:
        parts += _band(row, x, y)
    for row in shown:
        parts += _marks(row, x, y)
    parts += _names(shown, names, x, y)
    return drawing(_spoken(figure), HALF, bottom + _BELOW, parts)


def _spoken(figure: Curves) -> str:
    return f"{figure.title}: {figure.y_label} over {figure.x_label}"


def _colours(lines: Sequence[Line]) -> list[int]:
    """A colour for each line; points and the curve through them (`X`, `X, model`) share one."""
    found: list[int] = []
    for i, this in enumerate(lines):
        twin = next((found[j] for j in range(i) if _paired(lines[j], this)), None)
        found.append(max(found, default=-1) + 1 if twin is None else twin)
    return found


def _paired(a: Line, b: Line) -> bool:
    short_name, long_name = sorted((a.name, b.name), key=len)
    return a.dots != b.dots and bool(short_name) and long_name.startswith(short_name)


def _drawable(found: Line, index: int, figure: Curves) -> _Row:
    points, bounds = [], []
    for i, (x, y) in enumerate(zip(found.x, found.y, strict=False)):
        if not (_fits(x, figure.x_log) and _fits(y, figure.y_log)):
            continue
        points.append((x, y))
        if i < min(len(found.low), len(found.high)):
            low, high = found.low[i], found.high[i]
            low = y if figure.y_log and low <= 0 else low
            if _fits(low, figure.y_log) and _fits(high, figure.y_log):
                bounds.append((x, low, high))
    return _Row(index, found, tuple(points), tuple(bounds))


def _fits(value: float, log: bool) -> bool:
    return math.isfinite(value) and (value > 0 or not log)


def _scales(
    figure: Curves, rows: Sequence[_Row], bottom: float, right: float
) -> tuple[Scale, Scale]:
    heights = [v for row in rows for _, v in row.points]
    heights += [v for row in rows for _, low, high in row.bounds for v in (low, high)]
    if not figure.y_log and 0 < min(heights) < _NEAR * max(heights):
        heights.append(0.0)
    y = axis(heights, bottom, _TOP, figure.y_log)
    left = max(text_width(text) for text in tick_labels(y.ticks, _money(figure.y_label))) + 8
    return axis([v for row in rows for v, _ in row.points], left, right, figure.x_log), y


def _money(label: str) -> bool:
    return "USD" in label


def _grid(figure: Curves, x: Scale, y: Scale) -> list[str]:
    parts = []
    for tick, text in zip(y.ticks, tick_labels(y.ticks, _money(figure.y_label)), strict=True):
        parts.append(line(x.start, y(tick), x.end, y(tick), "grid"))
        parts.append(words(x.start - 6, y(tick) + SIZE * 0.36, text, "tick", "end"))
    parts += [line(x(tick), y.start, x(tick), y.start + 4, "axis") for tick in x.ticks]
    parts.append(line(x.start, y.start, x.end, y.start, "axis"))
    parts += tick_texts(x, y.start + 16, _money(figure.x_label))
    parts.append(words(0, 11, wrap(pretty(figure.y_label), HALF, 1)[0], "axis-label"))
    middle = (x.start + x.end) / 2
    label = wrap(pretty(figure.x_label), 2 * min(middle, HALF - middle), 1)[0]
    parts.append(words(middle, y.start + 33, label, "axis-label", "middle"))
    return parts


def tick_texts(x: Scale, y: float, money: bool = False) -> list[str]:
    """Labels below a horizontal axis; where they would touch, decades or every k-th stay."""
    texts = tick_labels(x.ticks, money)
    places = [x(tick) for tick in x.ticks]
    all_of = range(len(texts))
    decades = [i for i in all_of if x.log and _is_decade(x.ticks[i])]
    choices = [all_of, *([decades] if len(decades) > 1 else [])]
    choices += [all_of[::k] for k in range(2, len(texts) + 1)]
    kept = next(
        (c for c in choices if _apart([places[i] for i in c], [texts[i] for i in c])), all_of[:1]
    )
    return [words(places[i], y, texts[i], "tick", "middle") for i in kept]


def _is_decade(tick: float) -> bool:
    exponent = math.log10(tick)
    return abs(exponent - round(exponent)) < 1e-9


def _apart(places: Sequence[float], texts: Sequence[str]) -> bool:
    widths = [text_width(text) for text in texts]
    return all(
        b - a > (left + right) / 2 + 6
        for (a, left), (b, right) in pairwise(zip(places, widths, strict=True))
    )


def _band(row: _Row, x: Scale, y: Scale) -> list[str]:
    """The shaded interval of a line, or a whisker at each measured point."""
    if row.line.dots or len(row.bounds) == 1:
        return [
            line(x(at), y(low), x(at), y(high), f"whisker s{colour(row.index)}")
            for at, low, high in row.bounds
        ]
    if not row.bounds:
        return []
    upper = [(x(at), y(high)) for at, _, high in row.bounds]
    lower = [(x(at), y(low)) for at, low, _ in row.bounds]
    return [_polygon(upper + lower[::-1], f"band f{colour(row.index)}")]


def _polygon(points: Sequence[tuple[float, float]], style: str) -> str:
    return element("polygon", {"points": _joined(points), "class": style})


def _joined(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{coordinate(x)},{coordinate(y)}" for x, y in points)


def _marks(row: _Row, x: Scale, y: Scale) -> list[str]:
    """The line, or its points."""
    places = [(x(at), y(value)) for at, value in row.points]
    if row.line.dots or len(places) == 1:
        return [
            marker(row.index, *place, hint=f"{row.line.name}: {short(at)}, {short(value)}")
            for place, (at, value) in zip(places, row.points, strict=True)
        ]
    style = f"curve s{colour(row.index)}{again(row.index)}"
    path = {"points": _joined(places), "class": style}
    return [element("polyline", path, *hinted(row.line.name))]


def marker(index: int, x: float, y: float, size: float = 3.6, hint: str = "") -> str:
    """A point whose shape and colour tell its series."""
    style = f"dot f{colour(index)}"
    if index % 4 == 0:
        return element("circle", {"cx": x, "cy": y, "r": size, "class": style}, *hinted(hint))
    shapes = (
        ((-1, -1), (1, -1), (1, 1), (-1, 1)),
        ((0, -1.3), (1.2, 1), (-1.2, 1)),
        ((0, -1.4), (1.4, 0), (0, 1.4), (-1.4, 0)),
    )
    corners = [(x + a * size, y + b * size) for a, b in shapes[index % 4 - 1]]
    return element("polygon", {"points": _joined(corners), "class": style}, *hinted(hint))


def _names(rows: Sequence[_Row], names: Sequence[Sequence[str]], x: Scale, y: Scale) -> list[str]:
    """Names in a column at the right, each at the height where its line ends."""
    ends = [row.points[-1] for row in rows]
    sizes = [len(lines) * LINE + 2 for lines in names]
    placed = spread([y(value) for _, value in ends], sizes, _TOP - 6, y.start + 8)
    parts = []
    for row, lines, (at, value), height in zip(rows, names, ends, placed, strict=True):
        left = x.end + 8
        if x(at) > x.end - 12:
            parts.append(line(max(x(at), x.end - 2), y(value), left, height, "leader"))
        if row.line.dots or len(row.points) == 1:
            parts.append(marker(row.index, left + 5, height, 3.2))
        else:
            style = f"curve s{colour(row.index)}{again(row.index)}"
            parts.append(line(left, height, left + 11, height, style))
        parts.append(centred(left + _SWATCH, height, lines, "label"))
    return parts
