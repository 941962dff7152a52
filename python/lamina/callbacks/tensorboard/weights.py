"""Weights as pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_PIXELS = 1 << 22


def picture(weight: NDArray[Any]) -> NDArray[np.uint8] | None:
    """Return a weight as grey pixels, its least value black, its greatest white; None if too large.

    A vector is one row, a matrix is laid on its longer side, and the kernels of a convolution,
    (length, in, out) or (height, width, in, out), stand in a grid, one pixel apart: inputs down,
    outputs across. Values that are not finite are black; more than four axes are not drawn.
    """
    if not 0 < weight.size <= _MOST_PIXELS or weight.ndim > 4:
        return None
    if weight.ndim < 2:
        tiles = weight.reshape(1, -1)
    elif weight.ndim == 2:
        tiles = weight.T if weight.shape[0] > weight.shape[1] else weight
    else:
        tiles = _grid(weight if weight.ndim == 4 else weight[:, np.newaxis])
    finite = np.isfinite(tiles)
    if not finite.any():
        return np.zeros(tiles.shape, np.uint8)
    least, greatest = tiles[finite].min(), tiles[finite].max()
    scaled = (np.where(finite, tiles, least) - least) / max(greatest - least, 1e-30)
    pixels: NDArray[np.uint8] = np.round(scaled * 255).astype(np.uint8)
    return pixels


def _grid(kernels: NDArray[Any]) -> NDArray[Any]:
    """Return kernels (height, width, in, out) side by side, a line of nothing between."""
    height, width, inputs, outputs = kernels.shape
    padded = np.full((inputs, height + 1, outputs, width + 1), np.nan, np.float64)
    padded[:, :height, :, :width] = kernels.transpose(2, 0, 3, 1)
    return padded.reshape(inputs * (height + 1), outputs * (width + 1))[:-1, :-1]
