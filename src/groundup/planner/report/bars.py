"""Draws stacked horizontal bars from zero, with whiskers, and their totals in a column."""

from __future__ import annotations

import math
from collections.abc import Sequence

from groundup.facts.figures import Bar, Bars
from groundup.planner.report.curves import tick_texts
from groundup.planner.report.scale import Scale, axis, short
from groundup.planner.report.svg import (
    HALF,
    LINE,
    SIZE,
    again,
    box,
    centred,
    colour,
    drawing,
    element,
    escape,
    line,
    text_width,
    words,
    wrap,
)

_LABELS = 165.0
_DENSE = 16
"""More bars than this are drawn thinner."""
_FAR = 3.0
"""A whisker that reaches beyond this many times the longest bar is cut, with an arrow."""


def draw_bars(figure: Bars) -> str:
    """The figure as SVG; empty where there is no bar to draw."""
    bars = [_finite(bar) for bar in figure.bars]
    if not bars:
        return ""
    names = list(dict.fromkeys(name for bar in bars for name, _ in bar.parts))
    legend, top = _legend(names if _needs_legend(bars, names) else [])
    labels = [wrap(bar.label, _LABELS) for bar in bars]
    row = 17.0 if len(bars) > _DENSE else 22.0
    heights = [max(row, len(lines) * LINE + 3) for lines in labels]
    bottom = top + sum(heights)
    scale = _scale(bars, labels, figure.unit)
    parts = legend + _grid(scale, top, bottom, figure.unit)
    y = top
    for bar, lines, height in zip(bars, labels, heights, strict=True):
        parts += _row(bar, lines, names, scale, y + height / 2, row, figure.unit)
        y += height
    zero = scale(0.0)
    parts.append(line(zero, top, zero, bottom, "axis"))
    return drawing(f"{figure.title}, in {figure.unit}", HALF, bottom + 36, parts)


def total_of(bar: Bar) -> float:
    """Value of the whole bar."""
    return math.fsum(value for _, value in bar.parts)


def _finite(bar: Bar) -> Bar:
    parts = tuple((name, value) for name, value in bar.parts if math.isfinite(value))
    low, high = bar.low, bar.high
    known = low is not None and high is not None and math.isfinite(low) and math.isfinite(high)
    return Bar(bar.label, parts, low if known else None, high if known else None)


def _needs_legend(bars: Sequence[Bar], names: Sequence[str]) -> bool:
    """Parts are named unless every bar is of one part (its colour then says nothing)."""
    if len(names) > 1:
        return any(len(bar.parts) > 1 for bar in bars) or len(names) < len(bars)
    return bool(names) and names[0] != "" and names[0] not in {bar.label for bar in bars}


def _legend(names: Sequence[str]) -> tuple[list[str], float]:
    """Names of the parts with their colours, in lines; and the height below them."""
    parts, x, y = [], 0.0, 12.0
    for index, name in enumerate(names):
        text = wrap(name, HALF - 30, 1)[0]
        wide = 16 + text_width(text) + 14
        if x and x + wide > HALF:
            x, y = 0.0, y + 16
        parts.append(box(x, y - 9, 10, 10, f"f{colour(index)}{again(index)}"))
        parts.append(words(x + 15, y, text))
        x += wide
    return parts, y + 10 if names else 4.0


def _reach(bar: Bar) -> tuple[float, float]:
    """Ends of a stacked bar: sum of what is below 0, sum of what is above."""
    values = [value for _, value in bar.parts]
    return math.fsum(v for v in values if v < 0), math.fsum(v for v in values if v > 0)


def _scale(bars: Sequence[Bar], labels: Sequence[Sequence[str]], unit: str) -> Scale:
    ends = [end for bar in bars for end in _reach(bar)]
    far = _FAR * max(abs(end) for end in ends)
    whiskers = [v for bar in bars for v in (bar.low, bar.high) if v is not None]
    if far > 0:
        whiskers = [min(max(v, -far), far) for v in whiskers]
    left = max(text_width(part) for lines in labels for part in lines) + 8
    right = max(text_width(_said(bar, unit)) for bar in bars) + 10
    return axis([0.0, *ends, *whiskers], left, max(HALF - right, left + 90), about=5)


def _said(bar: Bar, unit: str) -> str:
    return f"{short(total_of(bar), unit)} {_interval(bar, unit)}".rstrip()


def _interval(bar: Bar, unit: str) -> str:
    if bar.low is None or bar.high is None:
        return ""
    low, high = short(bar.low, unit), short(bar.high, unit)
    return f"{low} – {high}" if low != high else ""


def _grid(scale: Scale, top: float, bottom: float, unit: str) -> list[str]:
    parts = [line(scale(tick), top, scale(tick), bottom, "grid") for tick in scale.ticks]
    parts += tick_texts(scale, bottom + 14, unit.startswith("USD"))
    return [*parts, words((scale.start + scale.end) / 2, bottom + 30, unit, "axis-label", "middle")]


def _row(
    bar: Bar,
    lines: Sequence[str],
    names: Sequence[str],
    scale: Scale,
    y: float,
    row: float,
    unit: str,
) -> list[str]:
    """Label, stacked parts, whisker, total."""
    parts = [centred(scale.start - 8, y, lines, "label", "end")]
    thick = row - 6
    below = above = 0.0
    for name, value in bar.parts:
        start = above if value >= 0 else below
        above, below = above + max(value, 0.0), below + min(value, 0.0)
        parts += _part(name, value, start, names.index(name), scale, y - thick / 2, thick, unit)
    if bar.low is not None and bar.high is not None:
        parts += _whisker(scale, bar.low, bar.high, y)
    if not bar.parts:
        return [*parts, words(HALF, y + SIZE * 0.36, "no data", "tick", "end")]
    return [*parts, _total(bar, y, unit)]


def _part(
    name: str,
    value: float,
    start: float,
    index: int,
    scale: Scale,
    y: float,
    thick: float,
    unit: str,
) -> list[str]:
    left, right = sorted((scale(start), scale(start + value)))
    said = f"{name}: {short(value, unit)} {unit}" if name else f"{short(value, unit)} {unit}"
    return [box(left, y, right - left, thick, f"part f{colour(index)}{again(index)}", said)]


def _whisker(scale: Scale, low: float, high: float, y: float) -> list[str]:
    left, right = scale(low), scale(high)
    parts = [line(left, y, right, y, "error")]
    for place, cut, way in (
        (left, low < scale.ticks[0], -1),
        (right, high > scale.ticks[-1], 1),
    ):
        if cut:
            arrow = f"{place - 5 * way},{y - 4} {place},{y} {place - 5 * way},{y + 4}"
            parts.append(element("polyline", {"points": arrow, "class": "error"}))
        else:
            parts.append(line(place, y - 4, place, y + 4, "error"))
    return parts


def _total(bar: Bar, y: float, unit: str) -> str:
    interval = _interval(bar, unit)
    spans = [escape(short(total_of(bar), unit))]
    if interval:
        spans.append(element("tspan", {"class": "interval"}, " ", escape(interval)))
    place: dict[str, str | float] = {"x": HALF, "y": y + SIZE * 0.36, "class": "label"}
    return element("text", {**place, "text-anchor": "end"}, *spans)
