"""Where the boxes and the edges of a graph go: pure geometry, the same every time.

In four steps, after Sugiyama, Tagawa and Toda (1981): every box gets a layer, such that edges go
from a lower to a higher one; long edges get a bend in each layer that they pass; the order within
layers is changed until few edges cross; then each box moves towards its neighbours.

``across`` runs along a layer and ``along`` runs from layer to layer: x and y where a picture is
read downwards, y and x where it is read to the right.
"""

from __future__ import annotations

import bisect
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lamina.drawing.order import Layers, ordered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamina.drawing.scene import Point

DIRECTIONS = ("TB", "BT", "LR", "RL")

_BOX_GAP, _BEND_GAP = 26.0, 14.0  # between neighbours in a layer
_LAYER_GAP, _WIDEST_LAYER_GAP = 30.0, 84.0
_ARROW_GAP = 16.0  # between the tips of arrows at one box
_SWEEPS = 12
_STRAIGHTENINGS, _ROUNDING = 4, 1e-6
_STRAIGHT = 6.0  # how much more than a box a bend wants to be in line with its neighbours


@dataclass(frozen=True)
class Layout:
    """Where everything is.

    ``corners`` are the left upper corners of the boxes. A route has an even number of points: from
    the first to the second of each two it is straight and passes a layer, from there to the next
    two it runs between layers and may be curved.
    """

    width: float
    height: float
    corners: list[Point]
    routes: list[list[Point]]


def layout(
    sizes: Sequence[tuple[float, float]],
    edges: Sequence[tuple[int, int]],
    direction: str = "TB",
) -> Layout:
    """Place boxes of these widths and heights, and route the edges (source, target) between them.

    ``direction`` is that of the edges: ``"TB"`` from top to bottom, ``"LR"`` from left to right,
    ``"BT"``, ``"RL"``. Edges that share a source share the bends that they have in common.

    Raises:
        ValueError: if edges form a circle, or the direction is unknown.

    """
    if direction not in DIRECTIONS:
        raise ValueError(f"rankdir {direction!r} is none of {', '.join(DIRECTIONS)}")
    sideways = direction in ("LR", "RL")
    spans = [(height, width) if sideways else (width, height) for width, height in sizes]
    layers = ordered(Layers(len(sizes), edges))
    across = _places_across(layers, [span for span, _ in spans])
    starts, depths = _places_along(layers, [depth for _, depth in spans], across)
    total = starts[-1] + depths[-1] if depths else 0.0

    def turned(point: Point) -> Point:
        along = total - point[1] if direction in ("BT", "RL") else point[1]
        return (along, point[0]) if sideways else (point[0], along)

    routes = _routes(layers, spans, across, starts, depths)
    corners = []
    for box, (span, depth) in enumerate(spans):
        layer = layers.layer_of[box]
        middle = turned((across[box], starts[layer] + depths[layer] / 2))
        width, height = (depth, span) if sideways else (span, depth)
        corners.append((middle[0] - width / 2, middle[1] - height / 2))
    breadth = max(
        (across[v] + (spans[v][0] / 2 if v < len(spans) else 0.0) for v in range(len(across))),
        default=0.0,
    )
    width, height = (total, breadth) if sideways else (breadth, total)
    return Layout(width, height, corners, [[turned(point) for point in route] for route in routes])


def _gaps(layers: Layers, row: Sequence[int], spans: Sequence[float]) -> list[float]:
    """Return how far apart the middles of neighbours in a layer must be at least."""
    gaps = []
    for left, right in itertools.pairwise(row):
        bends = layers.is_bend(left) and layers.is_bend(right)
        half = sum(0.0 if layers.is_bend(each) else spans[each] / 2 for each in (left, right))
        gaps.append(half + (_BEND_GAP if bends else _BOX_GAP))
    return gaps


