"""Layers on features in ONNX: Dense, Embedding, what moves elements about, what only trains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamina import layers
from lamina.export.builder import Value
from lamina.export.elementwise import activate
from lamina.graph import SymbolicTensor

if TYPE_CHECKING:
    from lamina.export.builder import Builder

_TO_THE_END = (1 << 63) - 1


def _dense(b: Builder, layer: Any, x: Value) -> Any:
    y = b.op("MatMul", x, layer.kernel)
    if layer.bias is not None:
        y = b.op("Add", y, layer.bias)
    return activate(b, layer.activation, y)


def _embedding(b: Builder, layer: Any, ids: Value) -> Any:
    whole = ids if ids.dtype in {"int32", "int64"} else b.cast(ids, "int64")
    return b.op("Gather", layer.embeddings, whole, axis=0)


def _same(b: Builder, layer: Any, x: Any) -> Any:  # noqa: ARG001
    return x


def _masking(b: Builder, layer: Any, x: Value) -> Any:
    return b.op("Where", b.op("Unsqueeze", step_mask(b, layer, x), [-1]), x, 0.0)


def step_mask(b: Builder, layer: Any, x: Value) -> str:
    """Return which steps a `Masking` lets through: those where a feature is not its value."""
    same = b.cast(b.op("Equal", x, float(layer.mask_value)), "int32")
    return str(b.op("Equal", b.op("ReduceMin", same, [-1], keepdims=0), np.zeros((), np.int32)))


def _flatten(b: Builder, layer: Any, x: Value) -> Any:
    if x.ndim == 1:
        return b.op("Unsqueeze", x, [1])
    moved: Any = x
    if layer.data_format == "channels_first" and x.ndim > 2:
        moved = b.transpose(x, (0, *range(2, x.ndim), 1))
    return b.op("Reshape", moved, [0, -1])


def _reshape(b: Builder, layer: Any, x: Value) -> Any:
    return b.op("Reshape", x, [0, *layer.target_shape])


def _permute(b: Builder, layer: Any, x: Value) -> Any:
    return b.transpose(x, (0, *layer.dims))


def _repeat_vector(b: Builder, layer: Any, x: Value) -> Any:
    return b.op("Expand", b.op("Unsqueeze", x, [1]), [1, layer.n, 1])


def _cell_axes(layer: Any) -> list[int]:
    first = 2 if layer.data_format == "channels_first" else 1
    return list(range(first, first + layer.rank))


def _zero_padding(b: Builder, layer: Any, x: Value) -> Any:
    # For every axis, and saying so: onnxruntime's optimizer moves a Transpose past a Pad of some
    # axes wrongly, and takes a Pad without axes for a part of the pooling that follows.
    before, after = [0] * x.ndim, [0] * x.ndim
    for axis, (first, last) in zip(_cell_axes(layer), layer._amounts, strict=True):  # noqa: SLF001
        before[axis], after[axis] = first, last
    return b.op("Pad", x, [*before, *after], 0.0, list(range(x.ndim)))


def _cropping(b: Builder, layer: Any, x: Value) -> Any:
    before, after = zip(*layer._amounts, strict=True)  # noqa: SLF001
    ends = [-n if n else _TO_THE_END for n in after]
    return b.op("Slice", x, list(before), ends, _cell_axes(layer))


def _rescaling(b: Builder, layer: Any, x: Value) -> Any:
    scale, offset = (np.asarray(each, layer.dtype) for each in (layer.scale, layer.offset))
    return b.op("Add", b.op("Mul", x, scale), offset)


def _category_encoding(
    b: Builder, layer: Any, ids: Value, count_weights: Value | None = None
) -> Any:
    whole = b.cast(ids, "int64")
    weights = None if count_weights is None else b.cast(count_weights, layer.dtype)
    return _encoded(b, layer, whole, ids.shape, layer.num_tokens, weights)


def _encoded(b: Builder, layer: Any, ids: Any, shape: Any, depth: int, weights: Any = None) -> Any:
    """Write a one at each number; its sum or maximum over a sample, unless each is to be seen."""
    ones = b.op("OneHot", ids, np.asarray(depth, np.int64), np.asarray([0, 1], layer.dtype))
    if layer.output_mode == "one_hot" and (len(shape) < 2 or shape[-1] != 1):
        return ones
    if weights is not None:
        ones = b.op("Mul", ones, b.op("Unsqueeze", weights, [-1]))
    kind = "ReduceSum" if layer.output_mode == "count" else "ReduceMax"
    return b.op(kind, ones, [-2], keepdims=0)


def _discretization(b: Builder, layer: Any, x: Value) -> Any:
    """Count the boundaries that each number has reached, compared in doubles as the layer does."""
    if layer.bin_boundaries is None:
        b.refuse("there are no bins yet: adapt it to data first")
    given = b.cast(x, layer.dtype) if x.dtype.startswith("float") else x
    numbers = b.op("Unsqueeze", b.cast(given, "float64"), [-1])
    reached = b.op("GreaterOrEqual", numbers, np.asarray(layer.bin_boundaries, np.float64))
    bins = b.op("ReduceSum", b.cast(reached, "int64"), [-1], keepdims=0)
    if layer.output_mode == "int":
        return b.cast(bins, "int32")
    return _encoded(b, layer, bins, x.shape, len(layer.bin_boundaries) + 1)


def _time_distributed(b: Builder, layer: Any, x: Value) -> Any:
    """Write the layer within for the steps of all samples as one batch."""
    inner, step_shape = layer.layer, (None, *x.shape[2:])
    sizes = b.op("Shape", x)
    one_batch = b.op("Concat", [-1], b.op("Slice", sizes, [2], [_TO_THE_END]), axis=0)
    steps = Value(b.op("Reshape", x, one_batch), step_shape, x.dtype)
    output = inner.compute_output_spec(SymbolicTensor(step_shape, x.dtype))
    if not isinstance(output, SymbolicTensor):
        b.refuse("the layer within gives several outputs")
    (y,) = b.write_layer(b, inner, (steps,), {}, [output])
    each = b.op("Slice", b.op("Shape", y), [1], [_TO_THE_END])
    shape = b.op("Concat", b.op("Slice", sizes, [0], [2]), each, axis=0)
    return b.op("Reshape", y, shape)


LAYERS = {
    layers.Dense: _dense,
    layers.Embedding: _embedding,
    layers.CategoryEncoding: _category_encoding,
    layers.Discretization: _discretization,
    layers.InputLayer: _same,
    layers.Identity: _same,
    layers.Masking: _masking,
    layers.Flatten: _flatten,
    layers.Reshape: _reshape,
    layers.Permute: _permute,
    layers.RepeatVector: _repeat_vector,
    layers.Rescaling: _rescaling,
    layers.TimeDistributed: _time_distributed,
    layers.ZeroPadding1D: _zero_padding,
    layers.ZeroPadding2D: _zero_padding,
    layers.Cropping1D: _cropping,
    layers.Cropping2D: _cropping,
    # These do something in training alone.
    layers.ActivityRegularization: _same,
    layers.AlphaDropout: _same,
    layers.Dropout: _same,
    layers.GaussianDropout: _same,
    layers.GaussianNoise: _same,
    layers.SpatialDropout1D: _same,
    layers.SpatialDropout2D: _same,
}
