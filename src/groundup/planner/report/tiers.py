"""Draws a hierarchy tier over tier: boxes, left out where they are many, and cables between."""

from __future__ import annotations

from collections.abc import Sequence

from groundup.facts.figures import Tier, Tiers
from groundup.planner.report.svg import (
    HALF,
    LINE,
    box,
    centred,
    colour,
    drawing,
    line,
    text_width,
    words,
    wrap,
)

_TEXT = 190.0
"""Column of names and details at the left."""
_SHOWN = 8
"""Boxes of a tier that are drawn; more are said as a number."""
_BOX = 22.0
_BETWEEN = 52.0


def draw_tiers(figure: Tiers) -> str:
    """The figure as SVG, the top tier first; empty where there is no tier."""
    rows = list(reversed(figure.tiers))
    if not rows:
        return ""
    texts = [_text(tier) for tier in rows]
    middles, y = [], 4.0
    for lines in texts:
        tall = max(_BOX, len(lines) * LINE + 4)
        middles.append(y + tall / 2)
        y += tall + _BETWEEN
    parts: list[str] = []
    for i in range(1, len(rows)):
        parts += _cables(rows[i], rows[i - 1], middles[i], middles[i - 1])
    for i, (tier, lines, middle) in enumerate(zip(rows, texts, middles, strict=True)):
        parts += _tier(tier, lines, middle, len(rows) - 1 - i)
    for i in range(1, len(rows)):
        parts += _count(rows[i], (middles[i] + middles[i - 1]) / 2)
    return drawing(figure.title, HALF, y - _BETWEEN + 4, parts)


def _text(tier: Tier) -> list[str]:
    """Count and name, then the detail."""
    return [*wrap(f"{tier.count:,} {tier.name}", _TEXT - 14), *wrap(tier.detail, _TEXT - 14, 4)]


def centres(count: int) -> list[float]:
    """Middles of the boxes that are drawn for `count` of them; a gap stands for the others."""
    left, right = _TEXT + 20, HALF - 20
    if count > _SHOWN:
        step = (right - left) / _SHOWN
        places = [left + (i + 0.5) * step for i in range(_SHOWN)]
        return [*places[:5], *places[6:]]
    step = (right - left) / max(count, 1)
    return [left + (i + 0.5) * step for i in range(count)]


def _tier(tier: Tier, lines: Sequence[str], middle: float, index: int) -> list[str]:
    places = centres(tier.count)
    style = f"box f{colour(index)}"
    parts = [box(x - 12, middle - _BOX / 2, 24, _BOX, style, tier.name) for x in places]
    if tier.count > _SHOWN:
        gap = (places[4] + places[5]) / 2
        parts.append(words(gap, middle + 4, "…", "label strong", "middle"))
    name = wrap(f"{tier.count:,} {tier.name}", _TEXT - 14)
    first = middle - (len(lines) - 1) * LINE / 2 + 4
    parts.append(words(0, first, name, "label strong"))
    rest = lines[len(name) :]
    if any(rest):
        parts.append(words(0, first + len(name) * LINE, rest, "tick"))
    return parts


def _cables(lower: Tier, upper: Tier, low: float, high: float) -> list[str]:
    if lower.cables_up <= 0:
        return []
    return [
        line(a, low - _BOX / 2, b, high + _BOX / 2, "cable")
        for a in centres(lower.count)
        for b in centres(upper.count)
    ]


def _count(lower: Tier, middle: float) -> list[str]:
    if lower.cables_up <= 0:
        return []
    said = f"{lower.cables_up:,} cables"
    x, wide = (_TEXT + HALF) / 2, text_width(said) + 14
    return [
        box(x - wide / 2, middle - 9, wide, 18, "paper"),
        centred(x, middle, [said], "label", "middle"),
    ]
