"""The layer of dot products of two tensors, sample by sample."""

from __future__ import annotations

from math import prod
from typing import Any

from lamina import ops
from lamina.layers.merging import Merge, Shape, described
from lamina.layers.structure import shapes_of

__all__ = ["Dot", "dot"]


class Dot(Merge):
    """The dot product of each sample of two inputs along one axis of each.

    ``axes`` is that axis, or a pair. From shapes (N, a, k) and (N, k, b) with axes (2, 1) comes
    (N, a, b); from (N, k) and (N, k) comes (N, 1). With ``normalize`` both are first divided by
    their lengths along the axis, which gives cosines.

    Raises:
        TypeError: if ``axes`` is neither a whole number nor a pair of them.
        ValueError: if an axis is that of the samples, or the two sizes differ.

    """

    least = most = 2

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(axes, (int, list, tuple)):
            raise TypeError(f"{self}: axes must be a whole number or a pair of them, got {axes!r}")
        if not isinstance(axes, int) and (
            len(axes) != 2 or not all(isinstance(axis, int) for axis in axes)
        ):
            raise ValueError(f"{self}: axes must be a whole number or a pair of them, got {axes!r}")
        self.axes, self.normalize = axes, normalize

    def _axes_of(self, shapes: Any, inputs: Any = None) -> list[int]:
        given = [self.axes] * 2 if isinstance(self.axes, int) else self.axes
        found = []
        for axis, shape in zip(given, shapes, strict=True):
            if not -len(shape) <= axis < len(shape) or axis % len(shape) == 0:
                raise ValueError(
                    f"{self}: axis {axis} must be one of the axes 1 to {len(shape) - 1} of the "
                    f"shape {tuple(shape)} (axis 0 is that of the samples)"
                )
            found.append(axis % len(shape))
        sizes = [shape[axis] for shape, axis in zip(shapes, found, strict=True)]
        if None not in sizes and sizes[0] != sizes[1]:
            raise ValueError(
                f"{self}: the sizes {sizes[0]} (axis {found[0]}) and {sizes[1]} (axis {found[1]}) "
                f"of the shapes {described(inputs, shapes)} differ"
            )
        return found

    def _merged_shape(self, shapes: Any, inputs: Any = None) -> Shape:
        self._check_count(shapes)
        axes = self._axes_of(shapes, inputs)
        first, second = (
            tuple(size for i, size in enumerate(shape) if i not in {0, axis})
            for shape, axis in zip(shapes, axes, strict=True)
        )
        samples = shapes[1][0] if shapes[0][0] is None else shapes[0][0]
        return (samples, *first, *second) if first or second else (samples, 1)

    def call(self, inputs: Any, mask: Any = None) -> Any:  # noqa: ARG002
        shapes = shapes_of(inputs)
        output_shape = self._merged_shape(shapes, inputs)
        rows = []
        for tensor, axis in zip(inputs, self._axes_of(shapes), strict=True):
            if self.normalize:
                tensor = ops.normalize(tensor, axis=axis)  # noqa: PLW2901
            ndim = len(tensor.shape)
            if axis != ndim - 1:
                order = [i for i in range(ndim) if i != axis] + [axis]
                tensor = ops.transpose(tensor, order)  # noqa: PLW2901
            samples, size = tensor.shape[0], tensor.shape[-1]
            places = prod(tensor.shape[1:-1])
            rows.append(ops.reshape(tensor, (samples, places, size)))
        return ops.reshape(ops.matmul(rows[0], ops.swapaxes(rows[1], 1, 2)), output_shape)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:  # noqa: ARG002
        return None

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axes": self.axes, "normalize": self.normalize}


def dot(inputs: Any, axes: Any = -1, **kwargs: Any) -> Any:
    """Return the dot products of two tensors: `Dot` called on them."""
    return Dot(axes=axes, **kwargs)(inputs)
