"""Pictures of many small pictures: images, and what an autoencoder makes of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.autodiff import as_array
from lamina.drawing.look import INK, SMALL, TEXT
from lamina.visualization.figure import blank, new_figure, plain, save

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

_MOST = 400  # pictures; more are too small to see


def plot_images(
    images: Any,
    n: int | None = None,
    titles: Sequence[Any] | None = None,
    *,
    columns: int | None = None,
    cmap: str = "gray",
    to_file: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw images in rows, all on one scale of brightness.

    Args:
        images: (count, height, width), with an axis of 1 or 3 or 4 channels at the end for grey,
            RGB or RGBA, or (count, size) where size is a square number, as 784. Whole numbers go
            from 0 to 255; others from 0 to 1 if all are in it, else from the least to the greatest.
        n: how many; the first 20 by default.
        titles: what stands above each.
        columns: how many in a row; 10 at most by default.
        cmap: matplotlib's colours for grey images.
        to_file: where to save the picture.

    Raises:
        ValueError: if the shape is none of these, there is no image, or titles are too few.

    Returns:
        The matplotlib figure, which shows itself in a notebook.

    """
    pixels = as_images(images, "plot_images")
    count = _count("plot_images", n, len(pixels), 20)
    if titles is not None and len(titles) < count:
        raise ValueError(f"plot_images: {count} images, but {len(titles)} titles")
    if columns is not None and columns < 1:
        raise ValueError(f"plot_images: columns must be at least 1, got {columns}")
    columns = min(columns or 10, count)
    rows = math.ceil(count / columns)
    height, width = pixels.shape[1:3]
    room = 0.28 if titles is not None else 0.06
    figure = new_figure(1.1 * columns, rows * (1.1 * height / width + room))
    scale = _scale(pixels[:count])
    grid = list(figure.subplots(rows, columns, squeeze=False).flat)
    for number, axes in enumerate(grid):
        blank(axes)
        if number < count:
            _show(axes, pixels[number], scale, cmap)
            if titles is not None:
                axes.set_title(plain(str(titles[number])), fontsize=SMALL, color=INK, pad=3)
    _close_up(figure)
    return save(figure, to_file)


def plot_reconstructions(
    originals: Any,
    reconstructions: Any,
    noisy: Any = None,
    *,
    n: int | None = None,
    titles: Sequence[Any] | None = None,
    cmap: str = "gray",
    to_file: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw images above what a network made of them, and what it was given between if noisy.

    The arguments are those of `plot_images`; ``n`` is 10 by default. All share the originals'
    scale: what is darker is black, what is brighter is white.

    Raises:
        ValueError: if the three do not have the same number and size of images.

    """
    rows = {"original": originals, "noisy": noisy, "reconstruction": reconstructions}
    pixels = {
        name: as_images(images, f"plot_reconstructions: {name}")
        for name, images in rows.items()
        if images is not None
    }
    shapes = {name: images.shape for name, images in pixels.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError(
            f"plot_reconstructions: the images differ in number or size: "
            f"{', '.join(f'{name} {shape}' for name, shape in shapes.items())}"
        )
    count = _count("plot_reconstructions", n, len(pixels["original"]), 10)
    if titles is not None and len(titles) < count:
        raise ValueError(f"plot_reconstructions: {count} images, but {len(titles)} titles")
    height, width = pixels["original"].shape[1:3]
    room = 0.24 if titles is not None else 0.0
    figure = new_figure(1.1 * count + 1.2, len(pixels) * 1.1 * height / width + room)
    grid = figure.subplots(len(pixels), count, squeeze=False)
    scale = _scale(pixels["original"][:count])
    for row, (name, images) in enumerate(pixels.items()):
        for column in range(count):
            axes = grid[row, column]
            blank(axes)
            _show(axes, images[column], scale, cmap)
            if titles is not None and row == 0:
                axes.set_title(plain(str(titles[column])), fontsize=SMALL, color=INK, pad=3)
        grid[row, 0].set_ylabel(
            name, rotation=0, ha="right", va="center", fontsize=TEXT, color=INK, labelpad=8
        )
    _close_up(figure)
    return save(figure, to_file)


def as_images(images: Any, where: str) -> NDArray[Any]:
    """Return (count, height, width) or (count, height, width, 3 or 4) of what may be images."""
    array = np.asarray(as_array(images))
    if array.dtype.kind not in "uifb":
        raise TypeError(f"{where}: images are numbers, got an array of {array.dtype}")
    if array.size == 0:
        raise ValueError(f"{where}: there is no image in an array of shape {array.shape}")
    if array.ndim == 4 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim == 2:
        side = math.isqrt(array.shape[1])
        if side * side == array.shape[1]:
            return array.reshape(-1, side, side)
    elif array.ndim == 3 or (array.ndim == 4 and array.shape[-1] in (3, 4)):
        return array
    cause = ""
    if array.ndim == 2:
        cause = ": for a single image write image[np.newaxis]; for flat ones, reshape them"
    elif array.ndim == 4 and array.shape[1] in (1, 3, 4):
        cause = ": channels come last here: np.moveaxis(images, 1, -1)"
    raise ValueError(
        f"{where}: wanted images of shape (count, height, width), (count, height, width, 1, 3 or "
        f"4), or (count, size) with a square number as size, got {array.shape}{cause}"
    )


def _count(where: str, n: int | None, given: int, usual: int) -> int:
    if n is not None and n < 1:
        raise ValueError(f"{where}: n must be at least 1, got {n}")
    count = min(n or usual, given)
    if count > _MOST:
        raise ValueError(f"{where}: {count} images are too many to see; at most {_MOST} fit")
    return count


def _scale(images: NDArray[Any]) -> tuple[float, float]:
    """Return which values are black and white."""
    finite = images[np.isfinite(images)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if low >= 0 and high <= 1:
        return 0.0, 1.0
    if images.dtype.kind in "ui" and low >= 0 and high <= 255:
        return 0.0, 255.0
    return low, high if high > low else low + 1


def _show(axes: Any, image: NDArray[Any], scale: tuple[float, float], cmap: str) -> None:
    low, high = scale
    share = np.clip((image.astype(np.float64) - low) / (high - low), 0, 1)
    axes.imshow(share, cmap=cmap, vmin=0, vmax=1, interpolation="nearest")


def _close_up(figure: Any) -> None:
    figure.get_layout_engine().set(w_pad=0.03, h_pad=0.03, wspace=0.02, hspace=0.02)
