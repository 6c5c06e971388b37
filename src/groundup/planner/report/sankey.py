"""Lays out what is handed on and split (Sankey): layers, widths in proportion, no overlaps."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from groundup.facts.errors import FactError
from groundup.facts.figures import Flow
from groundup.planner.report.scale import short
from groundup.planner.report.spread import spread
from groundup.planner.report.svg import HALF, LINE, WIDE, pretty, text_width, wrap

NODE = 11.0
"""Width of a node."""
_GAP = 7.0
_TALL = 190.0
"""Height of the fullest layer, without gaps."""
_LAST = 170.0
"""Widest column of labels behind the last layer."""
_SWEEPS = 12
Link = tuple[str, str, float]
Hop = tuple[str, int]
"""A node, or the place of a long link in a layer that it crosses: (name or link, layer)."""


@dataclass(frozen=True)
class Place:
    """Where a node stands."""

    name: str
    layer: int
    x: float
    top: float
    height: float


@dataclass(frozen=True)
class Ribbon:
    """A link as a band of constant width through the middles of its hops."""

    link: Link
    width: float
    path: tuple[tuple[float, float], ...]
    """Alternating ends of curves: out of a node, into the next hop, ..."""


@dataclass(frozen=True)
class Layout:
    """All places and ribbons of a flow."""

    places: tuple[Place, ...]
    ribbons: tuple[Ribbon, ...]
    labels: Mapping[str, tuple[str, ...]]
    width: float
    height: float


def lay_out(figure: Flow) -> Layout:
    """Places of nodes and links; links without a value above 0 are left out."""
    links = [link for link in figure.links if math.isfinite(link[2]) and link[2] > 0]
    if not links:
        return Layout((), (), {}, HALF, 0.0)
    layers = layers_of(links)
    values = _values(links)
    width = WIDE if max(layers.values()) > 1 else HALF
    labels, step = _labels(values, layers, width, figure.unit)
    hops = [list(_hops(i, link, layers)) for i, link in enumerate(links)]
    heights = _hop_heights(links, hops, values)
    columns = _columns(layers, hops)
    fullest = max(math.fsum(heights[hop] for hop in column) for column in columns)
    scale = _TALL / fullest
    sizes = {
        hop: max(h * scale, len(labels.get(hop[0], "")) * LINE if hop[0] in layers else 0.0) + _GAP
        for hop, h in heights.items()
    }
    tall = max(math.fsum(sizes[hop] for hop in column) for column in columns)
    centres = _settled(columns, _segments(links, hops), sizes, tall)
    places = {
        hop: Place(hop[0], hop[1], hop[1] * step, centres[hop] - h * scale / 2, h * scale)
        for hop, h in heights.items()
    }
    ribbons = _ribbons(links, hops, places, scale)
    nodes = tuple(place for hop, place in places.items() if hop[0] in layers)
    return Layout(nodes, ribbons, labels, width, tall)


def layers_of(links: Sequence[Link]) -> dict[str, int]:
    """Layer of every node: the longest way from a source. FactError names a cycle."""
    layers = {name: 0 for source, target, _ in links for name in (source, target)}
    for _ in layers:
        late = [(s, t) for s, t, _ in links if layers[t] <= layers[s]]
        if not late:
            return layers
        for source, target in late:
            layers[target] = max(layers[target], layers[source] + 1)
    late = [(s, t) for s, t, _ in links if layers[t] <= layers[s]]
    if late:
        source, target = late[0]
        raise FactError(f"the flow runs in a circle through `{source}` -> `{target}`; a flow "
                        "must end somewhere")  # fmt: skip
    return layers


def _values(links: Sequence[Link]) -> dict[str, float]:
    """The greater of what comes in and what goes out of every node."""
    into: dict[str, float] = defaultdict(float)
    out: dict[str, float] = defaultdict(float)
    for source, target, value in links:
        out[source] += value
        into[target] += value
    names = dict.fromkeys(name for link in links for name in link[:2])
    return {name: max(into[name], out[name]) for name in names}


def _labels(
    values: Mapping[str, float], layers: Mapping[str, int], width: float, unit: str
) -> tuple[dict[str, tuple[str, ...]], float]:
    """Name and value of every node in lines; and the distance of the layers."""
    last = max(layers.values())
    said = {name: f"{short(value, unit)} {pretty(unit)}" for name, value in values.items()}
    ends = [wrap(f"{n} {said[n]}", _LAST, 3) for n in values if layers[n] == last]
    column = max(text_width(line) for lines in ends for line in lines) + 10
    step = (width - NODE - column) / last
    labels = {}
    for name in values:
        room = column if layers[name] == last else step - NODE - 12
        both = f"{name} {said[name]}"
        fits = text_width(both) <= room
        labels[name] = (both,) if fits else (*wrap(name, room, 2), wrap(said[name], room, 1)[0])
    return labels, step


def _hops(index: int, link: Link, layers: Mapping[str, int]) -> Iterator[Hop]:
    first, last = layers[link[0]], layers[link[1]]
    yield link[0], first
    for layer in range(first + 1, last):
        yield f"\0{index}", layer  # no name of a node holds a null character
    yield link[1], last


def _hop_heights(
    links: Sequence[Link], hops: Sequence[Sequence[Hop]], values: Mapping[str, float]
) -> dict[Hop, float]:
    heights: dict[Hop, float] = {}
    for link, way in zip(links, hops, strict=True):
        for hop in way:
            heights[hop] = values.get(hop[0], link[2])
    return heights


def _columns(layers: Mapping[str, int], hops: Sequence[Sequence[Hop]]) -> list[list[Hop]]:
    columns: list[list[Hop]] = [[] for _ in range(max(layers.values()) + 1)]
    for hop in dict.fromkeys(hop for way in hops for hop in way):
        columns[hop[1]].append(hop)
    return columns


def _segments(
    links: Sequence[Link], hops: Sequence[Sequence[Hop]]
) -> dict[Hop, list[tuple[Hop, float]]]:
    """Neighbours of every hop with the value between them."""
    found: dict[Hop, list[tuple[Hop, float]]] = defaultdict(list)
    for link, way in zip(links, hops, strict=True):
        for a, b in pairwise(way):
            found[a].append((b, link[2]))
            found[b].append((a, link[2]))
    return found


def _settled(
    columns: Sequence[Sequence[Hop]],
    neighbours: Mapping[Hop, Sequence[tuple[Hop, float]]],
    sizes: Mapping[Hop, float],
    tall: float,
) -> dict[Hop, float]:
    """Centres after sweeps to and fro in which every hop moves towards its neighbours."""
    centres: dict[Hop, float] = {}
    for column in columns:
        top = (tall - math.fsum(sizes[hop] for hop in column)) / 2
        for hop in column:
            centres[hop] = top + sizes[hop] / 2
            top += sizes[hop]
    for sweep in range(_SWEEPS):
        forward = sweep % 2 == 0
        for column in columns[1:] if forward else columns[-2::-1]:
            wished = [_pull(hop, neighbours[hop], centres, -1 if forward else 1) for hop in column]
            placed = spread(wished, [sizes[hop] for hop in column], 0.0, tall)
            centres.update(zip(column, placed, strict=True))
    return centres


def _pull(
    hop: Hop, near: Sequence[tuple[Hop, float]], centres: Mapping[Hop, float], side: int
) -> float:
    """Mean height of the neighbours on one side, by value; its own where it has none."""
    there = [(centres[other], value) for other, value in near if other[1] - hop[1] == side]
    if not there:
        return centres[hop]
    return math.fsum(c * v for c, v in there) / math.fsum(v for _, v in there)


def _ribbons(
    links: Sequence[Link],
    hops: Sequence[Sequence[Hop]],
    places: Mapping[Hop, Place],
    scale: float,
) -> tuple[Ribbon, ...]:
    """Links leave and enter nodes side by side, in the order of where they come from or go."""
    leaving, entering = (
        _stacked(links, hops, places, scale, 0),
        _stacked(links, hops, places, scale, 1),
    )
    ribbons = []
    for i, (link, way) in enumerate(zip(links, hops, strict=True)):
        path = [(places[way[0]].x + NODE, leaving[i])]
        for hop in way[1:-1]:
            middle = places[hop].top + places[hop].height / 2
            path += [(places[hop].x, middle), (places[hop].x + NODE, middle)]
        path.append((places[way[-1]].x, entering[i]))
        ribbons.append(Ribbon(link, link[2] * scale, tuple(path)))
    return tuple(ribbons)


def _stacked(
    links: Sequence[Link],
    hops: Sequence[Sequence[Hop]],
    places: Mapping[Hop, Place],
    scale: float,
    end: int,
) -> dict[int, float]:
    """Middle of every link at its source (`end` 0) or target (1)."""
    here, there = (0, 1) if end == 0 else (-1, -2)
    at: dict[Hop, list[int]] = defaultdict(list)
    for i, way in enumerate(hops):
        at[way[here]].append(i)
    middles = {}
    for hop, members in at.items():
        members.sort(key=lambda i: places[hops[i][there]].top)
        used = math.fsum(links[i][2] for i in members) * scale
        top = places[hop].top + (places[hop].height - used) / 2
        for i in members:
            middles[i] = top + links[i][2] * scale / 2
            top += links[i][2] * scale
    return middles
