"""Pooling layers: the largest or the mean of windows, or of all of a sequence or an image."""

from __future__ import annotations

from typing import Any

from lamina.layers.spatial import Shape, Spatial, sizes_along
from lamina.ops.convolution import channels_last
from lamina.ops.pooling import (
    average_pooling,
    global_average_pooling,
    global_max_pooling,
    max_pooling,
)
from lamina.ops.shapes import reshape
from lamina.ops.windows import check_padding, windows

__all__ = [
    "AveragePooling1D",
    "AveragePooling2D",
    "AvgPool1D",
    "AvgPool2D",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAvgPool1D",
    "GlobalAvgPool2D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPooling1D",
    "MaxPooling2D",
]


class Pooling(Spatial):
    """A function of windows; ``strides`` are those of the window if None."""

    _function: Any

    def __init__(
        self,
        pool_size: Any,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, name=name, **kwargs)
        self.pool_size = self._numbers(pool_size, "pool_size")
        self.strides = self.pool_size if strides is None else self._numbers(strides, "strides")
        self.padding = check_padding(padding)
        self._where = (self._pair(self.pool_size), self._pair(self.strides), self.padding)

    def _operation(self) -> tuple[Any, ...]:
        return self._function, *self._where

    def _output_shape(self, shape: Shape) -> Shape:
        window, strides, padding = self._where

        def places(cells: tuple[int, ...]) -> tuple[int, ...]:
            found, _ = windows(self._pair(cells), window, strides, (1, 1), padding)
            return found[2 - self.rank :]

        return (shape[0], *sizes_along(shape[1:-1], places), shape[-1])

    def get_config(self) -> dict[str, Any]:
        """Return the layer's arguments."""
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "strides": self.strides,
            "padding": self.padding,
        }


class MaxPooling1D(Pooling):
    """The largest step of each window, (N, steps, channels) to (N, places, channels).

    Raises:
        ValueError: if an argument cannot be meant, or no window fits.

    """

    rank = 1
    _function = staticmethod(max_pooling)

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


class MaxPooling2D(Pooling):
    """The largest cell of each window of an image (N, rows, columns, channels).

    Raises:
        ValueError: if an argument cannot be meant, or no window fits.

    """

    rank = 2
    _function = staticmethod(max_pooling)

    def __init__(
        self,
        pool_size: Any = (2, 2),
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


class AveragePooling1D(Pooling):
    """The mean of each window, (N, steps, channels) to (N, places, channels).

    Padding does not count in a mean.

    Raises:
        ValueError: if an argument cannot be meant, or no window fits.

    """

    rank = 1
    _function = staticmethod(average_pooling)


class AveragePooling2D(Pooling):
    """The mean of each window of an image (N, rows, columns, channels).

    Padding does not count in a mean.

    Raises:
        ValueError: if an argument cannot be meant, or no window fits.

    """

    rank = 2
    _function = staticmethod(average_pooling)


class GlobalPooling(Spatial):
    """A function of all cells of a sample; ``keepdims`` leaves their axes with size 1."""

    _function: Any

    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.keepdims = bool(keepdims)

    def call(self, inputs: Any) -> Any:
        """Compute the outputs: (N, channels), wherever the channels were."""
        return self._pool(inputs)

    def _pool(self, inputs: Any, **options: Any) -> Any:
        if self._channels_first:
            inputs = channels_last(inputs)
        outputs = self._function(inputs, **options)
        if not self.keepdims:
            return outputs
        samples, channels = outputs.shape
        ones = (1,) * self.rank
        shape = (channels, *ones) if self._channels_first else (*ones, channels)
        return reshape(outputs, (samples, *shape))

    def _output_shape(self, shape: Shape) -> Shape:
        return (shape[0], *((1,) * self.rank if self.keepdims else ()), shape[-1])

    def get_config(self) -> dict[str, Any]:
        """Return the layer's arguments."""
        return {**super().get_config(), "keepdims": self.keepdims}


class GlobalMaxPooling1D(GlobalPooling):
    """The largest step of a sequence, (N, steps, channels) to (N, channels)."""

    rank = 1
    _function = staticmethod(global_max_pooling)


class GlobalMaxPooling2D(GlobalPooling):
    """The largest cell of an image, (N, rows, columns, channels) to (N, channels)."""

    rank = 2
    _function = staticmethod(global_max_pooling)


class GlobalAveragePooling1D(GlobalPooling):
    """The mean of a sequence's steps, (N, steps, channels) to (N, channels).

    With a mask (N, steps), only the steps where it is true count; a sequence without any gives 0.
    """

    rank = 1
    supports_masking = True
    _function = staticmethod(global_average_pooling)

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """Compute the outputs."""
        return self._pool(inputs, mask=mask)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:  # noqa: ARG002
        """Return None: there are no steps any more."""
        return None


class GlobalAveragePooling2D(GlobalPooling):
    """The mean of an image's cells, (N, rows, columns, channels) to (N, channels)."""

    rank = 2
    _function = staticmethod(global_average_pooling)


# Keras's other names of the same layers.
MaxPool1D = MaxPooling1D
MaxPool2D = MaxPooling2D
AvgPool1D = AveragePooling1D
AvgPool2D = AveragePooling2D
GlobalMaxPool1D = GlobalMaxPooling1D
GlobalMaxPool2D = GlobalMaxPooling2D
GlobalAvgPool1D = GlobalAveragePooling1D
GlobalAvgPool2D = GlobalAveragePooling2D
