"""Draws a tornado: how far each assumption alone moves a result, the widest on top."""

from __future__ import annotations

import math

from groundup.facts.figures import Swing, Tornado
from groundup.planner.report.curves import tick_texts
from groundup.planner.report.scale import Scale, axis, short
from groundup.planner.report.svg import (
    WIDE,
    box,
    centred,
    drawing,
    line,
    text_width,
    words,
    wrap,
)

_ROW, _BAR = 24.0, 13.0
_LABELS = 0.34
"""Share of the width that labels may take."""


def draw_tornado(figure: Tornado) -> str:
    """The figure as SVG; empty where nothing swings."""
    swings = [s for s in figure.swings if math.isfinite(s.low) and math.isfinite(s.high)]
    if not swings:
        return ""
    labels = [wrap(swing.label, WIDE * _LABELS, 2) for swing in swings]
    left = max(text_width(part) for lines in labels for part in lines) + 12
    ends = [end for swing in swings for end in (swing.low, swing.high)]
    room = max(text_width(text) for s in swings for text in (s.at_low, s.at_high)) + 14
    scale = axis([figure.middle, *ends], left + room, WIDE - room, about=7)
    top = 22.0
    bottom = top + _ROW * len(swings)
    parts = [
        box(left + room, 2, 10, 10, "f0"),
        words(left + room + 15, 11, "assumption at its low end"),
        box(left + room + 190, 2, 10, 10, "f1"),
        words(left + room + 205, 11, "at its high end"),
    ]
    parts += [line(scale(t), top, scale(t), bottom, "grid") for t in scale.ticks]
    for i, (swing, lines) in enumerate(zip(swings, labels, strict=True)):
        parts += _swing(swing, lines, figure, scale, left, top + (i + 0.5) * _ROW)
    parts.append(line(scale(figure.middle), top, scale(figure.middle), bottom, "axis"))
    parts += tick_texts(scale, bottom + 15)
    parts.append(words(scale.end, bottom + 31, figure.unit, "axis-label", "end"))
    return drawing(f"{figure.title}, in {figure.unit}", WIDE, bottom + 37, parts)


def _swing(
    swing: Swing, lines: list[str], figure: Tornado, scale: Scale, left: float, y: float
) -> list[str]:
    middle = scale(figure.middle)
    parts = [centred(left - 10, y, lines, "label", "end")]
    for value, said, style in (
        (swing.low, swing.at_low, "f0"),
        (swing.high, swing.at_high, "f1"),
    ):
        end = scale(value)
        hint = f"{swing.label} at {said}: {short(value, figure.unit)} {figure.unit}"
        start, wide = min(middle, end), max(abs(end - middle), 0.6)
        parts.append(box(start, y - _BAR / 2, wide, _BAR, f"part {style}", hint))
    outer = sorted(((scale(swing.low), swing.at_low), (scale(swing.high), swing.at_high)))
    parts.append(centred(min(outer[0][0], middle) - 6, y, [outer[0][1]], "tick halo", "end"))
    parts.append(centred(max(outer[1][0], middle) + 6, y, [outer[1][1]], "tick halo"))
    return parts
