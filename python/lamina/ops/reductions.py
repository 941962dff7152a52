"""Sums, means, extremes and the like along axes.

``axis`` is one axis, several, or None for all; ``keepdims`` leaves the reduced axes with size 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.autodiff import op
from lamina.ops.arrays import normal_axes, without_gradient

__all__ = [
    "all",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "cumsum",
    "logsumexp",
    "max",
    "mean",
    "min",
    "prod",
    "std",
    "sum",
    "var",
]


def _spread(gradient: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """Return a view of a reduction's gradient that can be broadcast against x."""
    if keepdims or axis is None:
        return gradient.reshape((1,) * x.ndim) if axis is None else gradient
    return np.expand_dims(gradient, normal_axes(axis, x.ndim))


@op
def sum(x: Any, /, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: A001
    """Return the sum along axes."""
    axis = None if axis is None else normal_axes(axis, x.ndim)
    y = np.asarray(x.sum(axis=axis, keepdims=keepdims))
    return y, lambda dy: np.broadcast_to(_spread(dy, x, axis, keepdims), x.shape)


@op
def mean(x: Any, /, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the mean along axes."""
    axis = None if axis is None else normal_axes(axis, x.ndim)
    y = np.asarray(x.mean(axis=axis, keepdims=keepdims))
    share = y.size / (x.size or 1)
    return y, lambda dy: np.broadcast_to(
        _spread(dy * dy.dtype.type(share), x, axis, keepdims), x.shape
    )


@op
def var(x: Any, /, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the variance along axes: the mean of (x - mean)^2."""
    axis = None if axis is None else normal_axes(axis, x.ndim)
    centred = x - x.mean(axis=axis, keepdims=True)
    y = np.asarray(np.square(centred).mean(axis=axis, keepdims=keepdims))
    factor = 2 * y.size / (x.size or 1)
    return y, lambda dy: _spread(dy * dy.dtype.type(factor), x, axis, keepdims) * centred


@op
def std(x: Any, /, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the standard deviation along axes; where it is 0 its gradient is taken as 0."""
    axis = None if axis is None else normal_axes(axis, x.ndim)
    centred = x - x.mean(axis=axis, keepdims=True)
    y = np.sqrt(np.asarray(np.square(centred).mean(axis=axis, keepdims=keepdims)))
    factor = y.size / (x.size or 1)

    def vjp(dy: Any) -> Any:
        scale = np.divide(dy * dy.dtype.type(factor), y, out=np.zeros_like(dy), where=y > 0)
        return _spread(scale, x, axis, keepdims) * centred

    return y, vjp


@op
def prod(x: Any, /, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the product along axes."""
    axis = normal_axes(axis, x.ndim)
    y = np.asarray(x.prod(axis=axis, keepdims=keepdims))

    def vjp(dy: Any) -> Any:
        # The product of all others, right also where an element is zero: from both sides.
        kept = [i for i in range(x.ndim) if i not in axis]
        order = [*kept, *axis]
        flat = x.transpose(order).reshape(*[x.shape[i] for i in kept], -1)
        ones = np.ones_like(flat[..., :1])
        before = np.concatenate([ones, flat[..., :-1]], -1).cumprod(-1)
        after = np.concatenate([ones, flat[..., :0:-1]], -1).cumprod(-1)[..., ::-1]
        others = (before * after).reshape([x.shape[i] for i in order]).transpose(np.argsort(order))
        return _spread(dy, x, axis, keepdims) * others

    return y, vjp


def _extreme(x: Any, y: Any, axis: Any, keepdims: bool) -> Any:
    def vjp(dy: Any) -> Any:
        chosen = (x == _spread(y, x, axis, keepdims)).astype(dy.dtype)
        chosen /= chosen.sum(axis=axis, keepdims=True)  # equals share the gradient
        return _spread(dy, x, axis, keepdims) * chosen

    return vjp


@op
def max(x: Any, /, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: A001
    """Return the largest element along axes; equals share the gradient."""
    axis = None if axis is None else normal_axes(axis, x.ndim)
    y = np.asarray(x.max(axis=axis, keepdims=keepdims))
    return y, _extreme(x, y, axis, keepdims)


@op
def min(x: Any, /, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: A001
    """Return the smallest element along axes; equals share the gradient."""
    axis = None if axis is None else normal_axes(axis, x.ndim)
    y = np.asarray(x.min(axis=axis, keepdims=keepdims))
    return y, _extreme(x, y, axis, keepdims)


amax, amin = max, min


@op
def argmax(x: Any, /, axis: int | None = None, keepdims: bool = False) -> Any:
    """Return the place of the largest element; it has no gradient."""
    return np.asarray(np.argmax(x, axis=axis, keepdims=keepdims)), without_gradient


@op
def argmin(x: Any, /, axis: int | None = None, keepdims: bool = False) -> Any:
    """Return the place of the smallest element; it has no gradient."""
    return np.asarray(np.argmin(x, axis=axis, keepdims=keepdims)), without_gradient


@op
def any(x: Any, /, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: A001
    """Return whether any element along the axes is true."""
    return np.asarray(np.any(x, axis=axis, keepdims=keepdims)), without_gradient


@op
def all(x: Any, /, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: A001
    """Return whether every element along the axes is true."""
    return np.asarray(np.all(x, axis=axis, keepdims=keepdims)), without_gradient


@op
def cumsum(x: Any, /, axis: int) -> Any:
    """Return the running sums along an axis."""
    return np.cumsum(x, axis=axis), lambda dy: np.flip(np.cumsum(np.flip(dy, axis), axis), axis)


@op
def logsumexp(x: Any, /, axis: Any = None, keepdims: bool = False) -> Any:
    """Return log(sum(exp(x))) along axes, without overflow."""
    axes = normal_axes(axis, x.ndim)
    top = x.max(axis=axes, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    exponentials = np.exp(x - top)
    total = exponentials.sum(axis=axes, keepdims=True)
    y = np.log(total) + top
    result = y if keepdims else y.reshape([n for i, n in enumerate(x.shape) if i not in axes])
    return result, lambda dy: _spread(dy, x, axes, keepdims) * (exponentials / total)
