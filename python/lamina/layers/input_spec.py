"""What a layer wants of its input, checked before anything is computed."""

from __future__ import annotations

from typing import Any

__all__ = ["InputSpec"]


class InputSpec:
    """Conditions on an input's shape: ``ndim``, ``min_ndim``, ``max_ndim``, sizes of ``axes``."""

    def __init__(
        self,
        ndim: int | None = None,
        min_ndim: int | None = None,
        max_ndim: int | None = None,
        axes: dict[int, int | None] | None = None,
    ) -> None:
        self.ndim, self.min_ndim, self.max_ndim = ndim, min_ndim, max_ndim
        self.axes = {axis: size for axis, size in (axes or {}).items() if size is not None}

    def check(self, shape: tuple[int | None, ...], layer: Any) -> None:
        """Raise a ValueError that names the layer if a shape does not fit."""
        ndim = len(shape)
        if self.ndim is not None and ndim != self.ndim:
            self._refuse(layer, shape, f"{self.ndim} dimensions", ndim)
        if self.min_ndim is not None and ndim < self.min_ndim:
            self._refuse(layer, shape, f"at least {self.min_ndim} dimensions", ndim)
        if self.max_ndim is not None and ndim > self.max_ndim:
            self._refuse(layer, shape, f"at most {self.max_ndim} dimensions", ndim)
        for axis, size in self.axes.items():
            if shape[axis] is not None and shape[axis] != size:
                raise ValueError(
                    f"{layer}: got an input of shape {shape}, wanted size {size} in axis {axis}: "
                    f"its weights were made for that size"
                )

    def _refuse(self, layer: Any, shape: Any, wanted: str, ndim: int) -> None:
        low = self.ndim if self.ndim is not None else self.min_ndim
        if low is None or ndim > low:
            cause = "is a Flatten() or a pooling layer missing before it?"
        elif ndim == low - 1:
            cause = "is the axis of channels, or that of samples, missing? x[..., None] adds one"
        else:
            cause = "is the axis of samples missing?"
        raise ValueError(
            f"{layer}: got an input of shape {shape} ({ndim} dimensions), wanted {wanted}: {cause}"
        )
