"""Figures of matplotlib that need no pyplot: nothing pops up, nothing stays in memory."""

from __future__ import annotations

import functools
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from lamina.drawing.look import LINE, MUTED, PAPER, TEXT, TITLE
from lamina.saving.atomic import atomic_write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DPI = 150
_MARGIN = 0.1  # inches around axes
_MOST_PIXELS = 150_000_000
_LONGEST_SIDE = 2**15


@functools.cache
def _figure_class() -> type[Figure]:
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ImportError("pictures are drawn by matplotlib: pip install 'lamina[plot]'") from error

    class NotebookFigure(Figure):  # type: ignore[misc,unused-ignore] # without matplotlib's types
        """A figure that shows itself in a notebook, as those of pyplot do."""

        def _repr_png_(self) -> bytes:
            file = io.BytesIO()
            self.savefig(file, format="png", dpi=100)
            return file.getvalue()

    return NotebookFigure


def new_figure(
    width: float, height: float, *, layout: Literal["constrained"] | None = "constrained"
) -> Figure:
    """Return an empty figure, its size in inches.

    Raises:
        ImportError: if matplotlib is not installed.

    """
    figure: Any = _figure_class()(figsize=(width, height), layout=layout, facecolor=PAPER)
    if layout:
        figure.get_layout_engine().set(w_pad=_MARGIN, h_pad=_MARGIN)
    return cast("Figure", figure)


def ending_of(path: str | os.PathLike[str]) -> str:
    """Return what a file's name ends in, without the dot; ``"png"`` if in nothing."""
    return Path(path).suffix[1:].lower() or "png"


def format_of(figure: Figure, path: str | os.PathLike[str]) -> str:
    """Return the format that a file's name asks for, ``"png"`` if it has no ending.

    Raises:
        ValueError: if matplotlib cannot write it.

    """
    ending = ending_of(path)
    known = sorted(figure.canvas.get_supported_filetypes())
    if ending not in known:
        raise ValueError(f"{os.fspath(path)}: pictures end in {', '.join(known)}, not in .{ending}")
    return ending


def save(figure: Figure, path: str | os.PathLike[str] | None, dpi: float = _DPI) -> Figure:
    """Write a figure to a file if there is a path, and return it.

    Raises:
        ValueError: if the file's ending is unknown, or the picture would be huge.
        FileNotFoundError: if the folder does not exist.

    """
    if path is None:
        return figure
    ending = format_of(figure, path)
    width, height = (side * dpi for side in figure.get_size_inches())
    if not (0 < width * height <= _MOST_PIXELS and max(width, height) <= _LONGEST_SIDE):
        raise ValueError(
            f"{os.fspath(path)}: {width:,.0f} x {height:,.0f} pixels at dpi={dpi:g} are too many; "
            f"a lower dpi=, or a file that ends in .svg, which has none, is smaller"
        )
    with atomic_write(path) as file:
        figure.savefig(file, format=ending, dpi=dpi)
    return figure


def tidy(axes: Any, title: str = "") -> None:
    """Give axes the look of the house: two thin lines, a faint grid, text to read."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(LINE)
    axes.tick_params(colors=MUTED, labelsize=TEXT - 1)
    axes.grid(color=LINE, alpha=0.18, linewidth=0.8)
    axes.set_axisbelow(True)
    if title:
        axes.set_title(plain(title), fontsize=TITLE, loc="left", fontweight="bold")


def plain(text: str) -> str:
    r"""Return text in which ``$`` is a dollar and begins no formula."""
    return text.replace("$", r"\$")


def blank(axes: Any) -> None:
    """Take everything off axes but what is drawn on them."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
