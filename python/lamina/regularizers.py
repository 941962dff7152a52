"""Penalties on weights or outputs that are added to the loss: functions of a tensor to a scalar."""

from __future__ import annotations

from lamina.registry import Registry

_registry = Registry("regularizer", "keras.regularizers")
get, serialize, deserialize = _registry.get, _registry.serialize, _registry.deserialize
