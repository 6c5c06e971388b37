"""Draws what is handed on and split: nodes, the bands between them, labels with values."""

from __future__ import annotations

from collections.abc import Sequence

from groundup.facts.figures import Flow
from groundup.planner.report.sankey import NODE, Ribbon, lay_out
from groundup.planner.report.scale import short
from groundup.planner.report.svg import box, centred, colour, coordinate, drawing, element, hinted


def draw_flow(figure: Flow) -> str:
    """The figure as SVG; empty where no link has a value. FactError for a cycle."""
    layout = lay_out(figure)
    if not layout.places:
        return ""
    numbers = {place.name: i for i, place in enumerate(layout.places)}
    parts = [_ribbon(r, numbers[r.link[0]], figure.unit) for r in layout.ribbons]
    for place in layout.places:
        style = f"f{colour(numbers[place.name])}"
        parts.append(box(place.x, place.top, NODE, max(place.height, 0.8), style))
    for place in layout.places:
        lines = layout.labels[place.name]
        middle = place.top + place.height / 2
        parts.append(centred(place.x + NODE + 5, middle, lines, "label halo"))
    said = f"{figure.title}, in {figure.unit}"
    return drawing(said, layout.width, layout.height, parts)


def _ribbon(ribbon: Ribbon, index: int, unit: str) -> str:
    """A link as an area of constant height between two S-shaped edges."""
    half = max(ribbon.width, 0.6) / 2
    forth = _edge([(x, y - half) for x, y in ribbon.path])
    back = _edge([(x, y + half) for x, y in reversed(ribbon.path)])
    source, target, value = ribbon.link
    said = f"{source} → {target}: {short(value, unit)} {unit}"
    area = {"d": f"M{forth}L{back}Z", "class": f"ribbon f{colour(index)}"}
    return element("path", area, *hinted(said))


def _edge(path: Sequence[tuple[float, float]]) -> str:
    """Curves between hops and straight lines across them, from the first point on."""
    x, y = path[0]
    steps = [f"{coordinate(x)},{coordinate(y)}"]
    for number, (to_x, to_y) in enumerate(path[1:]):
        end, middle = f"{coordinate(to_x)},{coordinate(to_y)}", coordinate((x + to_x) / 2)
        ends = f"C{middle},{coordinate(y)} {middle},{coordinate(to_y)} "
        steps.append(f"L{end}" if number % 2 else f"{ends}{end}")
        x, y = to_x, to_y
    return "".join(steps)
