"""Layers that make sequences and images larger or smaller: upsampling, cropping, zero padding."""

from __future__ import annotations

from typing import Any

from lamina.layers.spatial import Shape, Spatial, sizes_along
from lamina.ops.resizing import INTERPOLATIONS, upsample
from lamina.ops.shapes import get_item, pad
from lamina.registry import nearest

__all__ = [
    "Cropping1D",
    "Cropping2D",
    "UpSampling1D",
    "UpSampling2D",
    "ZeroPadding1D",
    "ZeroPadding2D",
]

Pairs = tuple[tuple[int, int], ...]


class UpSampling(Spatial):
    """What UpSampling1D and UpSampling2D are."""

    interpolation = "nearest"
    _factors: tuple[int, ...]

    def _operation(self) -> tuple[Any, ...]:
        return upsample, self._factors, self.interpolation

    def _output_shape(self, shape: Shape) -> Shape:
        cells = sizes_along(
            shape[1:-1],
            lambda sizes: tuple(n * f for n, f in zip(sizes, self._factors, strict=True)),
        )
        return (shape[0], *cells, shape[-1])


class UpSampling1D(UpSampling):
    """Every step ``size`` times, (N, steps, channels) to (N, steps * size, channels).

    Raises:
        TypeError: if ``size`` is no whole number.
        ValueError: if it is below 1.

    """

    rank = 1

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(size, int) or isinstance(size, bool):
            raise TypeError(f"{self}: size must be a whole number, got {size!r}")
        self._factors = self._numbers(size, "size")
        self.size = size

    def get_config(self) -> dict[str, Any]:
        """Return the layer's arguments."""
        config = super().get_config()
        del config["data_format"]
        return {**config, "size": self.size}


class UpSampling2D(UpSampling):
    """Images (N, rows, columns, channels) made larger by whole factors.

    ``interpolation`` is "nearest" (each cell is repeated), "bilinear", "bicubic", "lanczos3" or
    "lanczos5".

    Raises:
        ValueError: if a factor is below 1 or the interpolation unknown.

    """

    rank = 2

    def __init__(
        self,
        size: Any = (2, 2),
        data_format: str | None = None,
        interpolation: str = "nearest",
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.size = self._factors = self._numbers(size, "size")
        self.interpolation = str(interpolation).lower()
        if self.interpolation not in INTERPOLATIONS:
            raise ValueError(
                f"{self}: unknown interpolation {interpolation!r}"
                f"{nearest(self.interpolation, INTERPOLATIONS)}"
            )

    def get_config(self) -> dict[str, Any]:
        """Return the layer's arguments."""
        return {**super().get_config(), "size": self.size, "interpolation": self.interpolation}


class Borders(Spatial):
    """What cropping and padding have: how many cells before and after, for each axis."""

    _amounts: Pairs

    def _read(self, value: Any, name: str) -> Pairs:
        """Return a number, one for each axis, or (before, after) for each axis as pairs."""
        if isinstance(value, int):
            value = (value,) * self.rank
        pairs: list[tuple[int, int]] = []
        if isinstance(value, (tuple, list)) and len(value) == self.rank:
            for each in value:
                both = (each, each) if isinstance(each, int) else tuple(each)
                if len(both) == 2 and all(isinstance(n, int) and n >= 0 for n in both):
                    pairs.append((both[0], both[1]))
        if len(pairs) != self.rank:
            wanted = (
                "a number or (before, after)"
                if self.rank == 1
                else "a number, (rows, columns), or ((top, bottom), (left, right))"
            )
            raise ValueError(f"{self}: {name} must be {wanted}, none negative, got {value!r}")
        return tuple(pairs)


class ZeroPadding(Borders):
    """What ZeroPadding1D and ZeroPadding2D are."""

    padding: Any

    def _operation(self) -> tuple[Any, ...]:
        return pad, ((0, 0), *self._amounts, (0, 0))

    def _output_shape(self, shape: Shape) -> Shape:
        cells = sizes_along(
            shape[1:-1],
            lambda sizes: tuple(n + sum(a) for n, a in zip(sizes, self._amounts, strict=True)),
        )
        return (shape[0], *cells, shape[-1])

    def get_config(self) -> dict[str, Any]:
        """Return the layer's arguments."""
        return {**super().get_config(), "padding": self.padding}


class ZeroPadding1D(ZeroPadding):
    """Zeros before and after a sequence: ``padding`` is a number for both, or (before, after).

    Raises:
        ValueError: if it cannot be meant.

    """

    rank = 1

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self._amounts = self._read(padding if isinstance(padding, int) else (padding,), "padding")
        self.padding = self._amounts[0]


class ZeroPadding2D(ZeroPadding):
    """Zeros around images: a number, (rows, columns), or ((top, bottom), (left, right)).

    Raises:
        ValueError: if ``padding`` cannot be meant.

    """

    rank = 2

    def __init__(
        self, padding: Any = (1, 1), data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.padding = self._amounts = self._read(padding, "padding")


class Cropping(Borders):
    """What Cropping1D and Cropping2D are."""

    cropping: Any

    def _apply(self, inputs: Any) -> Any:
        self._left(inputs.shape[1:-1])
        kept = [
            slice(before, size - after)
            for size, (before, after) in zip(inputs.shape[1:-1], self._amounts, strict=True)
        ]
        return get_item(inputs, (slice(None), *kept))

    def _left(self, sizes: tuple[int, ...]) -> tuple[int, ...]:
        left = tuple(n - sum(a) for n, a in zip(sizes, self._amounts, strict=True))
        if min(left) <= 0:
            raise ValueError(
                f"cropping={self.cropping} leaves nothing of {' x '.join(map(str, sizes))} cells"
            )
        return left

    def _output_shape(self, shape: Shape) -> Shape:
        return (shape[0], *sizes_along(shape[1:-1], self._left), shape[-1])


class Cropping1D(Cropping):
    """A sequence without its first and last steps: a number for both, or (first, last).

    Raises:
        ValueError: if ``cropping`` cannot be meant, or nothing is left.

    """

    rank = 1

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        value = cropping if isinstance(cropping, int) else (cropping,)
        self._amounts = self._read(value, "cropping")
        self.cropping = self._amounts[0]

    def get_config(self) -> dict[str, Any]:
        """Return the layer's arguments."""
        config = super().get_config()
        del config["data_format"]
        return {**config, "cropping": self.cropping}


class Cropping2D(Cropping):
    """Images without their borders: a number, (rows, columns), or ((top, bottom), (left, right)).

    Raises:
        ValueError: if ``cropping`` cannot be meant, or nothing is left.

    """

    rank = 2

    def __init__(
        self, cropping: Any = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.cropping = self._amounts = self._read(cropping, "cropping")

    def get_config(self) -> dict[str, Any]:
        """Return the layer's arguments."""
        return {**super().get_config(), "cropping": self.cropping}
