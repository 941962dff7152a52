"""Diagrams of boxes and arrows: what they say, how big that is, and the scene it makes."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lamina.drawing.layout import layout
from lamina.drawing.look import INK, LINE, MUTED, SMALL, TEXT, TITLE, tint
from lamina.drawing.scene import Path, Rectangle, Scene, Words, arrow_head, shortened, text_width

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lamina.drawing.scene import Point, Shape

_PAD, _LINE_SPACE, _STRIPE = 10.0, 1.45, 5.0
_MARGIN = 12.0
_ARROW = 7.0


@dataclass(frozen=True)
class Box:
    """A title, a line about its kind, and a table of facts; perhaps a diagram within."""

    title: str
    kind: str
    color: str
    facts: tuple[tuple[str, str], ...] = ()
    inside: Diagram | None = None


@dataclass(frozen=True)
class Diagram:
    """Boxes, and edges between them as pairs of their numbers, without a circle."""

    boxes: list[Box] = field(default_factory=list)
    edges: list[tuple[int, int]] = field(default_factory=list)

    def scene(self, direction: str = "TB") -> Scene:
        """Return the shapes of the whole diagram, the edges going in ``direction``."""
        inner = [box.inside.scene(direction) if box.inside else None for box in self.boxes]
        lines = [_lines(box) for box in self.boxes]
        sizes = [
            _size(box, text, within)
            for box, text, within in zip(self.boxes, lines, inner, strict=True)
        ]
        placed = layout(sizes, self.edges, direction)
        shapes: list[Shape] = []
        for route in placed.routes:
            shapes += _arrow([(x + _MARGIN, y + _MARGIN) for x, y in route], direction)
        for box, text, within, size, (x, y) in zip(
            self.boxes, lines, inner, sizes, placed.corners, strict=True
        ):
            corner = (x + _MARGIN, y + _MARGIN)
            shapes += _frame(box, within, size, corner) if within else _box(box, text, size, corner)
        return Scene(placed.width + 2 * _MARGIN, placed.height + 2 * _MARGIN, tuple(shapes))


@dataclass(frozen=True)
class _Line:
    """A line of text in a box: in its middle, or a name and what it is, left-aligned."""

    text: str
    size: float
    color: str = INK
    bold: bool = False
    name: str | None = None


def _lines(box: Box) -> list[_Line]:
    lines = [_Line(shortened(box.title), TITLE, bold=True)]
    if box.kind:
        lines.append(_Line(shortened(box.kind), TEXT, MUTED))
    return lines + [_Line(shortened(said, 60), SMALL, name=name) for name, said in box.facts]


def _name_width(lines: list[_Line]) -> float:
    names = [text_width(line.name, line.size) + 8 for line in lines if line.name is not None]
    return max(names, default=0.0)


def _size(box: Box, lines: list[_Line], within: Scene | None) -> tuple[float, float]:
    names = _name_width(lines)
    width = max(
        text_width(line.text, line.size, line.bold) + (names if line.name is not None else 0.0)
        for line in lines
    )
    height = sum(line.size for line in lines) * _LINE_SPACE
    if within:
        title = lines[0].size * _LINE_SPACE
        caption = sum(text_width(line.text, line.size, line.bold) for line in lines[:2])
        return max(caption + 3 * _PAD, within.width), within.height + title + _PAD / 2
    height += 2 * _PAD - 4 + (6.0 if box.facts else 0.0)
    return max(width + 2 * _PAD + _STRIPE, 84.0), height


def _box(box: Box, lines: list[_Line], size: tuple[float, float], corner: Point) -> Iterator[Shape]:
    """Yield a box: a tinted ground, a stripe in its colour, its lines."""
    (width, height), (x, y) = size, corner
    yield Rectangle(x, y, width, height, tint(box.color), box.color, 5.0)
    yield Rectangle(x, y, _STRIPE, height, box.color, None, 2.5)
    left, middle = x + _STRIPE + _PAD, x + (width + _STRIPE) / 2
    names = _name_width(lines)
    baseline = y + _PAD - 4
    ruled = False
    for line in lines:
        if line.name is not None and not ruled:
            ruled = True
            rule = baseline + 6.0
            end = (x + width - _PAD / 2, rule)
            yield Path((left - _PAD / 2, rule), ((end,),), tint(box.color, 0.5), 1.0)
            baseline += 7.0
        baseline += line.size * _LINE_SPACE
        if line.name is None:
            yield Words(middle, baseline - 2, line.text, line.size, line.color, line.bold, "middle")
        else:
            yield Words(left, baseline - 2, line.name, line.size, MUTED)
            yield Words(left + names, baseline - 2, line.text, line.size, line.color)


def _frame(box: Box, within: Scene, size: tuple[float, float], corner: Point) -> Iterator[Shape]:
    """Yield a frame around a diagram, its title in the left upper corner."""
    (width, height), (x, y) = size, corner
    title = shortened(box.title)
    yield Rectangle(x, y, width, height, tint(box.color, 0.05), box.color, 7.0, dashed=True)
    baseline = y + TITLE * _LINE_SPACE - 1
    yield Words(x + _PAD, baseline, title, TITLE, INK, bold=True)
    after = x + _PAD + text_width(title, TITLE, bold=True) + 8
    yield Words(after, baseline, shortened(box.kind), TEXT, MUTED)
    dx, dy = x + (width - within.width) / 2, y + height - within.height
    yield from (_moved(shape, dx, dy) for shape in within.shapes)


def _moved(shape: Shape, dx: float, dy: float) -> Shape:
    if isinstance(shape, Path):
        start = (shape.start[0] + dx, shape.start[1] + dy)
        pieces = tuple(tuple((x + dx, y + dy) for x, y in piece) for piece in shape.pieces)
        return Path(start, pieces, shape.stroke, shape.width, shape.fill, shape.dashed)
    if isinstance(shape, Rectangle):
        return Rectangle(
            shape.x + dx,
            shape.y + dy,
            shape.width,
            shape.height,
            shape.fill,
            shape.stroke,
            shape.radius,
            shape.dashed,
        )
    return Words(
        shape.x + dx, shape.y + dy, shape.text, shape.size, shape.color, shape.bold, shape.anchor
    )


_FORWARD = {"TB": (0.0, 1.0), "BT": (0.0, -1.0), "LR": (1.0, 0.0), "RL": (-1.0, 0.0)}


def _arrow(route: list[Point], direction: str) -> list[Shape]:
    """Return a line along a route, curved between layers, and the head at its end."""
    dx, dy = _FORWARD[direction]
    tip = route[-1]
    end = (tip[0] - dx * (_ARROW - 1), tip[1] - dy * (_ARROW - 1))  # the head covers the rest
    pieces: list[tuple[Point, ...]] = []
    for number, (here, there) in enumerate(itertools.pairwise(route)):
        last = number == len(route) - 2
        if last or (number == len(route) - 3 and math.dist(there, tip) < _ARROW):
            there = end  # noqa: PLW2901
        straight = math.isclose(here[0] * dy + here[1] * dx, there[0] * dy + there[1] * dx)
        if number % 2 == 0 or straight:
            pieces.append((there,))
            continue
        half = abs((there[0] - here[0]) * dx + (there[1] - here[1]) * dy) / 2
        pulls = (
            (here[0] + dx * half, here[1] + dy * half),
            (there[0] - dx * half, there[1] - dy * half),
        )
        pieces.append((*pulls, there))
    return [Path(route[0], tuple(pieces)), arrow_head(tip, (dx, dy), LINE, _ARROW)]
