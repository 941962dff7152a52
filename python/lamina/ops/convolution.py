"""Convolutions of sequences (N, steps, channels) and images (N, rows, columns, channels).

The operations with a bias and an activation are what layers use: pairs (rows, columns) throughout,
a sequence being an image of one row. Those with Keras's names take Keras's arguments.
"""

from __future__ import annotations

import functools
from typing import Any

from lamina._native import core
from lamina.autodiff import ChosenGrad, is_recording, op, takes_chosen
from lamina.ops.arrays import contiguous
from lamina.ops.prepared import prepares
from lamina.ops.shapes import transpose
from lamina.ops.windows import Pair, check_padding, pair, transposed_windows, windows

__all__ = [
    "conv",
    "conv_transpose",
    "convolution",
    "depthwise_conv",
    "depthwise_convolution",
    "separable_conv",
    "transposed_convolution",
]


# What the axes of the kernels are.
_KERNELS = {
    "convolution": "(window, channels of a group, filters)",
    "depthwise convolution": "(window, channels, multiplier)",
    "transposed convolution": "(window, filters, channels)",
}


@functools.lru_cache(maxsize=4096)
def _plan(
    kind: str,
    shape: tuple[int, ...],
    kernel: tuple[int, ...],
    strides: Pair,
    padding: str,
    dilation: Pair,
    output_padding: tuple[int | None, int | None] = (None, None),
) -> tuple[core.Windows, int]:
    """Return where the kernels' windows lie, and the groups.

    ``shape`` is that of one sample, ``kernel`` that of the kernel.
    """
    if len(kernel) not in {3, 4} or len(shape) != len(kernel) - 1:
        raise ValueError(
            f"{kind}: a kernel of shape {kernel} wants "
            f"{'sequences' if len(kernel) == 3 else 'images'} of {len(kernel)} dimensions, got "
            f"{len(shape) + 1}"
        )
    channels, filters = shape[-1], kernel[-1]
    expected, groups = kernel[-1 if kind == "transposed convolution" else -2], 1
    if kind == "convolution":
        groups = channels // max(expected, 1)
        expected *= groups
    if channels != expected or 0 in {channels, filters} or filters % groups:
        raise ValueError(
            f"{kind}: {channels} channels do not fit a kernel of shape {kernel}, {_KERNELS[kind]}"
        )
    *_, rows, columns, _ = (1, *shape)  # a sequence is one row
    *_, kernel_rows, kernel_columns, _, _ = (1, *kernel)
    cells, window = (rows, columns), (kernel_rows, kernel_columns)
    where = (cells, window, strides, dilation, padding)
    if kind == "transposed convolution":  # of one that gives these cells, whose own are the output
        size, before = transposed_windows(*where, output_padding)
        return core.Windows(size, window, cells, strides, dilation, before), groups
    size, before = windows(*where)
    return core.Windows(cells, window, size, strides, dilation, before), groups


def _images(x: Any, kernel: Any) -> tuple[Any, Any]:
    """Return x and its kernel without gaps, of one type; sequences as images of one row."""
    if x.dtype != kernel.dtype:
        x = x.astype(kernel.dtype)
    x, kernel = contiguous(x), contiguous(kernel)
    return (x, kernel) if x.ndim == 4 else (x[:, None], kernel[None])


def _before_activation(y: Any, dy: Any, activation: str, bias: Any) -> tuple[Any, Any]:
    """Return the gradients by what the activation was given, as images, and by the bias."""
    if type(dy) is ChosenGrad:
        dz, d_bias = _through_activation(dy.elements, dy.values, activation, bias)
        dz = dy.scatter(dz)
        return (dz if dz.ndim == 4 else dz[:, None]), d_bias
    return _through_activation(y, contiguous(dy if dy.ndim == 4 else dy[:, None]), activation, bias)


def _through_activation(y: Any, dy: Any, activation: str, bias: Any) -> tuple[Any, Any]:
    if activation == "linear" and bias is None:
        return dy, None
    return core.activation_gradient(dy if y is None else y, dy, activation, bias is not None)


