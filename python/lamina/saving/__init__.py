"""Files that are whole or not there, and what Keras has under this name.

``load_model``, ``save_model`` and the registration of classes and functions of your own belong to
models and configs: they are imported when they are asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamina._lazy import lazy_names
from lamina.saving.atomic import atomic_write
from lamina.saving.container import read_tensors, write_tensors

if TYPE_CHECKING:
    from lamina.models.files import load_model, save_model
    from lamina.registry import (
        CustomObjectScope,
        custom_object_scope,
        get_custom_objects,
        get_registered_name,
        get_registered_object,
        register_keras_serializable,
    )

_ELSEWHERE = {
    "CustomObjectScope": "registry",
    "custom_object_scope": "registry",
    "get_custom_objects": "registry",
    "get_registered_name": "registry",
    "get_registered_object": "registry",
    "load_model": "models.files",
    "register_keras_serializable": "registry",
    "save_model": "models.files",
}

__all__ = [
    "CustomObjectScope",
    "atomic_write",
    "custom_object_scope",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_model",
    "read_tensors",
    "register_keras_serializable",
    "save_model",
    "write_tensors",
]

__getattr__, __dir__ = lazy_names(__name__, _ELSEWHERE)
