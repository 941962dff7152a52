"""Shapes with their places: what SVG is written from, and what matplotlib paints.

Lengths are in points (CSS pixels in SVG); y grows downwards.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Literal, TypeAlias

from lamina.drawing.look import INK, LINE

Point: TypeAlias = "tuple[float, float]"


@dataclass(frozen=True)
class Rectangle:
    """A box with its left upper corner at x, y; ``stroke`` is None if it has no border."""

    x: float
    y: float
    width: float
    height: float
    fill: str | None
    stroke: str | None = None
    radius: float = 0.0
    dashed: bool = False


@dataclass(frozen=True)
class Path:
    """A line of pieces, from ``start``: one point is a straight piece's end, three are a curve's.

    A curve is cubic: two points that pull it, and its end.
    """

    start: Point
    pieces: tuple[tuple[Point, ...], ...]
    stroke: str | None = LINE
    width: float = 1.4
    fill: str | None = None
    dashed: bool = False


@dataclass(frozen=True)
class Words:
    """A line of text whose baseline starts, has its middle, or ends at x, y."""

    x: float
    y: float
    text: str
    size: float
    color: str = INK
    bold: bool = False
    anchor: Literal["start", "middle", "end"] = "start"


Shape: TypeAlias = "Rectangle | Path | Words"


@dataclass(frozen=True)
class Scene:
    """Shapes, each painted over those before it, on a sheet of this size."""

    width: float
    height: float
    shapes: tuple[Shape, ...]


def arrow_head(tip: Point, direction: Point, color: str = LINE, size: float = 6.0) -> Path:
    """Return a filled triangle that points to ``tip`` along ``direction``, of length one."""
    (x, y), (dx, dy) = tip, direction
    left = (x - size * dx - 0.5 * size * dy, y - size * dy + 0.5 * size * dx)
    right = (x - size * dx + 0.5 * size * dy, y - size * dy - 0.5 * size * dx)
    return Path(tip, ((left,), (right,), (tip,)), stroke=None, fill=color)


# The widths of ASCII's printable characters in DejaVu Sans, in hundredths of its size.
_WIDTHS = (
    32, 40, 46, 84, 64, 95, 78, 27, 39, 39, 50, 84, 32, 36, 32, 34, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 34, 34, 84, 84, 84, 53, 100, 68, 69, 70, 77, 63, 58, 77, 75, 29, 29, 66, 56, 86,
    75, 79, 60, 79, 69, 63, 61, 73, 68, 99, 69, 61, 69, 39, 34, 39, 84, 50, 50, 61, 63, 55, 63,
    62, 35, 63, 63, 28, 28, 58, 28, 97, 63, 61, 63, 63, 41, 52, 39, 63, 59, 82, 59, 59, 52, 64,
    34, 64, 84,
)  # fmt: skip
_BOLD = 1.13  # a bold text's width, in widths of the same text that is not


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Return about how wide a line of text is."""
    hundredths = 0
    for character in text:
        place = ord(character) - 32
        if 0 <= place < len(_WIDTHS):
            hundredths += _WIDTHS[place]
        elif not unicodedata.combining(character):
            hundredths += 100 if unicodedata.east_asian_width(character) in "WF" else 66
    return hundredths * size * (_BOLD if bold else 1.0) / 100


def shortened(text: str, length: int = 40) -> str:
    """Return text as one line of at most ``length`` characters; its middle is left out."""
    line = " ".join(text.split())
    if len(line) <= length:
        return line
    kept = length - 1
    return f"{line[: kept - kept // 2]}…{line[len(line) - kept // 2 :]}"
