"""Scenes painted by matplotlib, for the formats that are not text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamina.drawing.scene import Path, Rectangle
from lamina.visualization.figure import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lamina.drawing.scene import Scene, Words

_POINTS = 96.0  # CSS pixels in an inch: what a scene's lengths are
_SIZE = 72.0 / _POINTS  # matplotlib's points in one of them


def painted(scene: Scene) -> Figure:
    """Return a figure of a scene's size with its shapes."""
    figure = new_figure(scene.width / _POINTS, scene.height / _POINTS, layout=None)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, scene.width)
    axes.set_ylim(scene.height, 0)
    axes.set_axis_off()
    for order, shape in enumerate(scene.shapes):
        if isinstance(shape, Rectangle):
            _rectangle(axes, shape, order)
        elif isinstance(shape, Path):
            _path(axes, shape, order)
        else:
            _words(axes, shape, order)
    return figure


def _paint(shape: Rectangle | Path, width: float, order: int) -> dict[str, Any]:
    return {
        "facecolor": shape.fill or "none",
        "edgecolor": shape.stroke or "none",
        "linewidth": width * _SIZE if shape.stroke else 0.0,
        "linestyle": (0, (5, 4)) if shape.dashed else "solid",
        "zorder": order + 1,
    }


def _rectangle(axes: Any, shape: Rectangle, order: int) -> None:
    from matplotlib.patches import FancyBboxPatch  # noqa: PLC0415 - an extra

    style = f"round,pad=0,rounding_size={shape.radius}" if shape.radius else "square,pad=0"
    corner = (shape.x, shape.y)
    paint = _paint(shape, 1.2, order)
    axes.add_patch(FancyBboxPatch(corner, shape.width, shape.height, boxstyle=style, **paint))


def _path(axes: Any, shape: Path, order: int) -> None:
    from matplotlib.patches import PathPatch  # noqa: PLC0415 - an extra
    from matplotlib.path import Path as Outline  # noqa: PLC0415

    points, codes = [shape.start], [Outline.MOVETO]
    for piece in shape.pieces:
        points += piece
        codes += [Outline.CURVE4] * 3 if len(piece) > 1 else [Outline.LINETO]
    paint = _paint(shape, shape.width, order)
    axes.add_patch(PathPatch(Outline(points, codes), capstyle="butt", **paint))


def _words(axes: Any, shape: Words, order: int) -> None:
    axes.text(
        shape.x,
        shape.y,
        shape.text,
        fontsize=shape.size * _SIZE,
        color=shape.color,
        weight="bold" if shape.bold else "normal",
        ha={"start": "left", "middle": "center", "end": "right"}[shape.anchor],
        va="baseline",
        parse_math=False,
        zorder=order + 1,
    )
