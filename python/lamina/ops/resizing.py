"""Resizing: sequences (N, steps, channels), images (N, rows, columns, channels)."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from lamina._native import core
from lamina.autodiff import is_recording, op
from lamina.ops.arrays import contiguous
from lamina.ops.pooling import as_images
from lamina.ops.prepared import prepares
from lamina.ops.windows import Pair, pair

__all__ = ["resize", "upsample"]


def _triangle(x: Any) -> Any:
    return np.maximum(0, 1 - x)


def _cubic(x: Any) -> Any:
    """Keys' cubic convolution with a = -0.5."""
    near = ((1.5 * x - 2.5) * x) * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def _lanczos(x: Any, radius: int) -> Any:
    return np.where(x < radius, np.sinc(x) * np.sinc(x / radius), 0)


# How far each reaches, and its weight at a distance.
INTERPOLATIONS: dict[str, tuple[int, Any]] = {
    "nearest": (0, None),
    "bilinear": (1, _triangle),
    "bicubic": (2, _cubic),
    "lanczos3": (3, functools.partial(_lanczos, radius=3)),
    "lanczos5": (5, functools.partial(_lanczos, radius=5)),
}


def _taps(size: int, places: int, interpolation: str, kind: str) -> tuple[Any, Any]:
    """Return the cells that each cell of the resized axis is made of, and their weights.

    Cells are taken as intervals: cell i of the result has its middle at
    (i + 0.5) * size / places - 0.5. At the borders, the weights of the cells that are there are
    made to sum to one.
    """
    reach, weigh = INTERPOLATIONS[interpolation]
    if reach == 0:
        cells = (2 * np.arange(places) + 1) * size // (2 * places)
        return cells.astype(np.int32)[:, None], np.ones((places, 1), kind)
    middles = (np.arange(places) + 0.5) * size / places - 0.5
    cells = np.floor(middles).astype(np.int64)[:, None] + np.arange(1 - reach, reach + 1)
    weights = weigh(np.abs(middles[:, None] - cells))
    weights[(cells < 0) | (cells >= size)] = 0
    weights /= weights.sum(axis=1, keepdims=True)
    return np.clip(cells, 0, size - 1).astype(np.int32), weights.astype(kind)


def check_interpolation(interpolation: str) -> None:
    """Refuse the name of an interpolation that is unknown."""
    if not isinstance(interpolation, str) or interpolation not in INTERPOLATIONS:
        raise ValueError(
            f"interpolation must be one of {', '.join(map(repr, INTERPOLATIONS))}, got "
            f"{interpolation!r}"
        )


@functools.lru_cache(maxsize=256)
def _plan(cells: Pair, places: Pair, interpolation: str, kind: str) -> tuple[Any, Any, Any, Any]:
    """Return the taps of the rows and those of the columns."""
    rows, columns = (
        _taps(*sizes, interpolation, kind) for sizes in zip(cells, places, strict=True)
    )
    return (*rows, *columns)


def _resized(x: Any, images: Any, places: Pair, interpolation: str) -> tuple[Any, Any]:
    """Return x, seen as images, with so many rows and columns, and the vjp."""
    check_interpolation(interpolation)
    samples, rows, columns, channels = images.shape
    cells = (rows, columns)
    taps = _plan(cells, places, interpolation, images.dtype.char)
    y = core.interpolate(images, *taps)
    output = y if x.ndim == 4 else y[:, 0]
    if not is_recording():
        return output, None
    input_shape = x.shape

    def vjp(dy: Any) -> Any:
        dy = contiguous(dy).reshape(samples, *places, channels)
        return core.interpolate_gradient(dy, *taps, cells).reshape(input_shape)

    return output, vjp


@op
def upsample(x: Any, /, size: Any, interpolation: str = "nearest") -> Any:
    """Return sequences or images made larger by whole factors, one for each axis or for all.

    ``interpolation`` is "nearest" (each cell is repeated), "bilinear", "bicubic", "lanczos3" or
    "lanczos5".

    Raises:
        ValueError: if a factor is below 1 or the interpolation unknown.

    """
    images = as_images(x, "upsample")
    _, rows, columns, _ = images.shape
    row_factor, column_factor = pair(size, x.ndim - 2, "size")
    return _resized(x, images, (rows * row_factor, columns * column_factor), interpolation)


@prepares(upsample)
def _prepare_upsampling(x: Any, size: Any, interpolation: str) -> Any:
    if x.ndim != 4:
        return None
    check_interpolation(interpolation)
    cells, factors = x.shape[1:3], pair(size, 2, "size")
    places = (cells[0] * factors[0], cells[1] * factors[1])
    taps = _plan(cells, places, interpolation, x.dtype.char)

    def again(x: Any) -> Any:
        if x.shape[1:3] != cells:  # the taps would do for larger images as well
            raise ValueError(f"upsample: prepared for {cells} cells, got {x.shape}")
        return core.interpolate(contiguous(x), *taps)

    return again


@op
def resize(x: Any, /, size: Any, interpolation: str = "bilinear") -> Any:
    """Return images (N, rows, columns, channels) with ``size`` (rows, columns) instead.

    ``interpolation`` is that of `upsample`. Nothing is smoothed where images become smaller, as in
    Keras.

    Raises:
        ValueError: if ``size`` is not two numbers above 0, or the interpolation unknown.

    """
    return _resized(x, as_images(x, "resize"), pair(size, 2, "size"), interpolation)
