"""Puts labels and boxes along a line so that none covers another, each near where it belongs."""

from __future__ import annotations

from collections.abc import Sequence


def spread(
    centres: Sequence[float], sizes: Sequence[float], low: float, high: float
) -> list[float]:
    """Centres moved so that intervals of `sizes` do not overlap, within [low, high] if they fit.

    Keeps the order of `centres`; neighbours that collide are moved together, to their mean.
    """
    order = sorted(range(len(centres)), key=lambda i: (centres[i], i))
    blocks: list[tuple[float, float, list[int]]] = []  # top, size, members
    for i in order:
        blocks.append((_inside(centres[i] - sizes[i] / 2, sizes[i], low, high), sizes[i], [i]))
        while len(blocks) > 1 and blocks[-2][0] + blocks[-2][1] > blocks[-1][0]:
            below, above = blocks.pop(), blocks.pop()
            members = above[2] + below[2]
            size = above[1] + below[1]
            blocks.append((_inside(_best(members, centres, sizes), size, low, high), size, members))
    placed = [0.0] * len(centres)
    for top, _, members in blocks:
        for i in members:
            placed[i] = top + sizes[i] / 2
            top += sizes[i]
    return placed


def _best(members: Sequence[int], centres: Sequence[float], sizes: Sequence[float]) -> float:
    """Top of a block of touching members that is nearest to where they all want to be."""
    wished, before = 0.0, 0.0
    for i in members:
        wished += centres[i] - sizes[i] / 2 - before
        before += sizes[i]
    return wished / len(members)


def _inside(top: float, size: float, low: float, high: float) -> float:
    return max(min(top, high - size), low)
