"""Layers that make one tensor of several: sums, products, extremes, concatenation."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina import ops
from lamina.graph import SymbolicTensor, symbolic
from lamina.layers.layer import Layer
from lamina.layers.structure import shapes_of

__all__ = [
    "Add",
    "Average",
    "Concatenate",
    "Maximum",
    "Minimum",
    "Multiply",
    "Subtract",
    "add",
    "average",
    "concatenate",
    "maximum",
    "minimum",
    "multiply",
    "subtract",
]

Shape = tuple["int | None", ...]


def described(inputs: Any, shapes: Any) -> str:
    """Return shapes with where they come from: ``(None, 8, 8, 4) from conv2d_1 and ...``."""
    parts = []
    for place, shape in enumerate(shapes):
        tensor = inputs[place] if isinstance(inputs, (list, tuple)) else None
        source = (
            f"from {tensor.node.operation.name!r}"
            if isinstance(tensor, SymbolicTensor)
            else f"as input {place}"
        )
        parts.append(f"{tuple(shape)} {source}")
    return " and ".join(parts)


def likely_cause(first: Shape, second: Shape) -> str:
    """Return a guess at why two shapes do not go together, the end of a message."""
    if len(first) != len(second):
        return ": is a Flatten() or a Reshape() missing in one of the branches?"
    differing = [
        axis
        for axis, (a, b) in enumerate(zip(first, second, strict=True))
        if a != b and None not in {a, b}
    ]
    last, causes = len(first) - 1, []
    if any(0 < axis < last for axis in differing):
        causes.append(
            "height and width (or time steps) differ, as after convolutions or pooling without "
            "padding; padding='same', or equal strides, would keep them alike"
        )
    if last in differing:
        causes.append("the branches end in different numbers of features or channels")
    return ": " + "; and ".join(causes) if causes and 0 not in differing else ""


class Merge(Layer):
    """The base of layers on a list of tensors of shapes that can be broadcast together.

    A tensor with fewer axes gets axes of size 1 behind that of the samples. The mask of the output
    is true where that of any input is, and there is none unless every input has one.
    """

    least, most = 1, 1 << 30  # inputs

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def merge(self, inputs: list[Any], masks: list[Any] | None) -> Any:
        """Return one tensor of several with equally many axes. To be overridden."""
        raise NotImplementedError(f"{type(self).__name__} has no merge(self, inputs, masks)")

    def build(self, input_shape: Any) -> None:
        self._merged_shape(input_shape)

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if not self._all_alike(inputs):
            self._merged_shape(shapes_of(inputs), inputs)
            ndim = max(len(each.shape) for each in inputs)
            inputs = [_with_axes(each, ndim) for each in inputs]
        return self.merge(inputs, list(mask) if isinstance(mask, (list, tuple)) else None)

    def _all_alike(self, inputs: Any) -> bool:
        """Return whether the shapes are all the same, so that there is nothing to look into."""
        if type(inputs) is not list or not self.least <= len(inputs) <= self.most:
            return False
        shape = inputs[0].shape
        return all(each.shape == shape for each in inputs)

    def _call_symbolically(self, args: Any, kwargs: Any, training: bool | None) -> Any:
        # Before all else, while it is known which layers the shapes come from.
        if args and isinstance(args[0], (list, tuple)) and symbolic(args[0]):
            self._merged_shape(shapes_of(args[0]), args[0])
        return super()._call_symbolically(args, kwargs, training)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self._merged_shape(input_shape)

    def _check_count(self, shapes: Any) -> None:
        if not isinstance(shapes, (list, tuple)) or (
            shapes and not isinstance(shapes[0], (list, tuple))
        ):
            raise ValueError(
                f"{self}: wanted a list of tensors, got one of shape {shapes}: are the square "
                f"brackets missing?"
            )
        if not self.least <= len(shapes) <= self.most:
            wanted = f"{self.least}" if self.least == self.most else f"at least {self.least}"
            raise ValueError(f"{self}: wanted {wanted} inputs, got {len(shapes)}")

    def _merged_shape(self, shapes: Any, inputs: Any = None) -> Shape:
        """Return the shape of the output; a ValueError names the inputs that do not fit."""
        self._check_count(shapes)
        first = shapes[0]
        if all(shape == first for shape in shapes):
            return tuple(first)
        merged: Shape = tuple(first)
        for shape in shapes[1:]:
            found = _broadcast(merged, tuple(shape))
            if found is None:
                raise ValueError(
                    f"{self}: cannot merge shapes {described(inputs, shapes)}"
                    f"{likely_cause(tuple(first), tuple(shape))}"
                )
            merged = found
        return merged

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:  # noqa: ARG002
        if not isinstance(mask, (list, tuple)) or any(each is None for each in mask):
            return None
        return _any_of(mask)


def _any_of(masks: Any) -> Any:
    result = masks[0]
    for each in masks[1:]:
        result = np.logical_or(result, each)
    return result


def _with_axes(tensor: Any, ndim: int) -> Any:
    missing = ndim - len(tensor.shape)
    return ops.expand_dims(tensor, tuple(range(1, 1 + missing))) if missing else tensor


def _broadcast(a: Shape, b: Shape) -> Shape | None:
    """Return the shape of two that are broadcast behind the axis of samples; None if they cannot.

    The number of samples must be the same: a single one is not repeated.
    """
    if None not in {a[0], b[0]} and a[0] != b[0]:
        return None
    samples = b[0] if a[0] is None else a[0]
    short, long = sorted((a[1:], b[1:]), key=len)
    short = (1,) * (len(long) - len(short)) + short
    sizes: list[int | None] = []
    for n, m in zip(short, long, strict=True):
        if n is None or m is None:
            sizes.append(None)
        elif n != m and 1 not in {n, m}:
            return None
        else:
            sizes.append(m if n == 1 else n)
    return (samples, *sizes)


class Add(Merge):
    """The sum of the inputs."""

    def merge(self, inputs: list[Any], masks: list[Any] | None) -> Any:  # noqa: ARG002
        return _sum(inputs)


def _sum(inputs: list[Any]) -> Any:
    total = inputs[0]
    for each in inputs[1:]:
        total = ops.add(total, each)
    return total


class Subtract(Merge):
    """The first of two inputs less the second."""

    least = most = 2

    def merge(self, inputs: list[Any], masks: list[Any] | None) -> Any:  # noqa: ARG002
        return ops.subtract(inputs[0], inputs[1])


class Average(Merge):
    """The mean of the inputs."""

    def merge(self, inputs: list[Any], masks: list[Any] | None) -> Any:  # noqa: ARG002
        return _sum(inputs) / len(inputs)


class Multiply(Merge):
    """The product of the inputs, element by element.

    What a mask hides counts as 1; where every input is hidden, the product is 0.
    """

    def merge(self, inputs: list[Any], masks: list[Any] | None) -> Any:
        product = None
        for place, each in enumerate(inputs):
            mask = masks[place] if masks else None
            factor = each if mask is None else ops.where(mask[..., np.newaxis], each, 1)
            product = factor if product is None else ops.multiply(product, factor)
        if masks and all(mask is not None for mask in masks):
            product = ops.where(_any_of(masks)[..., np.newaxis], product, 0)
        return product


class _Extreme(Merge):
    """The largest or smallest element of the inputs; what a mask hides does not take part."""

    function: Any

    def merge(self, inputs: list[Any], masks: list[Any] | None) -> Any:
        function = type(self).function
        result = inputs[0]
        seen = masks[0][..., np.newaxis] if masks and masks[0] is not None else None
        for place, each in enumerate(inputs[1:], 1):
            mask = masks[place] if masks else None
            candidate = each
            if mask is not None:
                mask = mask[..., np.newaxis]
                candidate = ops.where(mask, each, result)
            if seen is not None:
                result = ops.where(seen, result, candidate)
            seen = None if mask is None or seen is None else np.logical_or(seen, mask)
            result = function(result, candidate)
        return result


class Maximum(_Extreme):
    """The largest of the inputs, element by element."""

    function = staticmethod(ops.maximum)


class Minimum(_Extreme):
    """The smallest of the inputs, element by element."""

    function = staticmethod(ops.minimum)


class Concatenate(Merge):
    """The inputs one after the other along ``axis``; all other sizes must be the same."""

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: Any, mask: Any = None) -> Any:  # noqa: ARG002
        if not self._all_alike(inputs):
            self._merged_shape(shapes_of(inputs), inputs)
        return ops.concatenate(inputs, axis=self.axis)

    def _merged_shape(self, shapes: Any, inputs: Any = None) -> Shape:
        self._check_count(shapes)
        first = tuple(shapes[0])
        ndim = len(first)
        if not -ndim <= self.axis < ndim:
            raise ValueError(
                f"{self}: the inputs' shapes {described(inputs, shapes)} have no axis {self.axis}"
            )
        axis = self.axis % ndim
        merged = list(first)
        for shape in shapes[1:]:
            fits = len(shape) == ndim and all(
                i == axis or None in {n, m} or n == m
                for i, (n, m) in enumerate(zip(merged, shape, strict=True))
            )
            if not fits:
                raise ValueError(
                    f"{self}: cannot concatenate shapes {described(inputs, shapes)} along axis "
                    f"{self.axis}{likely_cause(_without(first, axis), _without(shape, axis))}"
                )
            for i, size in enumerate(shape):
                if i == axis:
                    known = merged[i] is not None and size is not None
                    merged[i] = merged[i] + size if known else None
                elif merged[i] is None:
                    merged[i] = size
        return tuple(merged)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Join the masks as the inputs are joined; an input without one is real everywhere."""
        if not isinstance(mask, (list, tuple)) or all(each is None for each in mask):
            return None
        parts = []
        for tensor, each in zip(inputs, mask, strict=True):
            if each is None:
                parts.append(np.ones(tensor.shape, bool))
            elif each.ndim < tensor.ndim:
                wide = each.reshape(each.shape + (1,) * (tensor.ndim - each.ndim))
                parts.append(np.broadcast_to(wide, tensor.shape))
            else:
                parts.append(each)
        return np.concatenate(parts, axis=self.axis).any(axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


def _without(shape: Any, axis: int) -> Shape:
    """Return a shape with one size unknown, which then explains nothing."""
    return tuple(None if i == axis % len(shape) else size for i, size in enumerate(shape))


def add(inputs: Any, **kwargs: Any) -> Any:
    """Return the sum of tensors: `Add` called on them."""
    return Add(**kwargs)(inputs)


def subtract(inputs: Any, **kwargs: Any) -> Any:
    """Return the first of two tensors less the second: `Subtract` called on them."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Any, **kwargs: Any) -> Any:
    """Return the product of tensors, element by element: `Multiply` called on them."""
    return Multiply(**kwargs)(inputs)


def average(inputs: Any, **kwargs: Any) -> Any:
    """Return the mean of tensors: `Average` called on them."""
    return Average(**kwargs)(inputs)


def maximum(inputs: Any, **kwargs: Any) -> Any:
    """Return the largest of tensors, element by element: `Maximum` called on them."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Any, **kwargs: Any) -> Any:
    """Return the smallest of tensors, element by element: `Minimum` called on them."""
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """Return tensors one after the other along an axis: `Concatenate` called on them."""
    return Concatenate(axis=axis, **kwargs)(inputs)
