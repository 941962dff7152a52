"""Pooling: sequences (N, steps, channels), images (N, rows, columns, channels)."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from lamina._native import core
from lamina.autodiff import ChosenGrad, is_recording, op
from lamina.ops.arrays import contiguous
from lamina.ops.convolution import channels_first, channels_last, is_channels_first
from lamina.ops.prepared import prepares
from lamina.ops.windows import Pair, check_padding, pair, windows

__all__ = [
    "average_pool",
    "average_pooling",
    "global_average_pooling",
    "global_max_pooling",
    "max_pool",
    "max_pooling",
]


def as_images(x: Any, what: str) -> Any:
    """Return sequences as images of one row, contiguous; refuse what is neither."""
    if x.ndim not in {3, 4} or x.dtype.kind != "f":
        raise ValueError(
            f"{what}: wanted floats, (N, steps, channels) or (N, rows, columns, channels), got "
            f"{x.dtype} of shape {x.shape}"
        )
    return contiguous(x if x.ndim == 4 else x[:, None])


@functools.lru_cache(maxsize=4096)
def _plan(cells: Pair, window: Pair, strides: Pair, padding: str) -> core.Windows:
    """Return where the windows lie."""
    size, before = windows(cells, window, strides, (1, 1), padding)
    return core.Windows(cells, window, size, strides, (1, 1), before)


@op
def max_pooling(x: Any, /, window: Pair, strides: Pair, padding: str = "valid") -> Any:
    """Return the largest cell of each window; window and strides are pairs (rows, columns).

    Of equal cells the first one has the gradient.

    Raises:
        ValueError: if no window fits into x.

    """
    images = as_images(x, "max pooling")
    where = _plan(images.shape[1:3], window, strides, padding)
    if not is_recording():
        y = core.max_pool2d(images, where, want_chosen=False)
        return (y if x.ndim == 4 else y[:, 0]), None
    y, chosen = core.max_pool2d(images, where, want_chosen=True)

    def scatter(dy: Any) -> Any:
        return core.max_pool2d_gradient(chosen, dy, where).reshape(x.shape)

    def vjp(dy: Any) -> Any:
        return ChosenGrad(y, contiguous(dy).reshape(y.shape), scatter)

    return (y if x.ndim == 4 else y[:, 0]), vjp


@prepares(max_pooling)
def _prepare_max_pooling(x: Any, window: Pair, strides: Pair, padding: str) -> Any:
    if x.ndim != 4:
        return None
    where = _plan(x.shape[1:3], window, strides, padding)
    return lambda x: core.max_pool2d(contiguous(x), where, want_chosen=False)


@op
def average_pooling(x: Any, /, window: Pair, strides: Pair, padding: str = "valid") -> Any:
    """Return the mean of each window; padding does not count. Pairs as in `max_pooling`.

    Raises:
        ValueError: if no window fits into x.

    """
    images = as_images(x, "average pooling")
    where = _plan(images.shape[1:3], window, strides, padding)
    y = core.average_pool2d(images, where)
    shape, input_shape = y.shape, x.shape

    def vjp(dy: Any) -> Any:
        dy = contiguous(dy).reshape(shape)
        return core.average_pool2d_gradient(dy, where).reshape(input_shape)

    return (y if x.ndim == 4 else y[:, 0]), vjp


def _flat(x: Any, what: str) -> Any:
    """Return (N, cells, channels) without gaps."""
    return as_images(x, what).reshape(len(x), math.prod(x.shape[1:-1]), x.shape[-1])


@op
def global_max_pooling(x: Any, /) -> Any:
    """Return the largest cell of every sample and channel; equals share the gradient.

    Raises:
        ValueError: if there are no cells.

    """
    flat = _flat(x, "global max pooling")
    samples, cells, channels = flat.shape
    if cells == 0:
        raise ValueError(f"global max pooling: there are no cells in the shape {x.shape}")
    where = _plan((1, cells), (1, cells), (1, 1), "valid")
    y = core.max_pool2d(flat[:, None], where, want_chosen=False)
    y = y.reshape(samples, channels)

    def scatter(dy: Any) -> Any:
        return core.max_over_all_gradient(flat, y, dy).reshape(x.shape)

    return y, lambda dy: ChosenGrad(y, contiguous(dy), scatter)


@op
def global_average_pooling(x: Any, /, mask: Any = None) -> Any:
    """Return the mean over the cells of every sample and channel, (N, channels).

    ``mask`` (N, steps) says which steps of sequences count. A sample without any has the mean 0.

    Raises:
        ValueError: if the mask has another shape, or there are no cells.

    """
    flat = _flat(x, "global average pooling")
    shape, counted = x.shape, flat.shape[:2]
    if counted[1] == 0:
        raise ValueError(f"global average pooling: there are no cells in the shape {shape}")
    if mask is None:
        weights = np.full(counted, 1 / counted[1], flat.dtype)
    else:
        if mask.shape != counted:
            raise ValueError(
                f"global average pooling: a mask of shape {mask.shape} for an input of shape "
                f"{shape}, wanted {counted}"
            )
        weights = mask.astype(flat.dtype)
        weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1)
    y = core.weighted_sum(flat, weights)
    return y, lambda dy: core.weighted_sum_gradient(contiguous(dy), weights).reshape(shape)


def _pool(function: Any, x: Any, size: Any, strides: Any, padding: str, form: Any) -> Any:
    rank = len(x.shape) - 2
    window = pair(size, rank, "pool_size")
    step = window if strides is None else pair(strides, rank, "strides")
    padding = check_padding(padding)
    if is_channels_first(form):
        return channels_first(function(channels_last(x), window, step, padding))
    return function(x, window, step, padding)


def max_pool(
    inputs: Any,
    pool_size: Any,
    strides: Any = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Any:
    """Return the largest cell of each window of sequences or images, as ``keras.ops.max_pool``.

    ``strides`` are those of the window if None. Of equal cells the first one has the gradient.

    Raises:
        ValueError: if no window fits.

    """
    return _pool(max_pooling, inputs, pool_size, strides, padding, data_format)


def average_pool(
    inputs: Any,
    pool_size: Any,
    strides: Any = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Any:
    """Return the mean of each window of sequences or images, as ``keras.ops.average_pool``.

    Padding does not count in a mean.

    Raises:
        ValueError: if no window fits.

    """
    return _pool(average_pooling, inputs, pool_size, strides, padding, data_format)
