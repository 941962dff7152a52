"""What every file of operations uses on plain arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

contiguous = np.ascontiguousarray


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
