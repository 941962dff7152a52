"""What the layers for sequences and images share: where the channels are, numbers for each axis."""

from __future__ import annotations

from functools import update_wrapper
from types import FunctionType
from typing import TYPE_CHECKING, Any

from lamina.layers.input_spec import InputSpec
from lamina.layers.layer import Layer
from lamina.ops.convolution import channels_first, channels_last, is_channels_first
from lamina.ops.prepared import prepared
from lamina.ops.windows import pair

if TYPE_CHECKING:
    from collections.abc import Callable

Shape = tuple[int | None, ...]


__all__ = ["Spatial"]


class Spatial(Layer):
    """A layer of sequences (``rank`` 1) or images (2).

    A subclass writes ``_operation()`` or, if it is more than one, ``_apply(inputs)``, and
    ``_output_shape(shape)``, for channels last; with ``data_format="channels_first"`` inputs and
    outputs are transposed around them.
    """

    rank: int

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        inherited: Any = cls.__init__
        # Only beside the base: classes of users inherit as Python does, by the order of bases.
        beside = isinstance(inherited, FunctionType) and inherited.__module__ == cls.__module__
        if beside and "__init__" not in vars(cls):
            setattr(cls, "__init__", _named(inherited, cls))  # noqa: B010

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._channels_first = is_channels_first(data_format)
        self.data_format = "channels_first" if self._channels_first else "channels_last"
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _numbers(self, value: Any, name: str, least: int = 1) -> tuple[int, ...]:
        """Return an argument as Keras keeps it: one number for each axis."""
        return pair(value, self.rank, f"{type(self).__name__}: {name}", least)[2 - self.rank :]

    def _pair(self, numbers: tuple[int, ...], rows: int = 1) -> tuple[int, int]:
        """Return what the operations take: a sequence is an image of one row."""
        return (rows, numbers[0]) if self.rank == 1 else (numbers[0], numbers[1])

    def _channels(self, input_shape: Shape) -> int:
        """Return how many channels an input has, and let no other number come after it.

        Raises:
            ValueError: if that is not known.

        """
        axis = 1 if self._channels_first else len(input_shape) - 1
        channels = input_shape[axis]
        if channels is None:
            raise ValueError(
                f"the number of channels must be known, got an input of shape {input_shape}"
            )
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={axis: channels})
        return channels

    def call(self, inputs: Any) -> Any:
        """Compute the outputs."""
        if self._channels_first:
            return channels_first(self._apply(channels_last(inputs)))
        return self._apply(inputs)

    @property
    def _after(self) -> Any:
        """An activation that the operation has not built in, or None."""
        return None

    def _operation(self) -> tuple[Any, ...]:
        """Return the operation that the layer is, and its arguments after the inputs.

        Nothing of a layer that is more.
        """
        return ()

    def _apply(self, inputs: Any) -> Any:
        operation, *arguments = self._operation()
        y = operation(inputs, *arguments)
        return y if self._after is None else self._after(y)

    def _prepared(self, x: Any) -> Callable[[Any], Any] | None:
        whole = self._operation()
        if not whole or self._after is not None or self._channels_first:
            return None
        return prepared(whole[0], x, *whole[1:])

    def compute_output_shape(self, input_shape: Any) -> Shape:
        """Return the shape of the output; sizes that are not known stay None.

        Raises:
            ValueError: if the output would be empty.

        """
        shape = tuple(input_shape)
        if not self._channels_first:
            return self._output_shape(shape)
        samples, *cells, channels = self._output_shape((shape[0], *shape[2:], shape[1]))
        return (samples, channels, *cells)

    def _output_shape(self, shape: Shape) -> Shape:
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """Return the layer's arguments."""
        return {**super().get_config(), "data_format": self.data_format}


def sizes_along(cells: Shape, size_of: Any) -> Shape:
    """Return ``size_of(sizes)[axis]`` for every axis whose size is known, None for the others.

    Where a size is not known, a large one stands in for it, so that the known ones are checked.
    """
    sizes = size_of(tuple(1 << 30 if size is None else size for size in cells))
    return tuple(None if known is None else size for known, size in zip(cells, sizes, strict=True))


def _named(inherited: FunctionType, cls: type) -> FunctionType:
    """Return an inherited ``__init__`` that Python calls by this class: Conv2D, not Conv.

    It does so by the function's own name, where arguments are missing or too many.
    """
    code, closure = inherited.__code__, inherited.__closure__
    own = FunctionType(code, inherited.__globals__, None, inherited.__defaults__, closure)
    own.__kwdefaults__ = inherited.__kwdefaults__
    update_wrapper(own, inherited)
    own.__qualname__ = f"{cls.__name__}.__init__"
    return own
