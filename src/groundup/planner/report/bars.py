"""Draws stacked horizontal bars from zero, with whiskers, and their totals in a column."""

from __future__ import annotations

import math
from collections.abc import Sequence

from groundup.facts.figures import Bar, Bars
from groundup.planner.report.curves import tick_texts
from groundup.planner.report.legend import Palette, draw_legend, palette
from groundup.planner.report.scale import Scale, axis, short
from groundup.planner.report.svg import (
    HALF,
    LINE,
    SIZE,
    WIDE,
    box,
    centred,
    drawing,
    element,
    escape,
    line,
    pretty,
    text_width,
    words,
    wrap,
)

_LABELS = 0.34
"""Share of the width that labels may take."""
_SMALL = 9.5
"""Size of names inside bars."""
_DENSE = 16
"""More bars than this are drawn thinner."""
_FAR = 3.0
"""A whisker that reaches beyond this many times the longest bar is cut, with an arrow."""


def draw_bars(figure: Bars) -> str:
    """The figure as SVG; empty where there is no bar to draw."""
    bars = [_finite(bar) for bar in figure.bars]
    if not bars:
        return ""
    shown = palette(bars)
    width = WIDE if shown.written else HALF
    legend, top = draw_legend(shown, width)
    labels = [wrap(bar.label, width * _LABELS) for bar in bars]
    row = 17.0 if len(bars) > _DENSE else 22.0
    heights = [max(row, len(lines) * LINE + 3) for lines in labels]
    bottom = top + sum(heights)
    scale = _scale(bars, labels, figure.unit, width)
    parts = legend + _grid(scale, top, bottom, figure.unit)
    y = top
    for bar, lines, height in zip(bars, labels, heights, strict=True):
        parts += _row(bar, lines, shown, scale, y + height / 2, row, figure.unit)
        parts.append(_total(bar, y + height / 2, width, figure.unit))
        y += height
    zero = scale(0.0)
    parts.append(line(zero, top, zero, bottom, "axis"))
    return drawing(f"{figure.title}, in {figure.unit}", width, bottom + 36, parts)


def total_of(bar: Bar) -> float:
    """Value of the whole bar."""
    return math.fsum(value for _, value in bar.parts)


def _finite(bar: Bar) -> Bar:
    parts = tuple((name, value) for name, value in bar.parts if math.isfinite(value))
    low, high = bar.low, bar.high
    known = low is not None and high is not None and math.isfinite(low) and math.isfinite(high)
    return Bar(bar.label, parts, low if known else None, high if known else None)


def _reach(bar: Bar) -> tuple[float, float]:
    """Ends of a stacked bar: sum of what is below 0, sum of what is above."""
    values = [value for _, value in bar.parts]
    return math.fsum(v for v in values if v < 0), math.fsum(v for v in values if v > 0)


def _scale(bars: Sequence[Bar], labels: Sequence[Sequence[str]], unit: str, width: float) -> Scale:
    ends = [end for bar in bars for end in _reach(bar)]
    far = _FAR * max(abs(end) for end in ends)
    whiskers = [v for bar in bars for v in (bar.low, bar.high) if v is not None]
    if far > 0:
        whiskers = [min(max(v, -far), far) for v in whiskers]
    left = max(text_width(part) for lines in labels for part in lines) + 8
    right = max(text_width(_said(bar, unit)) for bar in bars) + 10
    return axis([0.0, *ends, *whiskers], left, max(width - right, left + 90), about=5)


def _said(bar: Bar, unit: str) -> str:
    return f"{short(total_of(bar), unit)} {_interval(bar, unit)}".rstrip()


def _interval(bar: Bar, unit: str) -> str:
    if bar.low is None or bar.high is None:
        return ""
    low, high = short(bar.low, unit), short(bar.high, unit)
    return f"{low} – {high}" if low != high else ""


def _grid(scale: Scale, top: float, bottom: float, unit: str) -> list[str]:
    parts = [line(scale(tick), top, scale(tick), bottom, "grid") for tick in scale.ticks]
    parts += tick_texts(scale, bottom + 14, "USD" in unit)
    return [
        *parts,
        words((scale.start + scale.end) / 2, bottom + 30, pretty(unit), "axis-label", "middle"),
    ]


def _row(
    bar: Bar,
    lines: Sequence[str],
    shown: Palette,
    scale: Scale,
    y: float,
    row: float,
    unit: str,
) -> list[str]:
    """Label, stacked parts, whisker."""
    parts = [centred(scale.start - 8, y, lines, "label", "end")]
    thick = row - 6
    below = above = 0.0
    for name, value in bar.parts:
        start = above if value >= 0 else below
        above, below = above + max(value, 0.0), below + min(value, 0.0)
        place = sorted((scale(start), scale(start + value)))
        parts += _part(name, f"{short(value, unit)} {unit}", place, shown, y, thick)
    if bar.low is not None and bar.high is not None:
        parts += _whisker(scale, bar.low, bar.high, y)
    return parts


def _part(
    name: str, said: str, place: Sequence[float], shown: Palette, y: float, thick: float
) -> list[str]:
    """A rectangle with its value as a hint; the name inside where it has no colour of its own."""
    left, wide = place[0], place[1] - place[0]
    hint = f"{name}: {said}" if name else said
    parts = [box(left, y - thick / 2, wide, thick, f"part {shown.styles[name]}", hint)]
    if name in shown.written and text_width(name, _SMALL) + 4 < wide:
        parts.append(words(left + wide / 2, y + _SMALL * 0.36, name, "inside", "middle"))
    return parts


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


def _total(bar: Bar, y: float, right: float, unit: str) -> str:
    """Value and interval of the whole bar, in a column at the right."""
    if not bar.parts:
        return words(right, y + SIZE * 0.36, "no data", "tick", "end")
    interval = _interval(bar, unit)
    spans = [escape(short(total_of(bar), unit))]
    if interval:
        spans.append(element("tspan", {"class": "interval"}, " ", escape(interval)))
    place: dict[str, str | float] = {"x": right, "y": y + SIZE * 0.36, "class": "label"}
    return element("text", {**place, "text-anchor": "end"}, *spans)
