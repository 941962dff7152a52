"""Operations that move elements: reshaping, joining, slicing, padding.

Most return views; nobody writes into an operation's output.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.autodiff import Tensor, op
from lamina.ops.arrays import normal_axes, unbroadcast, without_gradient

__all__ = [
    "broadcast_to",
    "concatenate",
    "expand_dims",
    "flip",
    "get_item",
    "moveaxis",
    "one_hot",
    "pad",
    "repeat",
    "reshape",
    "roll",
    "split",
    "squeeze",
    "stack",
    "swapaxes",
    "take",
    "tile",
    "transpose",
    "unstack",
]


@op
def reshape(x: Any, /, newshape: Any) -> Any:
    """Return x with another shape; one size may be -1."""
    try:
        y = x.reshape(newshape)
    except ValueError as error:
        raise ValueError(
            f"reshape: {x.size} elements of shape {x.shape} do not fill the shape {newshape}"
        ) from error
    return y, lambda dy: dy.reshape(x.shape)


@op
def transpose(x: Any, /, axes: Any = None) -> Any:
    """Return x with its axes in another order, reversed if none is given."""
    order = tuple(range(x.ndim))[::-1] if axes is None else normal_axes(axes, x.ndim)
    return x.transpose(order), lambda dy: dy.transpose(np.argsort(order))


@op
def swapaxes(x: Any, /, axis1: int, axis2: int) -> Any:
    """Return x with two axes exchanged."""
    return np.swapaxes(x, axis1, axis2), lambda dy: np.swapaxes(dy, axis1, axis2)


@op
def moveaxis(x: Any, /, source: Any, destination: Any) -> Any:
    """Return x with axes moved to other places, the rest in their order."""
    return np.moveaxis(x, source, destination), lambda dy: np.moveaxis(dy, destination, source)


@op
def expand_dims(x: Any, /, axis: Any) -> Any:
    """Return x with new axes of size 1."""
    return np.expand_dims(x, axis), lambda dy: dy.reshape(x.shape)


@op
def squeeze(x: Any, /, axis: Any = None) -> Any:
    """Return x without axes of size 1."""
    axes = tuple(axis) if isinstance(axis, list) else axis
    return np.squeeze(x, axes), lambda dy: dy.reshape(x.shape)


@op
def broadcast_to(x: Any, /, shape: Any) -> Any:
    """Return a view of x repeated to a shape."""
    return np.broadcast_to(x, shape), lambda dy: unbroadcast(dy, x)


@op
def get_item(x: Any, /, index: Any) -> Any:
    """Return ``x[index]``, with everything that numpy can index by."""
    parts = (
        tuple(p.data if isinstance(p, Tensor) else p for p in index)
        if type(index) is tuple
        else None
    )
    key = parts if parts is not None else (index.data if isinstance(index, Tensor) else index)
    y = np.asarray(x[key])
    each_once = all(
        part is None or part is Ellipsis or isinstance(part, (int, slice, np.integer))
        for part in (key if type(key) is tuple else (key,))
    )

    def vjp(dy: Any) -> Any:
        dx = np.zeros_like(x)
        if each_once:
            dx[key] = dy
        else:
            np.add.at(dx, key, dy)
        return dx

    return y, vjp


def _sizes_that_differ(arrays: Any, axis: int) -> str:
    shapes = " and ".join(str(np.shape(array)) for array in arrays)
    return f"shapes {shapes} differ elsewhere than along axis {axis}"


@op
def _concatenate(*xs: Any, axis: int) -> Any:
    try:
        y = np.concatenate(xs, axis=axis)
    except ValueError as error:
        raise ValueError(f"concatenate: {_sizes_that_differ(xs, axis)}") from error

    def vjp(dy: Any) -> Any:
        return tuple(np.split(dy, np.cumsum([x.shape[axis] for x in xs])[:-1], axis=axis))

    return y, vjp


def concatenate(xs: Any, axis: int = 0) -> Any:
    """Join arrays along an axis that they have."""
    return _concatenate(*xs, axis=axis)


@op
def _stack(*xs: Any, axis: int) -> Any:
    y = np.stack(xs, axis=axis)
    return y, lambda dy: tuple(np.moveaxis(dy, axis, 0))


def stack(xs: Any, axis: int = 0) -> Any:
    """Join arrays of one shape along a new axis."""
    return _stack(*xs, axis=axis)


@op
def _split(x: Any, /, places: Any, axis: int) -> Any:
    parts = tuple(np.split(x, places, axis=axis))

    def vjp(*gradients: Any) -> Any:
        pairs = zip(gradients, parts, strict=True)
        return np.concatenate([np.zeros_like(p) if g is None else g for g, p in pairs], axis=axis)

    return parts, vjp


def split(x: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """Cut an array along an axis into equal parts, or at the given places."""
    places = indices_or_sections
    if not isinstance(places, int):
        return list(_split(x, places=list(places), axis=axis))
    size = x.shape[axis]
    if size % places:
        raise ValueError(
            f"split: axis {axis} of size {size} cannot be cut into {places} equal parts"
        )
    return list(_split(x, places=[size // places * i for i in range(1, places)], axis=axis))


def unstack(x: Any, axis: int = 0) -> Any:
    """Return the slices of an array along an axis."""
    return [squeeze(part, axis=axis) for part in split(x, x.shape[axis], axis=axis)]


@op
def tile(x: Any, /, repeats: Any) -> Any:
    """Return x repeated whole, so many times along each axis."""
    y = np.tile(x, repeats)

    def vjp(dy: Any) -> Any:
        counts = repeats if isinstance(repeats, (tuple, list)) else (repeats,)
        counts = (1,) * (dy.ndim - len(counts)) + tuple(counts)
        sizes = (1,) * (dy.ndim - x.ndim) + x.shape
        pairs = [n for pair in zip(counts, sizes, strict=True) for n in pair]
        return dy.reshape(pairs).sum(axis=tuple(range(0, 2 * dy.ndim, 2))).reshape(x.shape)

    return y, vjp


@op
def repeat(x: Any, /, repeats: int, axis: int) -> Any:
    """Return x with each slice along an axis repeated in place."""
    axis %= x.ndim

    def vjp(dy: Any) -> Any:
        return dy.reshape(*x.shape[: axis + 1], repeats, *x.shape[axis + 1 :]).sum(axis=axis + 1)

    return np.repeat(x, repeats, axis), vjp


@op
def pad(x: Any, /, pad_width: Any, constant_values: float | None = None) -> Any:
    """Return x with constants (0 if None) around it; `pad_width`: (before, after) by axis."""
    widths = [tuple(pair) for pair in pad_width]
    inner = tuple(slice(b, b + size) for (b, _), size in zip(widths, x.shape, strict=True))
    y = np.full(
        [b + n + a for (b, a), n in zip(widths, x.shape, strict=True)],
        constant_values or 0,
        x.dtype,
    )
    y[inner] = x
    return y, lambda dy: dy[inner]


@op
def flip(x: Any, /, axis: Any = None) -> Any:
    """Return x backwards along axes."""
    return np.flip(x, axis), lambda dy: np.flip(dy, axis)


@op
def roll(x: Any, /, shift: Any, axis: Any = None) -> Any:
    """Return x rolled along axes."""
    back = tuple(-s for s in shift) if isinstance(shift, (tuple, list)) else -shift
    return np.roll(x, shift, axis), lambda dy: np.roll(dy, back, axis)


@op
def take(x: Any, /, indices: Any, axis: int) -> Any:
    """Return the slices of x at some places along an axis.

    Raises:
        IndexError: if a place is outside; negative ones count from the end.

    """
    places = np.asarray(indices.data if isinstance(indices, Tensor) else indices)

    def vjp(dy: Any) -> Any:
        dx = np.zeros_like(x)
        front = np.moveaxis(dx, axis, 0)
        inner = np.moveaxis(
            dy, tuple(range(axis % x.ndim, axis % x.ndim + places.ndim)), tuple(range(places.ndim))
        )
        np.add.at(front, places, inner)
        return dx

    return np.take(x, places, axis=axis), vjp


@op
def one_hot(ids: Any, /, num_classes: int, dtype: Any = "float32") -> Any:
    """Return rows with a one at the place of each id; an id outside gives zeros, as in Keras."""
    ids = np.asarray(ids)
    return (ids[..., None] == np.arange(num_classes)).astype(dtype), without_gradient
