"""Draws spans of time over a common axis, each with its label and what is said beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from groundup.facts.figures import Span, Timeline
from groundup.planner.report.curves import tick_texts
from groundup.planner.report.scale import Scale, axis, short
from groundup.planner.report.svg import (
    HALF,
    LINE,
    SIZE,
    WIDE,
    box,
    centred,
    colour,
    drawing,
    element,
    hinted,
    line,
    text_width,
    words,
    wrap,
)

_ROW, _BAR = 23.0, 13.0
_NEAR = 0.4
"""The axis begins at 0 where the first span begins before this share of the whole time."""


def draw_timeline(figure: Timeline) -> str:
    """The figure as SVG; empty where no span has finite ends."""
    spans = [s for s in figure.spans if math.isfinite(s.start) and math.isfinite(s.end)]
    if not spans:
        return ""
    width = WIDE if any(len(s.note) > 24 for s in spans) or len(spans) > 12 else HALF
    labels = [wrap(span.label, width * 0.3) for span in spans]
    left = max(text_width(part) for lines in labels for part in lines) + 12
    times = [time for span in spans for time in (span.start, span.end)]
    if 0 < min(times) < _NEAR * max(times):
        times.append(0.0)
    scale = axis(times, left, width - 16, about=8)
    notes = [_note(span, scale, width) for span in spans]
    heights = [
        max(_ROW, len(lines) * LINE + 5) + (len(note[1]) * LINE if note[0] == "below" else 0)
        for lines, note in zip(labels, notes, strict=True)
    ]
    bottom = 6 + sum(heights)
    parts = [line(scale(tick), 2, scale(tick), bottom, "grid") for tick in scale.ticks]
    y = 6.0
    colours = _colours(spans)
    for i, span in enumerate(spans):
        parts += _span(colours[i], span, labels[i], notes[i], scale, y)
        y += heights[i]
    parts.append(line(scale.start, bottom, scale.end, bottom, "axis"))
    parts += tick_texts(scale, bottom + 15)
    parts.append(words(scale.end, bottom + 31, figure.unit, "axis-label", "end"))
    return drawing(f"{figure.title}, in {figure.unit}s", width, bottom + 37, parts)


def _colours(spans: Sequence[Span]) -> list[int]:
    """A colour for each span; those that share what stands before or after a colon share one."""
    before = [span.label.split(": ")[0] for span in spans]
    after = [span.label.split(": ")[-1] for span in spans]
    keys = min(after, before, key=lambda names: len(set(names)))
    order = list(dict.fromkeys(keys))
    return [order.index(key) for key in keys]


def _said(span: Span) -> str:
    when = _time(span.end)
    if span.end != span.start:
        when = f"{_time(span.start)} – {when}"
    return f"{when}: {span.note}" if span.note else when


def _time(value: float) -> str:
    """A time with one decimal; years are not shortened."""
    return f"{value:.1f}".removesuffix(".0") if 100 <= abs(value) < 10_000 else short(value)


def _note(span: Span, scale: Scale, width: float) -> tuple[str, list[str]]:
    """Where the words beside a span have room: right of it, left of it, or below."""
    said = _said(span)
    wide = text_width(said) + 10
    if scale(max(span.start, span.end)) + wide <= width:
        return "right", [said]
    if scale(min(span.start, span.end)) - wide >= scale.start:
        return "left", [said]
    return "below", wrap(said, scale.end - scale.start - 8, 3)


def _span(
    index: int,
    span: Span,
    label: Sequence[str],
    note: tuple[str, list[str]],
    scale: Scale,
    y: float,
) -> list[str]:
    middle = y + max(_ROW, len(label) * LINE + 5) / 2
    start, end = sorted((scale(span.start), scale(span.end)))
    parts = [centred(scale.start - 10, middle, label, "label", "end")]
    style = f"part f{colour(index)}"
    hint = f"{span.label}: {_said(span)}"
    if end - start < 1.0:
        corners = f"{start - 6},{middle} {start},{middle - 6} {start + 6},{middle}"
        diamond = {"points": f"{corners} {start},{middle + 6}", "class": style}
        parts.append(element("polygon", diamond, *hinted(hint)))
    else:
        parts.append(box(start, middle - _BAR / 2, end - start, _BAR, style, hint))
    where, lines = note
    if where == "right":
        parts.append(words(end + 8, middle + SIZE * 0.36, lines[0], "tick halo"))
    elif where == "left":
        parts.append(words(start - 8, middle + SIZE * 0.36, lines[0], "tick halo", "end"))
    else:
        parts.append(words(scale.start + 6, middle + _BAR / 2 + LINE, lines, "tick halo"))
    return parts
