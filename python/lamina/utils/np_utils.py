"""Small functions on arrays around training."""

from __future__ import annotations

from typing import Any

import numpy as np


def to_categorical(x: Any, num_classes: int | None = None) -> Any:
    """Return class numbers as rows of zeros with a one: shape (..., num_classes), float32.

    A last axis of size 1 is dropped first, as in Keras. ``num_classes`` is one more than the
    largest number if None.

    Raises:
        ValueError: if a number is negative, not whole, or not below ``num_classes``.

    """
    array = np.asarray(x)
    ids = array.astype(np.int64)
    if array.dtype.kind not in "iub" and not np.array_equal(ids, array):
        raise ValueError("to_categorical: class numbers must be whole numbers")
    if ids.ndim > 1 and ids.shape[-1] == 1:
        ids = ids[..., 0]
    largest = int(ids.max(initial=-1))
    count = largest + 1 if num_classes is None else num_classes
    if largest >= count or ids.min(initial=0) < 0:
        raise ValueError(
            f"to_categorical: class numbers from {ids.min()} to {largest} are not all in "
            f"[0, {count}): do they count from 1?"
        )
    return (ids[..., np.newaxis] == np.arange(count)).astype(np.float32)


def normalize(x: Any, axis: int = -1, order: int = 2) -> Any:
    """Return an array divided by its norms along an axis; zeros stay zeros."""
    array = np.asarray(x)
    norms = np.linalg.norm(array, order, axis, keepdims=True)
    return array / np.where(norms == 0, 1, norms)
