"""Elements of SVG and HTML as text: escaped, wrapped to a width that is estimated per character."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence

HALF = 480.0
"""Width of a drawing in a column of its page, in its own units."""
WIDE = 968.0
"""Width of a drawing across the page; two halves and their gap."""
SIZE = 11.5
"""Size of letters in a drawing, in its units."""
LINE = 13.5
"""From one line of text to the next."""
COLOURS = 7
"""Colours of the palette (Okabe and Ito's without yellow, which is lost on white)."""
_SHAPES = {"rect", "line", "path", "circle", "polygon", "polyline"}
_NARROW, _MIDDLE, _BROAD = (
    set("iljtfrI.,:;'|!()[]/ -"),
    set("mwMW@%&"),
    set("ABCDEGHKNOQRUVXYZ<>=+~#_^"),
)
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_METRES = re.compile(r"\b((?:[cmku]?m|s))\^?([23])\b")
_EXPONENT = re.compile(r"\b(\d(?:\.\d+)?)e([+-]?\d+)\b")
_PRODUCT = re.compile(r"(?<=[a-z])\*(?=[A-Za-z])")
_FORBIDDEN = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def escape(text: str) -> str:
    """Text that can stand in an element or in an attribute; characters XML forbids become `?`."""
    return html.escape(_FORBIDDEN.sub("?", text), quote=True)


def pretty(text: str) -> str:
    """Units and powers of ten as they are printed: mm², m³, CO₂, acc·h, 1.9×10²⁶."""
    text = _METRES.sub(lambda m: m[1] + m[2].translate(_RAISED), text)
    text = _EXPONENT.sub(lambda m: f"{m[1]}×10{str(int(m[2])).translate(_RAISED)}", text)
    return _PRODUCT.sub("·", text).replace("CO2", "CO₂")


def element(name: str, attributes: Mapping[str, str | float], *children: str) -> str:
    """One element. Attribute values are escaped here; `children` are markup already."""
    said = "".join(f' {key}="{_value(value)}"' for key, value in attributes.items())
    if name in _SHAPES and not children:
        return f"<{name}{said}/>"
    return f"<{name}{said}>{''.join(children)}</{name}>"


def _value(value: str | float) -> str:
    return escape(value) if isinstance(value, str) else coordinate(value)


def coordinate(value: float) -> str:
    """A length with two decimals at most."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def drawing(title: str, width: float, height: float, children: Iterable[str]) -> str:
    """An `<svg>` that scales with its box; its title is what a screen reader says."""
    return element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {coordinate(width)} {coordinate(height)}",
            "role": "img",
            "class": "wide" if width > HALF else "half",
        },
        element("title", {}, escape(title)),
        *children,
    )


def line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    """A straight line."""
    return element("line", {"x1": x1, "y1": y1, "x2": x2, "y2": y2, "class": style})


def box(x: float, y: float, width: float, height: float, style: str, hint: str = "") -> str:
    """A rectangle; `hint` is said when the pointer rests on it."""
    place: dict[str, str | float] = {"x": x, "y": y, "width": width, "height": height}
    return element("rect", {**place, "class": style}, *hinted(hint))


def hinted(hint: str) -> tuple[str, ...]:
    """The child element that makes a hint, none where it is empty."""
    return (element("title", {}, escape(hint)),) if hint else ()


def words(
    x: float, y: float, text: str | Sequence[str], style: str = "label", anchor: str = "start"
) -> str:
    """Text whose first base line is at `y`; a sequence makes a line of each."""
    place: dict[str, str | float] = {"x": x, "y": y, "class": style}
    if anchor != "start":
        place["text-anchor"] = anchor
    if isinstance(text, str):
        return element("text", place, escape(text))
    spans = [
        element("tspan", {"x": x, "y": y + i * LINE}, escape(part)) for i, part in enumerate(text)
    ]
    return element("text", place, *spans)


def centred(x: float, y: float, lines: Sequence[str], style: str, anchor: str = "start") -> str:
    """Lines of text around the height `y`."""
    first = y - (len(lines) - 1) * LINE / 2 + SIZE * 0.36
    return words(x, first, lines if len(lines) > 1 else lines[0], style, anchor)


def text_width(text: str, size: float = SIZE) -> float:
    """Estimated width of text, on the generous side (system fonts differ by a fifth)."""
    return size * sum(_em(letter) for letter in text)


def _em(letter: str) -> float:
    if letter in _NARROW:
        return 0.37
    if letter in _MIDDLE:
        return 0.94
    if letter in _BROAD:
        return 0.79
    if letter.isupper():
        return 0.66
    return 0.62 if ord(letter) < 0x2000 else 1.0 if ord(letter) >= 0x2E80 else 0.75


def wrap(text: str, width: float, most: int = 2, size: float = SIZE) -> list[str]:
    """Text in at most `most` lines of `width`; what does not fit is cut with an ellipsis."""
    pieces = [part for word in text.split() for part in _broken(word, width, size)]
    lines: list[str] = []
    for piece, glued in pieces:
        joined = f"{lines[-1]}{'' if glued else ' '}{piece}" if lines else piece
        if lines and text_width(joined, size) <= width:
            lines[-1] = joined
        else:
            lines.append(piece)
    if len(lines) > most:
        lines = [*lines[: most - 1], _cut(" ".join(lines[most - 1 :]), width, size)]
    return lines or [""]


def _broken(word: str, width: float, size: float) -> list[tuple[str, bool]]:
    """A word that is wider than the line in pieces; True where one is glued to the one before."""
    pieces = [""]
    for letter in word:
        if pieces[-1] and text_width(pieces[-1] + letter, size) > width:
            pieces.append("")
        pieces[-1] += letter
    return [(piece, i > 0) for i, piece in enumerate(pieces)]


def _cut(text: str, width: float, size: float) -> str:
    while text and text_width(text + "…", size) > width:
        text = text[:-1]
    return text.rstrip() + "…"


def colour(index: int) -> str:
    """Suffix of the classes of the index-th colour: `f3` fills, `s3` strokes."""
    return str(index % COLOURS)


def again(index: int) -> str:
    """Class that tells the second and third use of a colour apart (dashes, lighter fill)."""
    return f" again{min(index // COLOURS, 2)}" if index >= COLOURS else ""
