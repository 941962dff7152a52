"""Normalisation: what has mean 0 and deviation 1 over a batch, a group of channels, or a layer."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina._native import core
from lamina.autodiff import op
from lamina.ops.arrays import floats, like, normal_axes
from lamina.ops.reductions import mean as mean_of
from lamina.ops.reductions import var

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "batch_normalization",
    "group_normalization",
    "layer_normalization",
    "moments",
    "normalize",
    "normalize_batch",
]


def moments(x: Any, axes: Any, keepdims: bool = False) -> Any:
    """Return the mean and the variance along axes."""
    return mean_of(x, axis=axes, keepdims=keepdims), var(x, axis=axes, keepdims=keepdims)


def _typed(vector: Any, x: NDArray[Any]) -> Any:
    """Return weights as a contiguous vector of x's type; None stays None."""
    if vector is None or (
        type(vector) is np.ndarray
        and vector.dtype is x.dtype
        and vector.ndim == 1
        and vector.flags.c_contiguous
    ):
        return vector
    return np.ascontiguousarray(vector, x.dtype).reshape(-1)


def _like(vector: Any, weights: Any) -> Any:
    """Return a gradient in the shape of the weights; None if there are none."""
    return None if weights is None else vector.reshape(np.shape(weights))


class _AxesLast:
    """An array with some axes moved to the end, where the kernels want them, and the way back."""

    def __init__(self, x: Any, axes: tuple[int, ...]) -> None:
        self.order: list[int] | None = None
        if axes != tuple(range(x.ndim - len(axes), x.ndim)):
            self.order = [i for i in range(x.ndim) if i not in axes] + list(axes)

    def forth(self, array: Any) -> Any:
        """Return the array as the kernels want it."""
        return array if self.order is None else np.ascontiguousarray(array.transpose(self.order))

    def undo(self, array: Any) -> Any:
        """Return a view of what the kernels gave with the axes in their old order."""
        return array if self.order is None else array.transpose(np.argsort(self.order))


@op
def _normalize_by(
    x: Any, mean: Any, variance: Any, scale: Any, offset: Any, /, axis: int, epsilon: float
) -> Any:
    x = floats(x)
    last = _AxesLast(x, normal_axes(axis, x.ndim))
    moved = last.forth(x)
    means, variances, gamma, beta = (_typed(v, x) for v in (mean, variance, scale, offset))
    y = core.batch_normalization(moved, means, variances, gamma, beta, epsilon)

    def vjp(dy: Any) -> Any:
        upstream = last.forth(like(dy, x))
        dx, d_gamma, d_beta = core.batch_normalization_gradient(
            moved, upstream, None, 0, means, variances, gamma, epsilon
        )
        inverse = 1 / np.sqrt(variances + x.dtype.type(epsilon))
        factor = inverse if gamma is None else gamma * inverse
        return (
            last.undo(dx),
            lambda: (-factor * d_beta).reshape(np.shape(mean)),
            lambda: (-0.5 * factor * inverse * d_gamma).reshape(np.shape(variance)),
            _like(d_gamma, scale),
            _like(d_beta, offset),
        )

    return last.undo(y), vjp


def batch_normalization(
    x: Any,
    mean: Any,
    variance: Any,
    axis: int = -1,
    offset: Any = None,
    scale: Any = None,
    epsilon: float = 1e-3,
) -> Any:
    """Return (x - mean) / sqrt(variance + epsilon) * scale + offset.

    mean, variance, scale and offset have an element for each place along ``axis``; the last two may
    be None.
    """
    return _normalize_by(x, mean, variance, scale, offset, axis=axis, epsilon=epsilon)


@op
def normalize_batch(
    x: Any, scale: Any, offset: Any, mask: Any, /, axis: int = -1, epsilon: float = 1e-3
) -> Any:
    """Return x normalised by its own moments over all axes but one, the mean, and the variance.

    y = (x - mean) / sqrt(variance + epsilon) * scale + offset. ``mask`` (None, or a boolean array
    with x's axes but the last) says what the moments are taken from. Ioffe and Szegedy, Batch
    Normalization, 2015.
    """
    x = floats(x)
    last = _AxesLast(x, normal_axes(axis, x.ndim))
    moved = last.forth(x)
    gamma, beta = _typed(scale, x), _typed(offset, x)
    if mask is not None:
        if mask.size * moved.shape[-1] != x.size:
            raise ValueError(
                f"normalize_batch: the mask has the shape {mask.shape}, wanted one element for "
                f"each vector of the input of shape {x.shape}"
            )
        mask = np.ascontiguousarray(mask, bool)
    mean, variance, kept = core.batch_moments(moved, mask)
    y = core.batch_normalization(moved, mean, variance, gamma, beta, epsilon)

    def vjp(dy: Any, d_mean: Any, d_variance: Any) -> Any:
        upstream = last.forth(np.zeros_like(x) if dy is None else like(dy, x))
        dx, d_gamma, d_beta = core.batch_normalization_gradient(
            moved, upstream, mask, kept, mean, variance, gamma, epsilon
        )
        if d_mean is not None or d_variance is not None:
            by_moments = np.zeros_like(moved) if d_mean is None else np.full_like(moved, d_mean)
            if d_variance is not None:
                by_moments += 2 * d_variance * (moved - mean)
            if mask is not None:
                by_moments *= mask.reshape(*moved.shape[:-1], 1)
            dx += by_moments / max(kept, 1)
        return (
            last.undo(dx),
            _like(d_gamma, scale),
            _like(d_beta, offset),
            None,
        )

    return (last.undo(y), mean, variance), vjp


