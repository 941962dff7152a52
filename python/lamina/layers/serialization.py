"""Layers by name and by config: ``layers.get("Dense")``, `serialize` and `deserialize`."""

from __future__ import annotations

from lamina.registry import Registry

registry = Registry("layer", "keras.layers")
get, serialize, deserialize = registry.get, registry.serialize, registry.deserialize
