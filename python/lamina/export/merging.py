"""Layers that make one tensor of several, in ONNX."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from lamina import layers
from lamina.export.normalization import divided_by_length

if TYPE_CHECKING:
    from lamina.export.builder import Builder, Value


def _alike(b: Builder, inputs: list[Value]) -> list[Any]:
    """Return tensors with equally many axes: those that lack some get them behind the samples'."""
    ndim = max(each.ndim for each in inputs)
    return [
        each if each.ndim == ndim else b.op("Unsqueeze", each, list(range(1, 1 + ndim - each.ndim)))
        for each in inputs
    ]


def _chain(kind: str, *, sees_masks: bool = False) -> Any:
    def export(b: Builder, layer: Any, inputs: list[Value]) -> Any:  # noqa: ARG001
        if sees_masks and any(each.mask is not None for each in inputs):
            b.refuse("its inputs have masks, which leave elements out of it")
        return functools.reduce(lambda x, y: b.op(kind, x, y), _alike(b, inputs))

    return export


def _average(b: Builder, layer: Any, inputs: list[Value]) -> Any:
    return b.op("Div", _chain("Add")(b, layer, inputs), float(len(inputs)))


def _concatenate(b: Builder, layer: Any, inputs: list[Value]) -> Any:
    return b.op("Concat", *inputs, axis=layer.axis)


def _dot(b: Builder, layer: Any, inputs: list[Value]) -> Any:
    """Sum over the axis that both have: n is that of the samples, z the one that is summed."""
    axes = layer._axes_of([each.shape for each in inputs])  # noqa: SLF001
    letters = iter("abcdefghijkl")
    terms, left = [], ""
    tensors: list[Any] = []
    for each, axis in zip(inputs, axes, strict=True):
        names = ["n", *(next(letters) for _ in range(each.ndim - 1))]
        names[axis] = "z"
        terms.append("".join(names))
        left += "".join(name for name in names[1:] if name != "z")
        tensors.append(divided_by_length(b, each, [axis], 1e-7) if layer.normalize else each)
    y = b.op("Einsum", *tensors, equation=f"{terms[0]},{terms[1]}->n{left}")
    return y if left else b.op("Unsqueeze", y, [1])


LAYERS = {
    layers.Add: _chain("Add"),
    layers.Subtract: _chain("Sub"),
    layers.Multiply: _chain("Mul", sees_masks=True),
    layers.Average: _average,
    layers.Maximum: _chain("Max", sees_masks=True),
    layers.Minimum: _chain("Min", sees_masks=True),
    layers.Concatenate: _concatenate,
    layers.Dot: _dot,
}
