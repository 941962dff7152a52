"""Scenes as SVG text, and tables as HTML; whatever a user named is escaped here."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from lamina.drawing.look import FONT
from lamina.drawing.scene import Path, Rectangle, Words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lamina.drawing.scene import Scene

# What XML 1.0 does not allow anywhere, not even escaped.
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def printable(text: str) -> str:
    """Return text with a mark in place of each character that may stand in no XML."""
    return _NOT_IN_XML.sub("\ufffd", text)


def escaped(text: str) -> str:
    """Return text that is nothing but text, in an element or an attribute of XML or HTML."""
    return html.escape(printable(text))


def svg(scene: Scene, title: str, background: str | None = None) -> str:
    """Return a scene as an SVG document, well-formed XML; ``title`` is read out to the blind."""
    width, height = _number(scene.width), _number(scene.height)
    ground = f'<rect width="{width}" height="{height}" fill="{background}"/>' if background else ""
    start = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" font-family="{FONT}">'
    )
    said = f"<title>{escaped(title)}</title>{ground}"
    return "\n".join([start, said, *map(_element, scene.shapes), "</svg>\n"])


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _paint(fill: str | None, stroke: str | None, width: float, dashed: bool) -> str:
    border = f' stroke="{stroke}" stroke-width="{_number(width)}"' if stroke else ""
    return f'fill="{fill or "none"}"{border}' + (' stroke-dasharray="5 4"' if dashed else "")


def _element(shape: Rectangle | Path | Words) -> str:
    if isinstance(shape, Rectangle):
        place = " ".join(
            f'{name}="{_number(value)}"'
            for name, value in (
                ("x", shape.x),
                ("y", shape.y),
                ("width", shape.width),
                ("height", shape.height),
                ("rx", shape.radius),
            )
        )
        return f"<rect {place} {_paint(shape.fill, shape.stroke, 1.2, shape.dashed)}/>"
    if isinstance(shape, Path):
        pieces = [f"M{_pair(shape.start)}"]
        pieces += ["LC"[len(piece) > 1] + " ".join(map(_pair, piece)) for piece in shape.pieces]
        paint = _paint(shape.fill, shape.stroke, shape.width, shape.dashed)
        return f'<path d="{"".join(pieces)}" {paint}/>'
    weight = ' font-weight="bold"' if shape.bold else ""
    return (
        f'<text x="{_number(shape.x)}" y="{_number(shape.y)}" font-size="{_number(shape.size)}" '
        f'text-anchor="{shape.anchor}" fill="{shape.color}"{weight}>{escaped(shape.text)}</text>'
    )


def _pair(point: tuple[float, float]) -> str:
    return f"{_number(point[0])} {_number(point[1])}"


def html_table(titles: Sequence[str], rows: Iterable[Sequence[str]], numbers: set[int]) -> str:
    """Return an HTML table in the page's own colours; ``numbers`` are the columns set right."""

    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(
            f'<{tag} style="text-align:{"right" if place in numbers else "left"};'
            f'padding:2px 10px;white-space:pre">{escaped(cell)}</{tag}>'
            for place, cell in enumerate(cells)
        ) + "</tr>"  # fmt: skip

    body = "".join(line(row, "td") for row in rows)
    return (
        f'<table style="border-collapse:collapse"><thead>{line(titles, "th")}</thead>'
        f"<tbody>{body}</tbody></table>"
    )
