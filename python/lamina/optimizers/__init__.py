"""Optimizers, with Keras's names, arguments and formulas; by name, by object, or your own."""

from __future__ import annotations

from typing import Any

from lamina.optimizers import schedules
from lamina.optimizers.optimizer import Optimizer
from lamina.optimizers.rules import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Nadam,
    RMSprop,
)
from lamina.registry import Registry

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]

_registry = Registry("optimizer", "keras.optimizers")
for _kind in (SGD, RMSprop, Adam, AdamW, Adamax, Nadam, Adagrad, Adadelta):
    _registry.add(_kind.__name__.lower())(_kind)
serialize = _registry.serialize


def get(identifier: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Return an optimizer of a name, a class or a config; an optimizer, or None, as it is.

    Raises:
        ValueError: if the name is unknown, with the nearest one.
        TypeError: if it is nothing that can be meant.

    """
    if isinstance(identifier, str) and identifier not in _registry.names():
        identifier = identifier.lower()
    found = _registry.get(identifier, custom_objects)
    if found is not None and not isinstance(found, Optimizer):
        raise TypeError(
            f"optimizer: wanted a name or an object of lamina.optimizers, got {identifier!r} "
            f"({type(identifier).__name__})"
        )
    return found


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Return the optimizer that `serialize` gave a config of."""
    return get(config, custom_objects)
