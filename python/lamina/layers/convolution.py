"""Convolutional layers: Conv1D, Conv2D and their transposes."""

from __future__ import annotations

from typing import Any

from lamina import activations, regularizers
from lamina.layers.sizes import check_sizes
from lamina.layers.spatial import Shape, Spatial, sizes_along
from lamina.layers.weight_options import WithWeightOptions
from lamina.ops.convolution import convolution, pair_or_none, transposed_convolution
from lamina.ops.windows import check_padding, transposed_windows, windows

__all__ = [
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "Convolution1D",
    "Convolution1DTranspose",
    "Convolution2D",
    "Convolution2DTranspose",
]


class Filters(Spatial, WithWeightOptions):
    """What every convolution has: a window that moves, a bias, an activation."""

    _may_be_causal = False

    def __init__(self, arguments: dict[str, Any], **kwargs: Any) -> None:
        """Take the arguments that the subclasses share from the ``locals()`` of theirs."""
        shared = {key: arguments[key] for key in ("data_format", "activity_regularizer")}
        super().__init__(**shared, **kwargs)
        self.kernel_size = self._numbers(arguments["kernel_size"], "kernel_size")
        self.strides = self._numbers(arguments["strides"], "strides")
        self.padding = check_padding(arguments["padding"], causal=self._may_be_causal)
        self.dilation_rate = self._numbers(arguments["dilation_rate"], "dilation_rate")
        self.activation = activations.get(arguments["activation"])
        self.use_bias = bool(arguments["use_bias"])
        self._keep_weight_options(arguments)
        self.bias: Any = None
        self._window = self._pair(self.kernel_size)
        self._where = (self._pair(self.strides), self.padding, self._pair(self.dilation_rate))

    @property
    def _fused(self) -> str:
        """The activation that the kernel applies itself."""
        return activations.fused_name(self.activation) or "linear"

    @property
    def _after(self) -> Any:
        return None if activations.fused_name(self.activation) else self.activation

    def _refuse_strides_with_dilation(self) -> None:
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{self}: strides={self.strides} and dilation_rate={self.dilation_rate} cannot "
                f"both be above 1, as in Keras"
            )

    def _add_bias(self, size: int) -> None:
        if self.use_bias:
            self.bias = self.add_weight((size,), name="bias", **self._weight_options("bias"))

    def _cells_after(self, shape: Shape) -> Shape:
        """Return the sizes of the output's axes between samples and channels."""
        strides, padding, dilation = self._where

        def places(cells: tuple[int, ...]) -> tuple[int, ...]:
            found, _ = windows(self._pair(cells), self._window, strides, dilation, padding)
            return found[2 - self.rank :]

        return sizes_along(shape[1:-1], places)

    def get_config(self) -> dict[str, Any]:
        """Return the layer's arguments."""
        return {
            **super().get_config(),
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "dilation_rate": self.dilation_rate,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
        }


class Conv(Filters):
    """What Conv1D and Conv2D are, with their arguments and weights."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(locals(), **kwargs)
        check_sizes(self, filters=filters, groups=groups)
        if filters % groups:
            raise ValueError(f"{self}: groups={groups} does not divide filters={filters}")
        self._refuse_strides_with_dilation()
        self.filters, self.groups = int(filters), int(groups)

    def build(self, input_shape: Any) -> None:
        """Make the kernel (window, channels of a group, filters) and the bias (filters,)."""
        channels = self._channels(input_shape)
        if channels % self.groups:
            raise ValueError(
                f"groups={self.groups} does not divide the input's {channels} channels"
            )
        self.compute_output_shape(input_shape)
        shape = (*self.kernel_size, channels // self.groups, self.filters)
        self.kernel = self.add_weight(shape, name="kernel", **self._weight_options("kernel"))
        self._add_bias(self.filters)

    def _operation(self) -> tuple[Any, ...]:
        return convolution, self.kernel, self.bias, *self._where, self._fused

    def _output_shape(self, shape: Shape) -> Shape:
        return (shape[0], *self._cells_after(shape), self.filters)

    def get_config(self) -> dict[str, Any]:
        """Return the layer's arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "groups": self.groups,
        }


