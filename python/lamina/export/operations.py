"""Functions of ``lamina.ops`` that stand in a graph between the layers, in ONNX."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamina import ops
from lamina.autodiff import Tensor
from lamina.export.builder import Value
from lamina.export.elementwise import FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamina.export.builder import Builder

_TO_THE_END = (1 << 63) - 1


def _operand(b: Builder, x: Any) -> Any:
    """Return a tensor, array or number as one of the operation's type."""
    if isinstance(x, Value):
        return x if x.dtype == b.dtype else b.cast(x, b.dtype)
    return np.asarray(x.data if isinstance(x, Tensor) else x).astype(b.dtype)


def _two(kind: str) -> Callable[..., Any]:
    return lambda b, x, y: b.op(kind, _operand(b, x), _operand(b, y))


def _reduction(kind: str) -> Callable[..., Any]:
    def export(b: Builder, x: Value, axis: Any = None, keepdims: bool = False) -> Any:
        axes = range(x.ndim) if axis is None else [axis] if isinstance(axis, int) else axis
        return b.op(kind, _operand(b, x), list(axes), keepdims=int(keepdims))

    return export


def _reshape(b: Builder, x: Value, newshape: Any) -> Any:
    return b.op("Reshape", x, [newshape] if isinstance(newshape, int) else list(newshape))


def _transpose(b: Builder, x: Value, axes: Any = None) -> Any:
    order = range(x.ndim)[::-1] if axes is None else [axis % x.ndim for axis in axes]
    return b.transpose(x, order)


def _swapaxes(b: Builder, x: Value, axis1: int, axis2: int) -> Any:
    order = list(range(x.ndim))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return b.transpose(x, order)


def _expand_dims(b: Builder, x: Value, axis: Any) -> Any:
    return b.op("Unsqueeze", x, [axis] if isinstance(axis, int) else list(axis))


def _squeeze(b: Builder, x: Value, axis: Any = None) -> Any:
    axes = None if axis is None else [axis] if isinstance(axis, int) else list(axis)
    return b.op("Squeeze", x, axes)


def _concatenate(b: Builder, *xs: Any, axis: int) -> Any:
    return b.op("Concat", *[_operand(b, x) for x in xs], axis=axis)


def _clip(b: Builder, x: Value, x_min: Any, x_max: Any) -> Any:
    return b.op("Clip", _operand(b, x), _operand(b, x_min), _operand(b, x_max))


def _cast(b: Builder, x: Value, dtype: Any) -> Any:
    return b.cast(x, str(np.dtype(dtype)))


def _along(kind: str) -> Callable[..., Any]:
    def export(b: Builder, x: Value, axis: Any = -1) -> Any:
        if not isinstance(axis, int):
            b.refuse(f"it goes along several axes, {axis}")
        return b.op(kind, _operand(b, x), axis=axis)

    return export


def _get_item(b: Builder, x: Value, index: Any) -> Any:
    """Write slices with steps above 0, whole numbers, None and an ellipsis."""
    parts = list(index) if isinstance(index, tuple) else [index]
    if any(
        part is not Ellipsis and not isinstance(part, (slice, int, type(None))) for part in parts
    ):
        b.refuse(f"indices are slices, whole numbers and None, got {index!r:.80}")
    taken = sum(part is not None and part is not Ellipsis for part in parts)
    if Ellipsis in parts:
        place = parts.index(Ellipsis)
        parts[place : place + 1] = [slice(None)] * (x.ndim - taken)
    starts, ends, axes, steps, dropped, new = [], [], [], [], [], []
    axis = place = 0
    for part in parts:
        if part is None:
            new.append(place)
            place += 1
            continue
        if isinstance(part, int):
            starts.append(part)
            ends.append(part + 1 if part != -1 else _TO_THE_END)
            steps.append(1)
            dropped.append(axis)
        else:
            step = 1 if part.step is None else part.step
            if step < 0:
                b.refuse(f"a slice goes backwards, {part}")
            starts.append(part.start or 0)
            ends.append(_TO_THE_END if part.stop is None else part.stop)
            steps.append(step)
            place += 1
        axes.append(axis)
        axis += 1
    y = b.op("Slice", x, starts, ends, axes, steps)
    y = b.op("Squeeze", y, dropped) if dropped else y
    return b.op("Unsqueeze", y, new) if new else y


def _elementwise(write: Callable[[Builder, Any], Any]) -> Callable[..., Any]:
    return lambda b, x: write(b, _operand(b, x))


OPERATIONS: dict[Any, Callable[..., Any]] = {
    **{function: _elementwise(write) for function, write in FUNCTIONS.items()},
    ops.add: _two("Add"),
    ops.subtract: _two("Sub"),
    ops.multiply: _two("Mul"),
    ops.divide: _two("Div"),
    ops.power: _two("Pow"),
    ops.maximum: _two("Max"),
    ops.minimum: _two("Min"),
    ops.matmul: _two("MatMul"),
    ops.sum: _reduction("ReduceSum"),
    ops.mean: _reduction("ReduceMean"),
    ops.max: _reduction("ReduceMax"),
    ops.min: _reduction("ReduceMin"),
    ops.prod: _reduction("ReduceProd"),
    ops.reshape: _reshape,
    ops.transpose: _transpose,
    ops.swapaxes: _swapaxes,
    ops.expand_dims: _expand_dims,
    ops.squeeze: _squeeze,
    ops.clip: _clip,
    ops.cast: _cast,
    ops.get_item: _get_item,
    ops.softmax: _along("Softmax"),
    ops.log_softmax: _along("LogSoftmax"),
    ops.shapes._concatenate: _concatenate,  # noqa: SLF001 - what ops.concatenate leaves in a graph
}
