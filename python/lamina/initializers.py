"""First values of weights: functions of (shape, dtype), by name, by class or your own."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.randomness import generator
from lamina.registry import Registry

_registry = Registry("initializer", "keras.initializers")
get, serialize, deserialize = _registry.get, _registry.serialize, _registry.deserialize


class Initializer:
    """The base of initializers: override ``__call__(shape, dtype)`` and ``get_config``."""

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no __call__(self, shape, dtype)")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same initializer."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Make an initializer of what `get_config` returned."""
        return cls(**config)


@_registry.add("zeros", "zero")
class Zeros(Initializer):
    """All zeros."""

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        return np.zeros(shape, dtype)


@_registry.add("ones", "one")
class Ones(Initializer):
    """All ones."""

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        return np.ones(shape, dtype)


@_registry.add("glorot_uniform")
class GlorotUniform(Initializer):
    """Uniform in [-l, l] with l = sqrt(6 / (fan_in + fan_out)); Glorot and Bengio, 2010."""

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        field = int(np.prod(shape[:-2]))
        fans = (shape[-2] + shape[-1]) * field if len(shape) > 1 else 2 * sum(shape)
        limit = np.sqrt(6 / max(fans, 1))
        return generator().uniform(-limit, limit, shape).astype(dtype)
