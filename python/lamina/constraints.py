"""Functions that are applied to a weight after each update, and return what it becomes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.autodiff import as_array
from lamina.registry import Registry

if TYPE_CHECKING:
    from numpy.typing import NDArray

_registry = Registry("constraint", "keras.constraints")
get, serialize, deserialize = _registry.get, _registry.serialize, _registry.deserialize

_EPSILON = 1e-7  # keeps a norm of zero from dividing


class Constraint:
    """The base of constraints: override ``__call__(w)``, which returns an array."""

    def __call__(self, w: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no __call__(self, w)")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same constraint."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Make a constraint of what `get_config` returned."""
        return cls(**config)


@_registry.add("non_neg", "nonneg")
class NonNeg(Constraint):
    """Negative weights become 0."""

    def __call__(self, w: Any) -> Any:
        return np.maximum(as_array(w), 0)


class _Norms(Constraint):
    """What holds norms along an axis: of each unit's weights where the inputs are axis 0."""

    axis: Any

    def _scaled(self, w: NDArray[Any], norms: NDArray[Any], desired: Any) -> NDArray[Any]:
        return np.asarray(w * (desired / (norms + w.dtype.type(_EPSILON))), w.dtype)

    def _norms(self, w: NDArray[Any]) -> NDArray[Any]:
        axis = tuple(self.axis) if isinstance(self.axis, list) else self.axis
        return np.asarray(np.sqrt(np.square(w).sum(axis=axis, keepdims=True)))


@_registry.add("max_norm", "maxnorm")
class MaxNorm(_Norms):
    """Norms along ``axis`` above ``max_value`` are scaled down to it."""

    def __init__(self, max_value: float = 2, axis: Any = 0) -> None:
        self.max_value, self.axis = max_value, axis

    def __call__(self, w: Any) -> Any:
        w = as_array(w)
        norms = self._norms(w)
        return self._scaled(w, norms, np.minimum(norms, self.max_value))

    def get_config(self) -> dict[str, Any]:
        return {"max_value": self.max_value, "axis": self.axis}


@_registry.add("unit_norm", "unitnorm")
class UnitNorm(_Norms):
    """Norms along ``axis`` become 1."""

    def __init__(self, axis: Any = 0) -> None:
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        w = as_array(w)
        return self._scaled(w, self._norms(w), w.dtype.type(1))

    def get_config(self) -> dict[str, Any]:
        return {"axis": self.axis}


@_registry.add("min_max_norm", "minmaxnorm")
class MinMaxNorm(_Norms):
    """Norms along ``axis`` go the share ``rate`` of the way into [min_value, max_value]."""

    def __init__(
        self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Any = 0
    ) -> None:
        self.min_value, self.max_value = min_value, max_value
        self.rate, self.axis = rate, axis

    def __call__(self, w: Any) -> Any:
        w = as_array(w)
        norms = self._norms(w)
        held = np.clip(norms, self.min_value, self.max_value)
        return self._scaled(w, norms, self.rate * held + (1 - self.rate) * norms)

    def get_config(self) -> dict[str, Any]:
        return {
            "min_value": self.min_value,
            "max_value": self.max_value,
            "rate": self.rate,
            "axis": self.axis,
        }


non_neg, max_norm, unit_norm, min_max_norm = NonNeg, MaxNorm, UnitNorm, MinMaxNorm