def _activated(
    x: Any, kernel: Any, bias: Any, y: Any, activation: str, by_images: Any, by_filters: Any
) -> Any:
    """Return an output and its vjp, out of two functions of the gradient before the activation."""
    output = y if x.ndim == 4 else y[:, 0]
    if not is_recording():
        return output, None
    kept = None if activation == "linear" else y

    @takes_chosen
    def vjp(dy: Any) -> Any:
        dz, d_bias = _before_activation(kept, dy, activation, bias)
        return (
            lambda: by_images(dz).reshape(x.shape),
            lambda: by_filters(dz).reshape(kernel.shape),
            d_bias,
        )

    return output, vjp


@op
def convolution(
    x: Any,
    kernel: Any,
    bias: Any,
    /,
    strides: Pair = (1, 1),
    padding: str = "valid",
    dilation: Pair = (1, 1),
    activation: str = "linear",
) -> Any:
    """Return activation(the sum over each window of x times kernel, + bias).

    ``kernel`` is (window, channels of a group, filters), ``bias`` (filters,) or None; the groups
    are as many as the kernel's channels go into those of x. ``activation`` is one that the kernels
    have built in: linear, relu, sigmoid or tanh.

    Raises:
        ValueError: if the channels do not fit, or no window fits into x.

    """
    where, groups = _plan("convolution", x.shape[1:], kernel.shape, strides, padding, dilation)
    images, filters = _images(x, kernel)
    y = core.conv2d(images, filters, bias, where, groups, activation)
    return _activated(
        *(x, kernel, bias, y, activation),
        lambda dz: core.conv2d_gradient_input(dz, filters, None, where, groups, "linear"),
        lambda dz: core.conv2d_gradient_kernel(images, dz, where, groups),
    )


@prepares(convolution)
def _prepare_convolution(
    x: Any, kernel: Any, bias: Any, strides: Pair, padding: str, dilation: Pair, activation: str
) -> Any:
    if x.ndim != 4:
        return None
    where, groups = _plan("convolution", x.shape[1:], kernel.shape, strides, padding, dilation)
    return lambda x: core.conv2d(contiguous(x), kernel, bias, where, groups, activation)


@op
def transposed_convolution(
    x: Any,
    kernel: Any,
    bias: Any,
    /,
    strides: Pair = (1, 1),
    padding: str = "valid",
    dilation: Pair = (1, 1),
    output_padding: tuple[int | None, int | None] = (None, None),
    activation: str = "linear",
) -> Any:
    """Return activation(what reaches the cells of a convolution's input from x, + bias).

    ``kernel`` is (window, filters, channels): that of the convolution whose gradient by its input
    this is.

    Raises:
        ValueError: if the channels do not fit.

    """
    where, groups = _plan(
        "transposed convolution",
        x.shape[1:],
        kernel.shape,
        strides,
        padding,
        dilation,
        output_padding,
    )
    images, filters = _images(x, kernel)
    y = core.conv2d_gradient_input(images, filters, bias, where, groups, activation)
    return _activated(
        *(x, kernel, bias, y, activation),
        lambda dz: core.conv2d(dz, filters, None, where, groups, "linear"),
        lambda dz: core.conv2d_gradient_kernel(dz, images, where, groups),
    )


@op
def depthwise_convolution(
    x: Any,
    kernel: Any,
    bias: Any,
    /,
    strides: Pair = (1, 1),
    padding: str = "valid",
    dilation: Pair = (1, 1),
    activation: str = "linear",
) -> Any:
    """Return activation(every channel of x convolved with filters of its own, + bias).

    ``kernel`` is (window, channels, multiplier); filter m of channel c becomes channel
    c * multiplier + m.

    Raises:
        ValueError: if the channels do not fit, or no window fits into x.

    """
    where, _ = _plan("depthwise convolution", x.shape[1:], kernel.shape, strides, padding, dilation)
    images, filters = _images(x, kernel)
    y = core.depthwise_conv2d(images, filters, bias, where, activation)
    return _activated(
        *(x, kernel, bias, y, activation),
        lambda dz: core.depthwise_conv2d_gradient_input(dz, filters, where),
        lambda dz: core.depthwise_conv2d_gradient_kernel(images, dz, where),
    )


