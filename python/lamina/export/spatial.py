"""Convolutions, pooling and upsampling in ONNX, whose channels come first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamina import layers
from lamina.export.elementwise import ALONG_THE_LAST_AXIS, activate
from lamina.ops.windows import transposed_windows, windows

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamina.export.builder import Builder, Value


def _cells(layer: Any, x: Value) -> tuple[Any, ...]:
    """Return the sizes of the axes that a window moves along."""
    return x.shape[2:] if layer._channels_first else x.shape[1:-1]  # noqa: SLF001


def _with_channels_first(b: Builder, layer: Any, x: Value, write: Callable[[Any], Any]) -> Any:
    """Return what is written for channels first, in the layer's own format."""
    if layer._channels_first:  # noqa: SLF001
        return write(x)
    return b.channels_last(write(b.channels_first(x)), x.ndim)


def _padding(layer: Any, x: Value, window: Any, dilation: Any) -> dict[str, Any]:
    """Return the attributes that say how much a window's moves begin before and end after."""
    if layer.padding == "valid":
        return {}
    cells = _cells(layer, x)
    if layer.padding == "same" and None in cells and max(layer.strides) > 1:
        return {"auto_pad": "SAME_UPPER"}
    before, after = [], []
    axes = zip(cells, window, layer.strides, dilation, strict=True)
    for size, width, stride, spread in axes:
        known = 1 << 20 if size is None else size  # with a stride of 1 every size has as much
        reach = (width - 1) * spread + 1
        places, first = windows((1, known), (1, width), (1, stride), (1, spread), layer.padding)
        before.append(first[1])
        after.append(max((places[1] - 1) * stride + reach - known - first[1], 0))
    return {"pads": [*before, *after]}


def _convolve(b: Builder, layer: Any, x: Value, kernel: Any, bias: Any, groups: int) -> Any:
    """Return a convolution with a kernel (filters, channels of a group, window), activated."""
    window = kernel.shape[2:]
    where = {"strides": layer.strides, "dilations": layer.dilation_rate, "group": groups}
    where.update(_padding(layer, x, window, layer.dilation_rate))
    return lambda turned: b.op("Conv", turned, kernel, bias, kernel_shape=window, **where)


def _activate(b: Builder, layer: Any, y: Any, ndim: int) -> Any:
    """Return the activation of (N, channels, ...), whose own axis is the last one if it has any."""
    if layer.activation in ALONG_THE_LAST_AXIS:
        last = activate(b, layer.activation, b.channels_last(y, ndim))
        return b.transpose(last, (0, ndim - 1, *range(1, ndim - 1)))
    return activate(b, layer.activation, y)


def _conv(b: Builder, layer: Any, x: Value) -> Any:
    kernel = np.moveaxis(layer.kernel.data, (-1, -2), (0, 1))
    write = _convolve(b, layer, x, kernel, layer.bias, layer.groups)
    return _with_channels_first(b, layer, x, lambda t: _activate(b, layer, write(t), x.ndim))


def _channelwise(kernel: Any) -> Any:
    """Return a depthwise kernel (window, channels, multiplier) as ONNX's of one group a channel."""
    turned = np.moveaxis(kernel, (-2, -1), (0, 1))
    return turned.reshape(-1, 1, *turned.shape[2:])


def _depthwise(b: Builder, layer: Any, x: Value) -> Any:
    channels = layer.kernel.shape[-2]
    write = _convolve(b, layer, x, _channelwise(layer.kernel.data), layer.bias, channels)
    return _with_channels_first(b, layer, x, lambda t: _activate(b, layer, write(t), x.ndim))


def _separable(b: Builder, layer: Any, x: Value) -> Any:
    channels = layer.depthwise_kernel.shape[-2]
    each = _convolve(b, layer, x, _channelwise(layer.depthwise_kernel.data), None, channels)
    pointwise = np.moveaxis(layer.pointwise_kernel.data, (-1, -2), (0, 1))

    def write(turned: Any) -> Any:
        y = b.op("Conv", each(turned), pointwise, layer.bias)
        return _activate(b, layer, y, x.ndim)

    return _with_channels_first(b, layer, x, write)