@op
def _normalize_rows(
    x: Any, gamma: Any, beta: Any, /, axes: tuple[int, ...], epsilon: float, centered: bool
) -> Any:
    x = floats(x)
    last = _AxesLast(x, axes)
    moved = last.forth(x)
    width = prod([x.shape[axis] for axis in axes])
    rows = moved.reshape(-1, width) if width else moved.reshape(0, 0)
    scale, offset = _typed(gamma, x), _typed(beta, x)
    y, means, inverses = core.layer_normalization(rows, scale, offset, epsilon, centered)

    def vjp(dy: Any) -> Any:
        upstream = last.forth(like(dy, x)).reshape(rows.shape)
        dx, d_gamma, d_beta = core.layer_normalization_gradient(
            rows, upstream, means, inverses, scale, centered
        )
        return (
            last.undo(dx.reshape(moved.shape)),
            _like(d_gamma, gamma),
            _like(d_beta, beta),
        )

    return last.undo(y.reshape(moved.shape)), vjp


def layer_normalization(
    x: Any,
    gamma: Any = None,
    beta: Any = None,
    axis: Any = -1,
    epsilon: float = 1e-7,
    rms_scaling: bool = False,
) -> Any:
    """Return x normalised along one or several axes, within each sample.

    y = (x - mean) / sqrt(variance + epsilon) * gamma + beta; with ``rms_scaling``, as in Keras,
    y = x / sqrt(variance + epsilon) * gamma. gamma and beta have the sizes of the axes. Ba, Kiros
    and Hinton, Layer Normalization, 2016.
    """
    axes = tuple(sorted(normal_axes(axis, len(x.shape))))
    if rms_scaling:
        beta = None
    return _normalize_rows(x, gamma, beta, axes=axes, epsilon=epsilon, centered=not rms_scaling)


@op
def _normalize_groups(
    x: Any, gamma: Any, beta: Any, /, groups: int, axis: int, epsilon: float
) -> Any:
    x = floats(x)
    last = _AxesLast(x, normal_axes(axis, x.ndim))
    moved = last.forth(x)
    scale, offset = _typed(gamma, x), _typed(beta, x)
    y, means, inverses = core.group_normalization(moved, scale, offset, groups, epsilon)

    def vjp(dy: Any) -> Any:
        dx, d_gamma, d_beta = core.group_normalization_gradient(
            moved, last.forth(like(dy, x)), means, inverses, scale
        )
        return (
            last.undo(dx),
            _like(d_gamma, gamma),
            _like(d_beta, beta),
        )

    return last.undo(y), vjp


def group_normalization(
    x: Any,
    groups: int,
    gamma: Any = None,
    beta: Any = None,
    axis: int = -1,
    epsilon: float = 1e-3,
) -> Any:
    """Return x normalised over each sample's groups of channels.

    The channels along ``axis`` are cut into ``groups`` of neighbours; gamma and beta have an
    element for each channel. Wu and He, Group Normalization, 2018.
    """
    return _normalize_groups(x, gamma, beta, groups=groups, axis=axis, epsilon=epsilon)


@op
def _unit_length(x: Any, /, axes: tuple[int, ...], epsilon: float) -> Any:
    x = floats(x)
    squares = np.square(x).sum(axis=axes, keepdims=True)
    with np.errstate(divide="ignore"):
        inverse = 1 / np.sqrt(squares)
    limited = inverse > 1 / epsilon
    inverse = np.minimum(inverse, x.dtype.type(1 / epsilon))
    y = x * inverse

    def vjp(dy: Any) -> Any:
        along = (dy * y).sum(axis=axes, keepdims=True)
        return inverse * (dy - y * np.where(limited, 0, along).astype(dy.dtype, copy=False))

    return y, vjp


def normalize(x: Any, axis: Any = -1, order: int = 2, epsilon: float = 1e-7) -> Any:
    """Return x divided by its norm along axes: the ``order``-th root of the sum of |x|^order.

    A norm below ``epsilon`` is taken as epsilon.

    Raises:
        ValueError: if ``order`` is not a whole number of at least 1.

    """
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"normalize: order must be a whole number of at least 1, got {order!r}")
    axes = normal_axes(axis, len(x.shape))
    if order == 2:
        return _unit_length(x, axes=axes, epsilon=epsilon)
    from lamina import ops  # noqa: PLC0415 - the operators are bound once all are defined

    norm = ops.sum(ops.absolute(x) ** order, axis=axes, keepdims=True) ** (1 / order)
    return x / ops.maximum(norm, epsilon)
