"""Softmax and its logarithm."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina._native import core
from lamina.autodiff import op
from lamina.ops.arrays import floats, like, normal_axes

__all__ = ["log_softmax", "softmax", "sparsemax"]


def _along(function: Any, gradient: Any, x: Any, axis: Any) -> Any:
    """Run kernels for the last axis along another one, or along several as if they were one."""
    x = floats(x)
    axes = normal_axes(axis, x.ndim)
    if axes == (x.ndim - 1,):
        y = function(x)
        return y, lambda dy: gradient(y, like(dy, y))
    order = [i for i in range(x.ndim) if i not in axes] + list(axes)
    moved = np.transpose(x, order)
    back = np.argsort(order)
    rows = (*moved.shape[: x.ndim - len(axes)], -1)
    y = function(np.ascontiguousarray(moved).reshape(rows))

    def vjp(dy: Any) -> Any:
        upstream = like(np.transpose(dy, order), y).reshape(y.shape)
        return np.transpose(gradient(y, upstream).reshape(moved.shape), back)

    return np.transpose(y.reshape(moved.shape), back), vjp


@op
def softmax(x: Any, /, axis: Any = -1) -> Any:
    """Return exp(x) / sum(exp(x)) along an axis, or along several."""
    return _along(core.softmax, core.softmax_gradient, x, axis)


@op
def log_softmax(x: Any, /, axis: Any = -1) -> Any:
    """Return x - log(sum(exp(x))) along an axis, or along several."""
    return _along(core.log_softmax, core.log_softmax_gradient, x, axis)


@op
def sparsemax(x: Any, /, axis: int = -1) -> Any:
    """Return the nearest point to x among distributions: max(x - t, 0), t such that it sums to 1.

    Martins and Astudillo, From Softmax to Sparsemax, 2016.
    """
    x = np.moveaxis(floats(x), axis, -1)
    descending = -np.sort(-x, axis=-1)
    sums = descending.cumsum(-1)
    ranks = np.arange(1, x.shape[-1] + 1, dtype=x.dtype)
    size = (1 + ranks * descending > sums).sum(-1, keepdims=True)  # of the support
    limit = (np.take_along_axis(sums, size - 1, -1) - 1) / size.astype(x.dtype)
    y = np.maximum(x - limit, 0)

    def vjp(dy: Any) -> Any:
        upstream = np.moveaxis(dy, axis, -1)
        inside = y > 0
        mean = np.where(inside, upstream, 0).sum(-1, keepdims=True) / inside.sum(-1, keepdims=True)
        return np.moveaxis(np.where(inside, upstream - mean, 0).astype(dy.dtype), -1, axis)

    return np.moveaxis(y, -1, axis), vjp