def _places_across(layers: Layers, spans: Sequence[float]) -> list[float]:
    """Return the middle of each vertex: near the mean of its neighbours, none over another."""
    across = [0.0] * len(layers.layer_of)
    gaps = [_gaps(layers, row, spans) for row in layers.rows]
    for row, apart in zip(layers.rows, gaps, strict=True):
        for left, right, gap in zip(row, row[1:], apart, strict=False):
            across[right] = across[left] + gap
    count = len(layers.rows)
    for _ in range(_SWEEPS):
        for number in range(count):
            _settle(layers, layers.rows[number], gaps[number], across, [layers.above])
        for number in reversed(range(count)):
            _settle(layers, layers.rows[number], gaps[number], across, [layers.below])
    both_ways = [*range(count), *reversed(range(count))]
    for _ in range(_SWEEPS // 3):
        for number in both_ways:
            sides = [layers.above, layers.below]
            _settle(layers, layers.rows[number], gaps[number], across, sides)
    _straighten(layers, gaps, across)
    ends = [x - (0.0 if layers.is_bend(v) else spans[v] / 2) for v, x in enumerate(across)]
    farthest = min(ends, default=0.0)
    return [x - farthest for x in across]


def _settle(
    layers: Layers,
    row: Sequence[int],
    gaps: Sequence[float],
    across: list[float],
    sides: Sequence[list[list[int]]],
) -> None:
    """Move one layer as near as can be to the mean of its neighbours in others."""
    wanted, weights = [], []
    for vertex in row:
        pulls = [
            (across[each], _STRAIGHT if layers.is_bend(vertex) or layers.is_bend(each) else 1.0)
            for side in sides
            for each in side[vertex]
        ]
        weight = sum(pull for _, pull in pulls)
        mean = sum(place * pull for place, pull in pulls) / weight if pulls else across[vertex]
        wanted.append(mean)
        weights.append(weight or 0.1)
    for vertex, place in zip(row, spaced(wanted, weights, gaps), strict=True):
        across[vertex] = place


def spaced(wanted: Sequence[float], weights: Sequence[float], gaps: Sequence[float]) -> list[float]:
    """Return the places in this order, at least ``gaps`` apart, that are nearest to those wanted.

    Minimises ``sum weight (place - wanted) ** 2``: neighbours that are too near become one block,
    which goes where its members want on average (isotonic regression by pooling).
    """
    offsets = [0.0]
    for gap in gaps:
        offsets.append(offsets[-1] + gap)
    blocks: list[list[float]] = []  # the mean of a block, its weight, the number of its members
    for want, weight, offset in zip(wanted, weights, offsets, strict=False):
        mean, members = want - offset, 1.0
        while blocks and blocks[-1][0] >= mean:
            earlier, heft, more = blocks.pop()
            mean = (mean * weight + earlier * heft) / (weight + heft)
            weight, members = weight + heft, members + more  # noqa: PLW2901
        blocks.append([mean, weight, members])
    places = [mean for mean, _, members in blocks for _ in range(int(members))]
    return [place + offset for place, offset in zip(places, offsets, strict=False)]


def _straighten(layers: Layers, gaps: Sequence[Sequence[float]], across: list[float]) -> None:
    """Put chains, in which each has one neighbour above and below, in line where there is room.

    A chain goes to the mean of the neighbours at its two ends.
    """
    place_in_row = {v: place for row in layers.rows for place, v in enumerate(row)}

    def room(vertex: int) -> tuple[float, float]:
        row, apart = layers.rows[layers.layer_of[vertex]], gaps[layers.layer_of[vertex]]
        place = place_in_row[vertex]
        low = across[row[place - 1]] + apart[place - 1] if place else float("-inf")
        high = float("inf")
        if place + 1 < len(row):
            high = across[row[place + 1]] - apart[place]
        return low, high

    chains = list(layers.chains())
    for _ in range(_STRAIGHTENINGS):  # a chain that moves makes room for another
        for chain in chains:
            rooms = [room(vertex) for vertex in chain]
            low, high = max(low for low, _ in rooms), min(high for _, high in rooms)
            if low <= high + _ROUNDING:
                ends = [*layers.above[chain[0]], *layers.below[chain[-1]]] or chain
                mean = sum(across[vertex] for vertex in ends) / len(ends)
                for vertex in chain:
                    across[vertex] = min(max(mean, low), high)


def _places_along(
    layers: Layers, depths: Sequence[float], across: Sequence[float]
) -> tuple[list[float], list[float]]:
    """Return where each layer starts and how deep it is; wide curves get more room."""
    starts: list[float] = []
    found: list[float] = []
    along = 0.0
    for row in layers.rows:
        starts.append(along)
        found.append(max((depths[v] for v in row if not layers.is_bend(v)), default=0.0))
        widest = max(
            (abs(across[v] - across[w]) for v in row for w in layers.below[v]), default=0.0
        )
        along += found[-1] + min(_LAYER_GAP + 0.1 * widest, _WIDEST_LAYER_GAP)
    return starts, found


def _routes(
    layers: Layers,
    spans: Sequence[tuple[float, float]],
    across: Sequence[float],
    starts: Sequence[float],
    depths: Sequence[float],
) -> list[list[Point]]:
    """Return the points of each edge."""
    tips: dict[int, list[tuple[float, int]]] = {}  # for each box, where its edges come from
    for number, path in enumerate(layers.paths):
        bisect.insort(tips.setdefault(path[-1], []), (across[path[-2]], number))
    routes = []
    for number, path in enumerate(layers.paths):
        target = path[-1]
        arriving = [other for _, other in tips[target]]
        gap = min(_ARROW_GAP, 0.8 * spans[target][0] / len(arriving))
        tip = across[target] + gap * (arriving.index(number) - (len(arriving) - 1) / 2)
        points = []
        for vertex in path:
            layer = layers.layer_of[vertex]
            start, end, place = starts[layer], starts[layer] + depths[layer], across[vertex]
            spare = 0.0 if layers.is_bend(vertex) else (depths[layer] - spans[vertex][1]) / 2
            if vertex == path[0]:
                points += [(place, end - spare), (place, end)]
            elif vertex == target:
                points += [(tip, start), (tip, start + spare)]
            else:
                points += [(place, start), (place, end)]
        routes.append(points)
    return routes
