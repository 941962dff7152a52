"""Functions that are applied to a weight after each update."""

from __future__ import annotations

from lamina.registry import Registry

_registry = Registry("constraint", "keras.constraints")
get, serialize, deserialize = _registry.get, _registry.serialize, _registry.deserialize
