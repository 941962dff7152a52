"""Pictures turned, shifted, sheared and zoomed about their middle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FILL_MODES = ("constant", "nearest", "reflect", "wrap")


def _origin(theta: float, tx: float, ty: float, shear: float, zx: float, zy: float) -> Any:
    """Return the matrix from a place (column, row, 1) of the result to the picture's, as Keras."""
    turn, slant = np.deg2rad(theta), np.deg2rad(shear)
    rotation = [[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]]
    shifting = [[1, 0, tx], [0, 1, ty], [0, 0, 1]]
    shearing = [[1, -np.sin(slant), 0], [0, np.cos(slant), 0], [0, 0, 1]]
    zooming = [[zx, 0, 0], [0, zy, 0], [0, 0, 1]]
    return np.linalg.multi_dot([np.array(each) for each in (rotation, shifting, shearing, zooming)])


def _inside(places: NDArray[Any], size: int, mode: str) -> NDArray[Any]:
    """Return places within [0, size - 1] for those beyond the edges."""
    last = size - 1
    if mode == "wrap":  # the last cell and the first are one, as in scipy
        beyond = (places < 0) | (places > last)
        places = np.where(beyond, np.mod(places, max(last, 1)), places)
    if mode == "reflect":  # d c b a | a b c d | d c b a
        folded = np.mod(places + 0.5, 2 * size)
        places = np.minimum(folded, 2 * size - folded) - 0.5
    inside: NDArray[Any] = np.clip(places, 0, last)
    return inside


def transformed(
    picture: NDArray[Any],
    *,
    theta: float = 0,
    tx: float = 0,
    ty: float = 0,
    shear: float = 0,
    zx: float = 1,
    zy: float = 1,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    order: int = 1,
) -> NDArray[Any]:
    """Return a picture (height, width, channels) turned, shifted, sheared and zoomed.

    Args:
        picture: floats.
        theta: degrees, clockwise.
        tx: columns that the content moves to the left.
        ty: rows that it moves up.
        shear: degrees.
        zx: columns of the picture in one of the result: below 1 enlarges.
        zy: rows likewise.
        fill_mode: what lies beyond the edges: the "nearest" cell, "constant" (``cval``), "reflect"
            or "wrap".
        cval: see ``fill_mode``.
        order: 1 to interpolate between cells, 0 for the nearest.

    """
    if (theta, tx, ty, shear, zx, zy) == (0, 0, 0, 0, 1, 1):
        return picture
    height, width = picture.shape[:2]
    to_middle = np.array([[1, 0, width / 2 - 0.5], [0, 1, height / 2 - 0.5], [0, 0, 1]])
    matrix = to_middle @ _origin(theta, tx, ty, shear, zx, zy) @ np.linalg.inv(to_middle)
    rows, columns = np.mgrid[:height, :width]
    x = matrix[0, 0] * columns + matrix[0, 1] * rows + matrix[0, 2]
    y = matrix[1, 0] * columns + matrix[1, 1] * rows + matrix[1, 2]
    result = _sampled(
        picture, _inside(y, height, fill_mode), _inside(x, width, fill_mode), order
    ).astype(picture.dtype)
    if fill_mode == "constant":
        slack = 1e-9 * max(height, width)  # for places on the edge itself
        outside = (x < -slack) | (x > width - 1 + slack) | (y < -slack) | (y > height - 1 + slack)
        result[outside] = cval
    return result


def _sampled(picture: NDArray[Any], y: NDArray[Any], x: NDArray[Any], order: int) -> NDArray[Any]:
    """Return the picture at places between its cells."""
    if order == 0:
        nearest: NDArray[Any] = picture[
            np.floor(y + 0.5).astype(int), np.floor(x + 0.5).astype(int)
        ]
        return nearest
    top, left = np.floor(y).astype(int), np.floor(x).astype(int)
    bottom = np.minimum(top + 1, picture.shape[0] - 1)
    right = np.minimum(left + 1, picture.shape[1] - 1)
    down, across = (y - top)[..., np.newaxis], (x - left)[..., np.newaxis]
    above = picture[top, left] * (1 - across) + picture[top, right] * across
    below = picture[bottom, left] * (1 - across) + picture[bottom, right] * across
    found: NDArray[Any] = above * (1 - down) + below * down
    return found
