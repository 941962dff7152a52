"""Layers that move elements about and leave the axis of samples alone."""

from __future__ import annotations

from math import prod
from typing import Any

from lamina import ops
from lamina.graph import SymbolicTensor
from lamina.layers.input_spec import InputSpec
from lamina.layers.layer import Layer

__all__ = ["Flatten", "Permute", "RepeatVector", "Reshape"]


class _Moves(Layer):
    """A layer whose output has the type of its input: whole numbers stay whole."""

    def compute_output_spec(self, *args: Any, **_: Any) -> Any:
        (inputs,) = args
        return SymbolicTensor(self.compute_output_shape(inputs.shape), inputs.dtype, self.name)


class Flatten(_Moves):
    """Makes one row of each sample: (N, a, b, ...) becomes (N, a * b * ...), and (N,) (N, 1).

    With ``data_format="channels_first"`` the channels, axis 1, become the last before that.
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if data_format not in {None, "channels_last", "channels_first"}:
            raise ValueError(
                f"{self}: data_format must be 'channels_last' or 'channels_first', got "
                f"{data_format!r}"
            )
        self.data_format = data_format or "channels_last"
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Any) -> Any:
        ndim = len(inputs.shape)
        if self.data_format == "channels_first" and ndim > 2:
            inputs = ops.transpose(inputs, (0, *range(2, ndim), 1))
        return ops.reshape(inputs, (inputs.shape[0], prod(inputs.shape[1:])))

    def _prepared(self, x: Any) -> Any:
        if self.data_format == "channels_first":
            return None
        features = prod(x.shape[1:])
        return lambda x: x.reshape(len(x), features)

    def compute_output_shape(self, input_shape: Any) -> Any:
        sizes = tuple(input_shape[1:])
        return (input_shape[0], None if None in sizes else prod(sizes))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}


class Reshape(_Moves):
    """Gives each sample another shape, with as many elements; one size may be -1: what is left.

    Raises:
        ValueError: if the elements do not fill the shape.

    """

    def __init__(self, target_shape: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(target_shape, int):
            raise TypeError(
                f"{self}: target_shape must be a tuple, got {target_shape}: ({target_shape},) is "
                f"meant?"
            )
        sizes = tuple(-1 if size is None else size for size in target_shape)
        if sizes.count(-1) > 1:
            raise ValueError(
                f"{self}: one size of target_shape can be -1, got {tuple(target_shape)}"
            )
        for size in sizes:
            if not isinstance(size, int) or size < -1:
                raise ValueError(
                    f"{self}: a size of target_shape is a whole number, or -1; got {size!r} in "
                    f"{tuple(target_shape)}"
                )
        self.target_shape = sizes

    def call(self, inputs: Any) -> Any:
        return ops.reshape(inputs, (inputs.shape[0], *self._sizes(tuple(inputs.shape))))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], *self._sizes(tuple(input_shape)))

    def _sizes(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the target shape with what -1 stands for: None if that is not known yet."""
        sizes = [size for size in input_shape[1:] if size is not None]
        if len(sizes) < len(input_shape) - 1:
            return tuple(None if size == -1 else size for size in self.target_shape)
        elements = prod(sizes)
        known = prod(size for size in self.target_shape if size != -1)
        exact = -1 not in self.target_shape
        if (exact and known != elements) or (not exact and (known == 0 or elements % known)):
            raise ValueError(
                f"{self}: the {elements} elements of each sample of shape {input_shape[1:]} do not "
                f"fill target_shape={self.target_shape}"
            )
        return tuple(elements // known if size == -1 else size for size in self.target_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "target_shape": self.target_shape}


class Permute(_Moves):
    """Puts the axes of each sample in another order, counted from 1: (2, 1) exchanges two.

    Raises:
        ValueError: if ``dims`` are not the numbers from 1 on, each once.

    """

    def __init__(self, dims: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(
                f"{self}: dims must be the axes 1 to {len(self.dims)} in some order (0, that of "
                f"the samples, stays), got {self.dims}"
            )
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: Any) -> Any:
        return ops.transpose(inputs, (0, *self.dims))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], *(input_shape[axis] for axis in self.dims))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "dims": self.dims}


class RepeatVector(_Moves):
    """Repeats each row n times as time steps: (N, features) becomes (N, n, features).

    Raises:
        TypeError: if ``n`` is not a whole number.
        ValueError: if ``n`` is not positive.

    """

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(n, int) or isinstance(n, bool):
            raise TypeError(f"{self}: n must be a whole number, got {n!r}")
        if n <= 0:
            raise ValueError(f"{self}: n must be at least 1, got {n}")
        self.n = n
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: Any) -> Any:
        samples, features = inputs.shape
        return ops.broadcast_to(ops.expand_dims(inputs, 1), (samples, self.n, features))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], self.n, input_shape[1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "n": self.n}
