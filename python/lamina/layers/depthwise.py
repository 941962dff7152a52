"""Convolutions that keep channels apart: DepthwiseConv1D and 2D, SeparableConv1D and 2D."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamina.layers.convolution import Filters
from lamina.layers.sizes import check_sizes
from lamina.ops.convolution import convolution, depthwise_convolution

if TYPE_CHECKING:
    from lamina.layers.spatial import Shape

__all__ = [
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "SeparableConv1D",
    "SeparableConv2D",
    "SeparableConvolution1D",
    "SeparableConvolution2D",
]


class DepthwiseConv(Filters):
    """What DepthwiseConv1D and DepthwiseConv2D are, with their arguments and weights."""

    def __init__(
        self,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(locals(), **kwargs)
        check_sizes(self, depth_multiplier=depth_multiplier)
        self.depth_multiplier = int(depth_multiplier)

    def build(self, input_shape: Any) -> None:
        """Make the kernel (window, channels, multiplier) and the bias."""
        channels = self._channels(input_shape)
        self.compute_output_shape(input_shape)
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        self.kernel = self.add_weight(shape, name="kernel", **self._weight_options("depthwise"))
        self._add_bias(channels * self.depth_multiplier)

    def _operation(self) -> tuple[Any, ...]:
        return depthwise_convolution, self.kernel, self.bias, *self._where, self._fused

    def _output_shape(self, shape: Shape) -> Shape:
        channels = shape[-1]
        outputs = None if channels is None else channels * self.depth_multiplier
        return (shape[0], *self._cells_after(shape), outputs)

    def get_config(self) -> dict[str, Any]:
        """Return the layer's arguments."""
        return {
            **super().get_config(),
            "depth_multiplier": self.depth_multiplier,
        }


class DepthwiseConv1D(DepthwiseConv):
    """Convolution of sequences with filters of its own for every channel.

    Input (N, steps, channels), output (N, places, channels * depth_multiplier); kernel
    (kernel_size, channels, depth_multiplier).

    Raises:
        ValueError: if an argument cannot be meant, or the output would be empty.

    """

    rank = 1


class DepthwiseConv2D(DepthwiseConv):
    """Convolution of images with filters of its own for every channel.

    Input (N, rows, columns, channels), output (N, rows', columns', channels * depth_multiplier);
    kernel (*kernel_size, channels, depth_multiplier).

    Raises:
        ValueError: if an argument cannot be meant, or the output would be empty.

    """

    rank = 2


class SeparableConv(Filters):
    """What SeparableConv1D and SeparableConv2D are, with their arguments and weights."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(locals(), **kwargs)
        check_sizes(self, filters=filters, depth_multiplier=depth_multiplier)
        self.filters, self.depth_multiplier = int(filters), int(depth_multiplier)

    def build(self, input_shape: Any) -> None:
        """Make the depthwise and the pointwise kernel and the bias (filters,)."""
        channels = self._channels(input_shape)
        self.compute_output_shape(input_shape)
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        options = self._weight_options("depthwise")
        self.depthwise_kernel = self.add_weight(shape, name="depthwise_kernel", **options)
        shape = (*(1,) * self.rank, channels * self.depth_multiplier, self.filters)
        options = self._weight_options("pointwise")
        self.pointwise_kernel = self.add_weight(shape, name="pointwise_kernel", **options)
        self._add_bias(self.filters)

    def _apply(self, inputs: Any) -> Any:
        each = depthwise_convolution(inputs, self.depthwise_kernel, None, *self._where)
        y = convolution(each, self.pointwise_kernel, self.bias, activation=self._fused)
        return y if self._after is None else self._after(y)

    def _output_shape(self, shape: Shape) -> Shape:
        return (shape[0], *self._cells_after(shape), self.filters)

    def get_config(self) -> dict[str, Any]:
        """Return the layer's arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "depth_multiplier": self.depth_multiplier,
        }


class SeparableConv1D(SeparableConv):
    """A depthwise convolution of sequences, then one whose window is a single step.

    Input (N, steps, channels), output (N, places, filters); kernels (kernel_size, channels,
    depth_multiplier) and (1, channels * depth_multiplier, filters).

    Raises:
        ValueError: if an argument cannot be meant, or the output would be empty.

    """

    rank = 1


class SeparableConv2D(SeparableConv):
    """A depthwise convolution of images, then one whose window is a single cell.

    Input (N, rows, columns, channels), output (N, rows', columns', filters); kernels (*kernel_size,
    channels, depth_multiplier) and (1, 1, channels * depth_multiplier, filters).

    Raises:
        ValueError: if an argument cannot be meant, or the output would be empty.

    """

    rank = 2


# Keras's other names of the same layers.
SeparableConvolution1D = SeparableConv1D
SeparableConvolution2D = SeparableConv2D
