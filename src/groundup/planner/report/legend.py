"""Colours of the parts of bars and the legend that names them; many small parts share a grey."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from groundup.facts.figures import Bar
from groundup.planner.report.svg import COLOURS, again, box, colour, text_width, words, wrap

_MOST = 10
"""Up to this many parts each has a colour of its own."""
_OTHERS = {"other", "others", "rest", "remaining", "unknown"}
"""What is not one thing is grey."""


@dataclass(frozen=True)
class Palette:
    """How parts are drawn."""

    styles: Mapping[str, str]
    """Classes of every part by name."""
    listed: tuple[str, ...]
    """Names in the legend; none where colours say nothing."""
    written: frozenset[str]
    """Names that are written inside their bars where there is room, having no colour."""


def palette(bars: Sequence[Bar]) -> Palette:
    """Colours by order of first use; of many parts only the largest in sum have one."""
    sums: dict[str, float] = {}
    for bar in bars:
        for name, value in bar.parts:
            sums[name] = sums.get(name, 0.0) + abs(value)
    names = [name for name in sums if name.lower() not in _OTHERS]
    many = len(names) > _MOST
    if many:
        names = sorted(names, key=lambda name: -sums[name])[: COLOURS - 1]
    styles = {name: f"f{colour(i)}{again(i)}" for i, name in enumerate(names)}
    grey = [name for name in sums if name not in styles]
    written = frozenset(name for name in grey if name.lower() not in _OTHERS)
    listed = (*names, *(name for name in grey if name not in written))
    shown = listed if _says_something(bars, list(sums)) else ()
    return Palette({**styles, **dict.fromkeys(grey, "rest")}, shown, written)


def _says_something(bars: Sequence[Bar], names: Sequence[str]) -> bool:
    """Parts are named unless every bar is of one part (its colour then says nothing)."""
    if len(names) > 1:
        return any(len(bar.parts) > 1 for bar in bars) or len(names) < len(bars)
    return bool(names) and names[0] != "" and names[0] not in {bar.label for bar in bars}


def draw_legend(shown: Palette, width: float) -> tuple[list[str], float]:
    """Names of the parts with their colours, in lines; and the height below them."""
    parts, x, y = [], 0.0, 12.0
    for name in shown.listed:
        text = wrap(name, width - 30, 1)[0]
        wide = 16 + text_width(text) + 14
        if x and x + wide > width:
            x, y = 0.0, y + 16
        parts.append(box(x, y - 9, 10, 10, shown.styles[name]))
        parts.append(words(x + 15, y, text))
        x += wide
    return parts, y + 10 if shown.listed else 4.0
