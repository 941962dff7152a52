"""Layers of a graph, and an order within them in which few edges cross."""

from __future__ import annotations

import bisect
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ROUNDS, _EXCHANGES = 24, 8
_MANY = 5_000  # so many vertices are put in order in fewer rounds


class Layers:
    """A graph whose edges all go from a layer to the next.

    Vertices 0 to ``boxes - 1`` are the boxes. Those after them are bends, where an edge passes a
    layer on its way to a later one; edges that share a source share their bends, so that a
    tensor that many use is one line for as long as it can be. ``paths`` has the vertices that each
    edge goes by, ``rows`` the vertices of each layer from left to right.
    """

    def __init__(self, boxes: int, edges: Sequence[tuple[int, int]]) -> None:
        self.boxes = boxes
        self.layer_of = _longest_paths(boxes, edges)
        self.above: list[list[int]] = [[] for _ in range(boxes)]
        self.below: list[list[int]] = [[] for _ in range(boxes)]
        self.paths: list[list[int]] = []
        bends: dict[tuple[int, int], int] = {}
        for source, target in edges:
            path = [source]
            for layer in range(self.layer_of[source] + 1, self.layer_of[target]):
                if (source, layer) not in bends:
                    bends[source, layer] = len(self.layer_of)
                    self.layer_of.append(layer)
                    self.above.append([])
                    self.below.append([])
                    self._join(path[-1], bends[source, layer])
                path.append(bends[source, layer])
            self._join(path[-1], target)
            self.paths.append([*path, target])
        self.rows = self._first_rows()

    def _join(self, upper: int, lower: int) -> None:
        if lower not in self.below[upper]:
            self.below[upper].append(lower)
            self.above[lower].append(upper)

    def is_bend(self, vertex: int) -> bool:
        """Return whether a vertex is no box."""
        return vertex >= self.boxes

    def _first_rows(self) -> list[list[int]]:
        """Put the vertices in the order in which a walk down from each source meets them."""
        rows: list[list[int]] = [[] for _ in range(max(self.layer_of, default=-1) + 1)]
        met: set[int] = set()
        for start in range(self.boxes):
            stack = [start] if not self.above[start] else []
            while stack:
                vertex = stack.pop()
                if vertex in met:
                    continue
                met.add(vertex)
                rows[self.layer_of[vertex]].append(vertex)
                stack.extend(reversed(self.below[vertex]))
        return rows

    def chains(self) -> Iterator[list[int]]:
        """Yield the longest lines of vertices that have no other neighbours on the way.

        Every vertex is in one, perhaps alone.
        """
        only = {
            vertex: below[0]
            for vertex, below in enumerate(self.below)
            if len(below) == 1 and len(self.above[below[0]]) == 1
        }
        for start in sorted(set(range(len(self.below))) - set(only.values())):
            chain = [start]
            while chain[-1] in only:
                chain.append(only[chain[-1]])
            yield chain

    def crossings(self) -> int:
        """Return how often two edges between neighbouring layers cross."""
        return sum(
            self._crossings(upper, lower)
            for upper, lower in zip(self.rows, self.rows[1:], strict=False)
        )

    def _crossings(self, upper: Sequence[int], lower: Sequence[int]) -> int:
        places = {vertex: place for place, vertex in enumerate(lower)}
        ends: list[int] = []
        count = 0
        for vertex in upper:
            own = sorted(places[each] for each in self.below[vertex])
            count += sum(len(ends) - bisect.bisect_right(ends, place) for place in own)
            for place in own:
                bisect.insort(ends, place)
        return count


def _longest_paths(boxes: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """Return for each box how many edges lie at most between it and a source.

    A source that only later layers use goes down to them.
    """
    targets: list[list[int]] = [[] for _ in range(boxes)]
    waiting = [0] * boxes
    for source, target in edges:
        targets[source].append(target)
        waiting[target] += 1
    layer_of = [0] * boxes
    sources = [box for box in range(boxes) if not waiting[box]]
    ready = list(sources)
    for box in ready:
        for target in targets[box]:
            layer_of[target] = max(layer_of[target], layer_of[box] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    if len(ready) < boxes:
        circle = next(box for box in range(boxes) if waiting[box])
        raise ValueError(f"a layered layout needs edges without a circle; box {circle} is in one")
    for box in sources:
        layer_of[box] = min((layer_of[target] for target in targets[box]), default=1) - 1
    return layer_of


def ordered(layers: Layers) -> Layers:
    """Change the order within the layers until few edges cross.

    A round goes down or up: each layer is sorted by the mean place of the neighbours that were
    passed before (the barycentre; every other time round, equal ones change places), then
    neighbours change places for as long as that helps.
    """
    best, fewest = [list(row) for row in layers.rows], layers.crossings()
    count = len(layers.rows)
    for number in range(_ROUNDS if len(layers.layer_of) < _MANY else 4):
        if not fewest:
            break
        turn = -1 if number // 2 % 2 else 1
        if number % 2 == 0:
            for row in range(1, count):
                _sort(layers.rows, row, row - 1, layers.above, turn)
        else:
            for row in reversed(range(count - 1)):
                _sort(layers.rows, row, row + 1, layers.below, turn)
        for _ in range(_EXCHANGES):
            if not sum(_exchange(layers, row) for row in range(count)):
                break
        crossings = layers.crossings()
        if crossings < fewest:
            best, fewest = [list(row) for row in layers.rows], crossings
    layers.rows = best
    return layers


def _sort(
    rows: list[list[int]], number: int, other: int, sides: list[list[int]], turn: int
) -> None:
    places = {vertex: float(place) for place, vertex in enumerate(rows[other])}
    scale = len(rows[other]) / max(len(rows[number]), 1)

    def barycentre(item: tuple[int, int]) -> tuple[float, int]:
        place, vertex = item
        near = [places[each] for each in sides[vertex] if each in places]
        return sum(near) / len(near) if near else place * scale, turn * place

    rows[number] = [vertex for _, vertex in sorted(enumerate(rows[number]), key=barycentre)]


def _exchange(layers: Layers, number: int) -> bool:
    """Let neighbours in a layer change places where fewer of their edges cross then."""
    row = layers.rows[number]
    beside = [
        (sides, {vertex: place for place, vertex in enumerate(layers.rows[other])})
        for other, sides in ((number - 1, layers.above), (number + 1, layers.below))
        if 0 <= other < len(layers.rows)
    ]
    changed = False
    for place in range(len(row) - 1):
        left, right = row[place], row[place + 1]
        gain = sum(
            (places[one] > places[other]) - (places[one] < places[other])
            for sides, places in beside
            for one in sides[left]
            for other in sides[right]
        )
        if gain > 0:
            row[place], row[place + 1] = right, left
            changed = True
    return changed
