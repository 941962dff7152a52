"""Numbers as they come to numbers as networks like them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamina import ops
from lamina.autodiff import as_array
from lamina.layers.layer import Layer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["Normalization", "Rescaling"]

# What a standard deviation is at least, where it is divided by.
_EPSILON = 1e-7


class Rescaling(Layer):
    """Computes ``inputs * scale + offset``, in floats.

    ``scale`` and ``offset`` are numbers, or arrays that are broadcast to the inputs.

    Source: Keras 3.

    """

    supports_masking = True

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale, self.offset = scale, offset

    def call(self, inputs: Any) -> Any:
        scale, offset = (np.asarray(each, self.dtype) for each in (self.scale, self.offset))
        return ops.cast(inputs, self.dtype) * scale + offset

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        own = {"scale": _saved(self.scale), "offset": _saved(self.offset)}
        return {**super().get_config(), **own}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Make a layer of what `get_config` returned, here or in Keras."""
        return cls(**{key: _read(value) for key, value in config.items()})


def _saved(value: Any) -> Any:
    """Return Keras's form of a number or an array."""
    array = np.asarray(value)
    if isinstance(value, (int, float, list, tuple)) or array.ndim == 0:
        return value if isinstance(value, (int, float, list)) else array.tolist()
    return {
        "class_name": "__numpy__",
        "config": {"value": array.tolist(), "dtype": str(array.dtype)},
    }


def _read(saved: Any) -> Any:
    if isinstance(saved, dict) and saved.get("class_name") in {"__numpy__", "__tensor__"}:
        return np.asarray(saved["config"]["value"], saved["config"]["dtype"])
    return saved


class Normalization(Layer):
    """Computes ``(inputs - mean) / max(sqrt(variance), 1e-7)``, or with ``invert`` the way back.

    Args:
        axis: the axes whose every index has a mean and variance of its own: a number, a tuple, or
            None for one of all.
        mean: the means, to be broadcast to those axes; `adapt` finds them if None.
        variance: the variances; given with ``mean`` or not at all.
        invert: whether inputs are normalised numbers that are to be as they were.
        kwargs: the arguments of `Layer`.

    Weights: ``mean`` and ``variance`` of the shape of the axes, and ``count``, which no training
    changes; none if they are given.

    Raises:
        ValueError: if only one of mean and variance is given, their shapes differ, an axis is
            outside the inputs' or its size is not known.

    Source: Keras 3.

    """

    supports_masking = True

    def __init__(
        self,
        axis: int | tuple[int, ...] | None = -1,
        mean: Any = None,
        variance: Any = None,
        invert: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.axis: tuple[int, ...] = (
            () if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        )
        self.input_mean, self.input_variance = mean, variance
        self.invert = bool(invert)
        if (mean is None) != (variance is None):
            raise ValueError(f"{self}: give both mean and variance, or neither")
        shape = np.shape(mean) if mean is not None else ()
        if mean is not None and (shape != np.shape(variance) or len(shape) > len(self.axis)):
            raise ValueError(
                f"{self}: mean and variance have the shapes {shape} and {np.shape(variance)}: they "
                f"must be the same, with at most the {len(self.axis)} axes of axis={self.axis}"
            )

    def build(self, input_shape: Any) -> None:
        rank = len(input_shape)
        if any(not -rank <= axis < rank for axis in self.axis):
            raise ValueError(f"{self}: axis={self.axis} is outside inputs of shape {input_shape}")
        self._kept = tuple(sorted(axis % rank for axis in self.axis))
        sizes = tuple(input_shape[axis] for axis in self._kept)
        if None in sizes:
            raise ValueError(
                f"{self}: axis={self.axis} must have known sizes, got inputs of shape {input_shape}"
            )
        self._sizes = sizes
        self._broadcast = tuple(
            input_shape[axis] if axis in self._kept else 1 for axis in range(rank)
        )
        if self.input_mean is None:
            self.adapt_mean = self.add_weight(sizes, "zeros", trainable=False, name="mean")
            self.adapt_variance = self.add_weight(sizes, "ones", trainable=False, name="variance")
            self.count = self.add_weight((), "zeros", "int32", trainable=False, name="count")

    def _statistics(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return mean and standard deviation, to be broadcast to the inputs."""
        given = self.input_mean is not None
        pair = (
            (self.input_mean, self.input_variance)
            if given
            else (self.adapt_mean.data, self.adapt_variance.data)
        )
        mean, variance = (
            np.broadcast_to(np.asarray(each, self.dtype), self._sizes).reshape(self._broadcast)
            for each in pair
        )
        return mean, np.maximum(np.sqrt(variance), np.asarray(_EPSILON, self.dtype))

    def call(self, inputs: Any) -> Any:
        mean, deviation = self._statistics()
        inputs = ops.cast(inputs, self.dtype)
        return inputs * deviation + mean if self.invert else (inputs - mean) / deviation

    def adapt(self, data: Any) -> None:
        """Take the mean and variance of data: one array, or batches of it.

        Raises:
            ValueError: if the sizes of the axes are not those that the layer was built for, there
                are no data, or mean and variance were given.

        """
        if self.input_mean is not None:
            raise ValueError(f"{self}.adapt: it was made with mean and variance, which stay")
        number, mean, squares = 0, np.float64(0), np.float64(0)
        for batch in _batches(data):
            if not self.built:
                fixed = any(axis % batch.ndim == 0 for axis in self.axis)
                self.build_from_shapes(batch.shape if fixed else (None, *batch.shape[1:]))
            sizes = tuple(batch.shape[axis] for axis in self._kept if axis < batch.ndim)
            if sizes != self._sizes or batch.ndim != len(self._broadcast):
                raise ValueError(
                    f"{self}.adapt: data of shape {batch.shape}, but it was built for the shape "
                    f"{self._build_shapes[0]}"
                )
            reduced = tuple(axis for axis in range(batch.ndim) if axis not in self._kept)
            size = int(np.prod([batch.shape[axis] for axis in reduced]))
            own = batch.mean(axis=reduced, dtype=np.float64)
            own_squares = batch.var(axis=reduced, dtype=np.float64) * size
            # The sums of squares of two parts, as in Chan, Golub and LeVeque 1979.
            step, total = own - mean, number + size
            squares = squares + own_squares + step**2 * (number * size / max(total, 1))
            mean = mean + step * (size / max(total, 1))
            number = total
        if not number:
            raise ValueError(f"{self}.adapt: there are no data")
        self.adapt_mean.assign(mean)
        self.adapt_variance.assign(squares / number)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        plain = {
            name: None if value is None else as_array(value).tolist()
            for name, value in (("mean", self.input_mean), ("variance", self.input_variance))
        }
        return {**super().get_config(), "axis": self.axis, "invert": self.invert, **plain}


def _batches(data: Any) -> Iterator[NDArray[Any]]:
    """Yield arrays: one, or those of an iterable, of whose tuples the first parts."""
    if hasattr(data, "__array__"):
        yield np.asarray(data)
        return
    if isinstance(data, (list, tuple)) and not any(hasattr(each, "__array__") for each in data):
        yield np.asarray(data)
        return
    for batch in data:
        yield np.asarray(batch[0] if isinstance(batch, tuple) else batch)
