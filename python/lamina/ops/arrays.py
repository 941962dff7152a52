"""What every file of operations uses on plain arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamina._config import floatx

if TYPE_CHECKING:
    from numpy.typing import NDArray

contiguous = np.ascontiguousarray


def floats(x: Any) -> NDArray[Any]:
    """Return x as a contiguous array of a type that kernels compute in.

    float32 and float64 stay what they are; all else becomes the default float type.
    """
    array = np.asarray(x, order="C")
    return array if array.dtype.char in "fd" else array.astype(floatx())


def like(gradient: Any, y: NDArray[Any]) -> NDArray[Any]:
    """Return the gradient of y as a contiguous array of y's type."""
    return np.asarray(gradient, y.dtype, order="C")


def unbroadcast(gradient: NDArray[Any], like: Any) -> NDArray[Any]:
    """Sum a gradient over the axes along which ``like`` was broadcast to its shape."""
    shape = np.shape(like)
    if gradient.shape == shape:
        return gradient
    extra = gradient.ndim - len(shape)
    axes = tuple(range(extra)) + tuple(
        i + extra for i, size in enumerate(shape) if size == 1 and gradient.shape[i + extra] != 1
    )
    return gradient.sum(axis=axes, keepdims=True).reshape(shape) if axes else gradient


def normal_axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """Return an axis, several, or None for all, as a tuple of numbers from 0 to ndim - 1.

    Raises:
        ValueError: if an axis does not exist.

    """
    if axis is None:
        return tuple(range(ndim))
    axes = tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
    for each in axes:
        if not -ndim <= each < ndim:
            raise ValueError(f"axis {each} does not exist: the array has {ndim} dimensions")
    return tuple(each % ndim for each in axes)


def without_gradient(*_: Any) -> None:
    """Be the vjp of an operation that has no gradient."""
