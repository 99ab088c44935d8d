"""Where the boxes and lines of a drawing go: layers from left to right, each box behind all that lead to it.

An edge over several layers gets a place of its own in those between, so that it passes no box. The order within a layer
is found by barycentres (Sugiyama, Tagawa and Toda 1981); the heights are the least squares from the neighbours' that
keep this order (pool adjacent violators).
"""

from __future__ import annotations

__all__ = ["Box", "Layout", "lay_out"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import fmean

_SWEEPS = 8


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle: its left edge `x`, the height `y` of its middle, its `width` and `height`."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Layout:
    """`boxes` by the name of the node; for each edge the (x, y) points that it goes through, two at each column: where
    it enters and where it leaves. All lies between 0 and `width`, 0 and `height`."""

    boxes: Mapping[str, Box]
    paths: Sequence[Sequence[tuple[float, float]]]
    width: float
    height: float


@dataclass(slots=True)
class _Place:
    """A box, or where an edge passes a layer, which has no size."""

    layer: int
    width: float
    height: float
    y: float = 0.0
    left: list[_Place] = field(default_factory=list)
    right: list[_Place] = field(default_factory=list)


def lay_out(
    sizes: Mapping[str, tuple[float, float]], edges: Sequence[tuple[str, str]], gap: tuple[float, float]
) -> Layout:
    """Place boxes of these (width, height), with a `gap` between columns and between rows; all of a column are as wide
    as the widest. Edges lead to boxes of
    `sizes`; of a circle of them, the one that closes it is drawn backwards."""
    layers = _layers(list(sizes), edges)
    places = {name: _Place(layers[name], *size) for name, size in sizes.items()}
    ways = [_way(places, source, target) for source, target in edges]
    passing = [place for way in ways for place in way[1:-1]]
    columns: list[list[_Place]] = [[] for _ in range(max(layers.values(), default=-1) + 1)]
    for place in (*places.values(), *passing):
        columns[place.layer].append(place)
    _arrange(columns, gap[1])
    widths = [max(place.width for place in column) for column in columns]
    lefts = [sum(widths[:i]) + i * gap[0] for i in range(len(widths))]
    top = min((place.y - place.height / 2 for column in columns for place in column), default=0.0)
    bottom = max((place.y + place.height / 2 for column in columns for place in column), default=0.0)
    for column in columns:
        for place in column:
            place.y -= top
    boxes = {
        name: Box(lefts[place.layer], place.y, widths[place.layer], place.height) for name, place in places.items()
    }
    paths = [_points(way, lefts, widths) for way in ways]
    return Layout(boxes, paths, sum(widths) + gap[0] * max(0, len(widths) - 1), bottom - top)


def _layers(names: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """The longest way to each node."""
    layers = dict.fromkeys(names, 0)
    waiting = dict.fromkeys(names, 0)
    for _, target in edges:
        waiting[target] += 1
    onward: dict[str, list[str]] = {name: [] for name in names}
    for source, target in edges:
        onward[source].append(target)
    ready, done = [name for name in names if not waiting[name]], set[str]()
    while len(done) < len(names):
        if not ready:  # a circle: begin with its first
            ready.append(next(name for name in names if name not in done))
        name = ready.pop()
        done.add(name)
        for target in onward[name]:
            waiting[target] -= 1
            if target not in done:
                layers[target] = max(layers[target], layers[name] + 1)
                if not waiting[target]:
                    ready.append(target)
    return layers


def _way(places: Mapping[str, _Place], source: str, target: str) -> list[_Place]:
    """The places of an edge: its ends, and one in each layer between."""
    first, last = places[source], places[target]
    between = [_Place(layer, 0.0, 0.0) for layer in range(first.layer + 1, last.layer)]
    way = [first, *between, last]
    if first.layer < last.layer:
        for before, after in pairwise(way):
            before.right.append(after)
            after.left.append(before)
    return way


def _arrange(columns: Sequence[list[_Place]], gap: float) -> None:
    """Order each column and give its places their heights, by going to and fro: each is drawn to its neighbours."""
    for column in columns:
        _spread(column, [0.0] * len(column), gap)
    for sweep in range(_SWEEPS):
        forward = sweep % 2 == 0
        for column in columns if forward else columns[::-1]:
            wanted = {id(place): _wanted(place.left if forward else place.right, place.y) for place in column}
            column.sort(key=lambda place: wanted[id(place)])
            _spread(column, [wanted[id(place)] for place in column], gap)
    for sweep in range(_SWEEPS):  # the order is settled: now the heights, from both sides
        for column in columns if sweep % 2 else columns[::-1]:
            _spread(column, [_wanted([*place.left, *place.right], place.y) for place in column], gap)


def _wanted(near: Sequence[_Place], now: float) -> float:
    return fmean(other.y for other in near) if near else now


def _spread(column: Sequence[_Place], wanted: Sequence[float], gap: float) -> None:
    """The heights nearest to those wanted that keep the order and the gaps."""
    offsets, reach = [], 0.0
    for i, place in enumerate(column):
        if i:
            above = column[i - 1]
            between = gap if above.height or place.height else gap / 2
            reach += (above.height + place.height) / 2 + between
        offsets.append(reach)
    blocks: list[tuple[float, int]] = []  # (mean, how many)
    for want, offset in zip(wanted, offsets, strict=True):
        mean, many = want - offset, 1
        while blocks and blocks[-1][0] > mean:
            before, count = blocks.pop()
            mean, many = (before * count + mean * many) / (count + many), count + many
        blocks.append((mean, many))
    heights = [mean for mean, many in blocks for _ in range(many)]
    for place, height, offset in zip(column, heights, offsets, strict=True):
        place.y = height + offset


def _points(way: Sequence[_Place], lefts: Sequence[float], widths: Sequence[float]) -> list[tuple[float, float]]:
    """Out of the right of the first box, straight through the columns between, into the left of the last."""
    points = [(lefts[way[0].layer] + widths[way[0].layer], way[0].y)]
    for place in way[1:-1]:
        points += [(lefts[place.layer], place.y), (lefts[place.layer] + widths[place.layer], place.y)]
    return [*points, (lefts[way[-1].layer], way[-1].y)]