class Conv1D(Conv):
    """Convolution of sequences: activation(sum over a window of steps of x * kernel, + bias).

    Input (N, steps, channels), output (N, places, filters); kernel (kernel_size, channels / groups,
    filters). ``padding`` is "valid", "same", or "causal", with which a place sees no later step.

    Raises:
        ValueError: if an argument cannot be meant, or the output would be empty.

    """

    rank = 1
    _may_be_causal = True


class Conv2D(Conv):
    """Convolution of images: activation(sum over a window of x * kernel, + bias).

    Input (N, rows, columns, channels), output (N, rows', columns', filters); kernel (*kernel_size,
    channels / groups, filters). ``padding`` is "valid" or "same", ``strides`` and ``dilation_rate``
    are a number or one for rows and one for columns.

    Raises:
        ValueError: if an argument cannot be meant, or the output would be empty.

    """

    rank = 2


class ConvTranspose(Filters):
    """What Conv1DTranspose and Conv2DTranspose are, with their arguments and weights."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(locals(), **kwargs)
        check_sizes(self, filters=filters)
        self._refuse_strides_with_dilation()
        self.filters = int(filters)
        self.output_padding = (
            None if output_padding is None else self._numbers(output_padding, "output_padding", 0)
        )
        if self.output_padding is not None and any(
            extra >= stride for extra, stride in zip(self.output_padding, self.strides, strict=True)
        ):
            raise ValueError(
                f"{self}: output_padding={self.output_padding} must be below "
                f"strides={self.strides}: more cells than that no stride leaves open"
            )
        self._extra = pair_or_none(self.output_padding, self.rank)

    def build(self, input_shape: Any) -> None:
        """Make the kernel (window, filters, channels) and the bias (filters,)."""
        shape = (*self.kernel_size, self.filters, self._channels(input_shape))
        self.kernel = self.add_weight(shape, name="kernel", **self._weight_options("kernel"))
        self._add_bias(self.filters)

    def _operation(self) -> tuple[Any, ...]:
        where = (*self._where, self._extra)
        return transposed_convolution, self.kernel, self.bias, *where, self._fused

    def _output_shape(self, shape: Shape) -> Shape:
        strides, padding, dilation = self._where

        def cells(places: tuple[int, ...]) -> tuple[int, ...]:
            found, _ = transposed_windows(
                self._pair(places), self._window, strides, dilation, padding, self._extra
            )
            return found[2 - self.rank :]

        return (shape[0], *sizes_along(shape[1:-1], cells), self.filters)

    def get_config(self) -> dict[str, Any]:
        """Return the layer's arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "output_padding": self.output_padding,
        }


class Conv1DTranspose(ConvTranspose):
    """The transpose of a convolution of sequences: each step spreads over a window of the output.

    Input (N, steps, channels), output (N, steps', filters); kernel (kernel_size, filters,
    channels). steps' is steps * stride with padding "same", (steps - 1) * stride + window with
    "valid" (at least steps * stride), unless ``output_padding`` says more.

    Raises:
        ValueError: if an argument cannot be meant.

    """

    rank = 1


class Conv2DTranspose(ConvTranspose):
    """The transpose of a convolution of images: each cell spreads over a window of the output.

    Input (N, rows, columns, channels), output (N, rows', columns', filters); kernel (*kernel_size,
    filters, channels). rows' is rows * stride with padding "same", (rows - 1) * stride + window
    with "valid" (at least rows * stride), unless ``output_padding`` says more.

    Raises:
        ValueError: if an argument cannot be meant.

    """

    rank = 2


# Keras's other names of the same layers.
Convolution1D = Conv1D
Convolution2D = Conv2D
Convolution1DTranspose = Conv1DTranspose
Convolution2DTranspose = Conv2DTranspose