def _transposed(b: Builder, layer: Any, x: Value) -> Any:
    kernel = np.moveaxis(layer.kernel.data, (-1, -2), (0, 1))
    before, after, more = [], [], []
    for axis, width in enumerate(layer.kernel_size):
        stride, spread = layer.strides[axis], layer.dilation_rate[axis]
        extra = None if layer.output_padding is None else layer.output_padding[axis]
        places = _cells(layer, x)[axis] or width + stride  # what is cut off is the same for all
        sizes = ((1, places), (1, width), (1, stride), (1, spread), layer.padding, (None, extra))
        (_, size), (_, cut) = transposed_windows(*sizes)
        left = (places - 1) * stride + (width - 1) * spread + 1 - cut - size
        before.append(cut)
        after.append(max(left, 0))
        more.append(max(-left, 0))
    where = {"strides": layer.strides, "dilations": layer.dilation_rate, "output_padding": more}

    def write(turned: Any) -> Any:
        pads = [*before, *after]
        window = layer.kernel_size
        y = b.op(
            "ConvTranspose", turned, kernel, layer.bias, kernel_shape=window, pads=pads, **where
        )
        return _activate(b, layer, y, x.ndim)

    return _with_channels_first(b, layer, x, write)


def _pool(kind: str) -> Any:
    def export(b: Builder, layer: Any, x: Value) -> Any:
        where = _padding(layer, x, layer.pool_size, (1,) * layer.rank)
        return _with_channels_first(
            b,
            layer,
            x,
            lambda turned: b.op(
                kind, turned, kernel_shape=layer.pool_size, strides=layer.strides, **where
            ),
        )

    return export


def _global_pool(kind: str) -> Any:
    def export(b: Builder, layer: Any, x: Value) -> Any:
        first = 2 if layer._channels_first else 1  # noqa: SLF001
        axes = list(range(first, first + layer.rank))
        if kind == "ReduceMean" and layer.rank == 1 and x.mask is not None:
            return _mean_of_seen(b, layer, x, first)
        return b.op(kind, x, axes, keepdims=int(layer.keepdims))

    return export


def _mean_of_seen(b: Builder, layer: Any, x: Value, axis: int) -> Any:
    seen = b.op("Unsqueeze", b.cast(x.mask, layer.dtype), [3 - axis])
    count = b.op("Max", b.op("ReduceSum", seen, [axis], keepdims=int(layer.keepdims)), 1.0)
    total = b.op("ReduceSum", b.op("Mul", x, seen), [axis], keepdims=int(layer.keepdims))
    return b.op("Div", total, count)


_RESIZE: dict[str, dict[str, Any]] = {
    "nearest": {
        "mode": "nearest",
        "nearest_mode": "floor",
        "coordinate_transformation_mode": "asymmetric",
    },
    "bilinear": {"mode": "linear"},
    "bicubic": {"mode": "cubic", "cubic_coeff_a": -0.5, "exclude_outside": 1},
}


def _upsample(b: Builder, layer: Any, x: Value) -> Any:
    how = _RESIZE.get(layer.interpolation)
    if how is None:
        b.refuse(f"ONNX has no interpolation {layer.interpolation!r}; 'bicubic' is the nearest")
    scales = np.asarray((1, 1, *layer._factors), np.float32)  # noqa: SLF001
    return _with_channels_first(
        b, layer, x, lambda turned: b.op("Resize", turned, None, scales, **how)
    )


LAYERS = {
    layers.Conv1D: _conv,
    layers.Conv2D: _conv,
    layers.Conv1DTranspose: _transposed,
    layers.Conv2DTranspose: _transposed,
    layers.DepthwiseConv1D: _depthwise,
    layers.DepthwiseConv2D: _depthwise,
    layers.SeparableConv1D: _separable,
    layers.SeparableConv2D: _separable,
    layers.MaxPooling1D: _pool("MaxPool"),
    layers.MaxPooling2D: _pool("MaxPool"),
    layers.AveragePooling1D: _pool("AveragePool"),
    layers.AveragePooling2D: _pool("AveragePool"),
    layers.GlobalMaxPooling1D: _global_pool("ReduceMax"),
    layers.GlobalMaxPooling2D: _global_pool("ReduceMax"),
    layers.GlobalAveragePooling1D: _global_pool("ReduceMean"),
    layers.GlobalAveragePooling2D: _global_pool("ReduceMean"),
    layers.UpSampling1D: _upsample,
    layers.UpSampling2D: _upsample,
}
