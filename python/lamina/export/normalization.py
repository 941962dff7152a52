"""Normalisation in ONNX."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamina import layers

if TYPE_CHECKING:
    from lamina.export.builder import Builder, Value


def _along(vector: Any, axes: list[int], ndim: int) -> Any:
    """Return weights with axes of size 1 where the input has others, to be broadcast."""
    shape = [1] * ndim
    for axis, size in zip(axes, vector.shape, strict=True):
        shape[axis] = size
    return vector.data.reshape(shape)


def _affine(b: Builder, layer: Any, y: Any, axes: list[int], ndim: int) -> Any:
    if layer.gamma is not None:
        y = b.op("Mul", y, _along(layer.gamma, axes, ndim))
    return y if layer.beta is None else b.op("Add", y, _along(layer.beta, axes, ndim))


def _batch(b: Builder, layer: Any, x: Value) -> Any:
    """Fold the moving moments, gamma and beta into one factor and one term a channel."""
    mean, variance = (
        np.asarray(each.data, np.float64) for each in (layer.moving_mean, layer.moving_variance)
    )
    factor = 1 / np.sqrt(variance + layer.epsilon)
    if layer.gamma is not None:
        factor = factor * layer.gamma.data
    term = -mean * factor
    if layer.beta is not None:
        term = term + layer.beta.data
    shape = [1] * x.ndim
    shape[layer.axis] = -1
    factor, term = (each.astype(layer.dtype).reshape(shape) for each in (factor, term))
    return b.op("Add", b.op("Mul", x, factor), term)


def _by_given_moments(b: Builder, layer: Any, x: Value) -> Any:
    mean, deviation = layer._statistics()  # noqa: SLF001
    if layer.invert:
        return b.op("Add", b.op("Mul", x, deviation), mean)
    return b.op("Div", b.op("Sub", x, mean), deviation)


def _centered(b: Builder, x: Any, axes: list[int], epsilon: float) -> tuple[Any, Any]:
    """Return x without its mean along axes, and its deviation."""
    rest = b.op("Sub", x, b.op("ReduceMean", x, axes))
    variance = b.op("ReduceMean", b.op("Mul", rest, rest), axes)
    return rest, b.op("Sqrt", b.op("Add", variance, epsilon))


def _layer(b: Builder, layer: Any, x: Value) -> Any:
    axes = sorted(axis % x.ndim for axis in layer.axis)
    rest, deviation = _centered(b, x, axes, layer.epsilon)
    y = b.op("Div", x if layer.rms_scaling else rest, deviation)
    return _affine(b, layer, y, axes, x.ndim)


def _group(b: Builder, layer: Any, x: Value) -> Any:
    axis = layer.axis % x.ndim
    order = [0, axis, *(i for i in range(1, x.ndim) if i != axis)]
    moved = b.transpose(x, order)
    groups = b.op("Reshape", moved, [0, layer.groups, -1])
    rest, deviation = _centered(b, groups, [2], layer.epsilon)
    y = b.op("Reshape", b.op("Div", rest, deviation), b.op("Shape", moved))
    return _affine(b, layer, b.transpose(y, np.argsort(order)), [axis], x.ndim)


def _unit(b: Builder, layer: Any, x: Value) -> Any:
    axes = [layer.axis] if isinstance(layer.axis, int) else list(layer.axis)
    return divided_by_length(b, x, axes, 1e-12)


def divided_by_length(b: Builder, x: Any, axes: list[int], least: float) -> Any:
    """Return x divided by its length along axes, or by ``least`` if that is more."""
    return b.op("Div", x, b.op("Max", b.op("ReduceL2", x, axes), least))


LAYERS = {
    layers.BatchNormalization: _batch,
    layers.GroupNormalization: _group,
    layers.LayerNormalization: _layer,
    layers.Normalization: _by_given_moments,
    layers.UnitNormalization: _unit,
}
