"""Words beside points, where they cover neither each other nor the points."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.drawing.look import INK, LINE, SMALL
from lamina.drawing.scene import text_width
from lamina.visualization.figure import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    Rectangle = tuple[float, float, float, float]  # left, bottom, right, top

_DOT, _NEAR, _STEP, _RINGS = 3.0, 5.0, 9.0, 14  # points of a 72th of an inch
_CELL = 60.0
# The directions in which a word may stand from its point, those that read best first.
_AROUND = [
    (math.cos(math.radians(angle)), math.sin(math.radians(angle)))
    for angle in (0, 180, 90, 270, 45, 135, 315, 225, 22, 158, 338, 202, 67, 113, 293, 247)
]


class _Taken:
    """Rectangles that are covered, by the cells of a grid that they touch."""

    def __init__(self) -> None:
        self._cells: dict[tuple[int, int], list[Rectangle]] = {}

    def _touched(self, box: Rectangle) -> Iterator[tuple[int, int]]:
        left, bottom, right, top = (math.floor(side / _CELL) for side in box)
        for column in range(left, right + 1):
            for row in range(bottom, top + 1):
                yield column, row

    def add(self, box: Rectangle) -> None:
        for cell in self._touched(box):
            self._cells.setdefault(cell, []).append(box)

    def overlap(self, box: Rectangle) -> float:
        """Return how much of a rectangle is covered already."""
        others = {other for cell in self._touched(box) for other in self._cells.get(cell, ())}
        return sum(
            max(0.0, min(box[2], other[2]) - max(box[0], other[0]))
            * max(0.0, min(box[3], other[3]) - max(box[1], other[1]))
            for other in others
        )


def place_labels(
    figure: Figure,
    axes: Any,
    points: NDArray[Any],
    words: Sequence[str],
    lines: Sequence[tuple[int, int]] = (),
    size: float = SMALL,
) -> list[Rectangle]:
    """Write each word beside its point, the earlier ones nearest; far ones get a line to it.

    Words also avoid the ``lines`` between pairs of points, where there is room. Returns the
    rectangles of the words, in 72ths of an inch from the page's left lower corner.
    """
    figure.draw_without_rendering()  # the axes' place on the page is known only then
    figure.set_layout_engine("none")  # and must not move any more
    if axes.name == "3d":
        points = _flat(axes, points)
    scale = 72.0 / figure.dpi
    places = [(x * scale, y * scale) for x, y in axes.transData.transform(points)]
    bounds = axes.get_window_extent()
    page = tuple(side * scale for side in (bounds.x0, bounds.y0, bounds.x1, bounds.y1))
    taken = _Taken()
    for x, y in places:
        taken.add((x - _DOT, y - _DOT, x + _DOT, y + _DOT))
    for start, end in lines:
        (left, low), (right, high) = places[start], places[end]
        steps = max(2, int(math.dist(places[start], places[end]) / 4))
        for step in range(steps):
            x, y = left + (right - left) * step / steps, low + (high - low) * step / steps
            taken.add((x - 1, y - 1, x + 1, y + 1))
    found = []
    for point, (x, y), word in zip(points, places, words, strict=True):
        width, height = text_width(word, size) + 2, size * 1.2
        box, far = _free_place(x, y, width, height, taken, page)
        taken.add(box)
        found.append(box)
        axes.annotate(
            plain(word),
            point,
            xytext=((box[0] + box[2]) / 2 - x, (box[1] + box[3]) / 2 - y),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=size,
            color=INK,
            arrowprops={"arrowstyle": "-", "color": LINE, "linewidth": 0.6, "shrinkA": 0,
                        "shrinkB": 2, "alpha": 0.7} if far else None,
        )  # fmt: skip
    return found


def _flat(axes: Any, points: NDArray[Any]) -> NDArray[Any]:
    """Return where points of three dimensions are seen on the page."""
    from mpl_toolkits.mplot3d.proj3d import proj_transform  # noqa: PLC0415 - an extra

    across, up, _ = proj_transform(*points.T, axes.get_proj())
    return np.column_stack([across, up])


def _free_place(
    x: float, y: float, width: float, height: float, taken: _Taken, page: Sequence[float]
) -> tuple[Rectangle, bool]:
    """Return the first place around a point that is free, else the least covered; if it is far."""
    best: tuple[float, Rectangle, bool] | None = None
    for ring in range(_RINGS):
        away = _NEAR + ring * _STEP
        for right, up in _AROUND:
            middle_x = x + right * away + max(-1, min(1, 1.5 * right)) * width / 2
            middle_y = y + up * away + max(-1, min(1, 1.5 * up)) * height / 2
            box = (
                middle_x - width / 2,
                middle_y - height / 2,
                middle_x + width / 2,
                middle_y + height / 2,
            )
            outside = (
                max(0.0, page[0] - box[0])
                + max(0.0, page[1] - box[1])
                + max(0.0, box[2] - page[2])
                + max(0.0, box[3] - page[3])
            )
            covered = taken.overlap(box) + outside * height
            if best is None or covered < best[0] - 1e-9:
                best = covered, box, ring > 0
            if covered == 0:
                return box, ring > 0
    assert best is not None  # noqa: S101 - there is a ring
    return best[1], best[2]