def channels_last(x: Any) -> Any:
    """Return x (N, channels, ...) as (N, ..., channels)."""
    return transpose(x, (0, *range(2, len(x.shape)), 1))


def channels_first(x: Any) -> Any:
    """Return x (N, ..., channels) as (N, channels, ...)."""
    return transpose(x, (0, len(x.shape) - 1, *range(1, len(x.shape) - 1)))


def is_channels_first(data_format: str | None) -> bool:
    """Return whether a data format (None: channels last) has the channels first.

    Raises:
        ValueError: if it is none.

    """
    name = "channels_last" if data_format is None else str(data_format).lower()
    if name not in {"channels_first", "channels_last"}:
        raise ValueError(
            f"data_format must be 'channels_last' or 'channels_first', got {data_format!r}"
        )
    return name == "channels_first"


def _options(kernel: Any, strides: Any, padding: Any, dilation_rate: Any) -> tuple[Any, ...]:
    rank = len(kernel.shape) - 2
    return (
        pair(strides, rank, "strides"),
        check_padding(padding, causal=rank == 1),
        pair(dilation_rate, rank, "dilation_rate"),
    )


def _in_format(function: Any, inputs: Any, data_format: str | None, *args: Any) -> Any:
    if is_channels_first(data_format):
        return channels_first(function(channels_last(inputs), *args))
    return function(inputs, *args)


def conv(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """Return the convolution of sequences or images with a kernel (window, channels, filters).

    The output has ceil(size / stride) places with padding "same", and ceil((size - (window - 1) *
    dilation) / stride) with "valid"; "causal" (sequences) pads before the first step alone. If x
    has a multiple of the kernel's channels, it is convolved in groups. As ``keras.ops.conv``.

    Raises:
        ValueError: if shapes do not fit or the output would be empty.

    """
    options = _options(kernel, strides, padding, dilation_rate)
    return _in_format(convolution, inputs, data_format, kernel, None, *options)


def conv_transpose(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    output_padding: Any = None,
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """Return the transposed convolution with a kernel (window, filters, channels).

    The output has size * stride places with padding "same" and (size - 1) * stride + window with
    "valid", unless ``output_padding`` says more. As ``keras.ops.conv_transpose``.

    Raises:
        ValueError: if shapes do not fit.

    """
    steps, _, dilation = _options(kernel, strides, padding, dilation_rate)
    extra = pair_or_none(output_padding, len(kernel.shape) - 2)
    options = (steps, check_padding(padding), dilation, extra)
    return _in_format(transposed_convolution, inputs, data_format, kernel, None, *options)


def pair_or_none(output_padding: Any, rank: int) -> tuple[int | None, int | None]:
    """Return the output padding of a transposed convolution as a pair, of None where it is open."""
    if output_padding is None:
        return (None, None)
    rows, columns = pair(output_padding, rank, "output_padding", 0)
    return (None if rank == 1 else rows, columns)


def depthwise_conv(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """Return every channel convolved with its own filters, kernel (window, channels, multiplier).

    As ``keras.ops.depthwise_conv``.

    Raises:
        ValueError: if shapes do not fit or the output would be empty.

    """
    options = _options(kernel, strides, padding, dilation_rate)
    return _in_format(depthwise_convolution, inputs, data_format, kernel, None, *options)


def separable_conv(
    inputs: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """Return the depthwise convolution followed by one whose window is a single cell.

    As ``keras.ops.separable_conv``.

    Raises:
        ValueError: if shapes do not fit or the output would be empty.

    """
    depthwise = depthwise_conv(
        inputs, depthwise_kernel, strides, padding, data_format, dilation_rate
    )
    return conv(depthwise, pointwise_kernel, data_format=data_format)
