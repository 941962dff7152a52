"""The names that layers get, counted over the whole program, and those of their arguments."""

from __future__ import annotations

import inspect
import re
from typing import Any

from lamina.registry import nearest

_name_counts: dict[str, int] = {}


def unique_name(class_name: str) -> str:
    """Return dense_1, dense_2 ... for the layers of a class, counted over the whole program."""
    base = re.sub(r"([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])", r"\1\3_\2\4", class_name).lower()
    base = re.sub(r"(\d)_d\b", r"\1d", base)  # conv2d, max_pooling2d
    _name_counts[base] = _name_counts.get(base, 0) + 1
    return f"{base}_{_name_counts[base]}"


def reset_names() -> None:
    """Count names from 1 again."""
    _name_counts.clear()


def unexpected_argument(cls: type, name: str, value: Any) -> TypeError:
    """Return the error of an argument that a layer does not take."""
    known = {key for base in cls.__mro__ for key in inspect.signature(base.__init__).parameters}  # type: ignore[misc]
    meant = (
        f": it has none; Activation({value!r}) may be the layer after it"
        if name == "activation"
        else nearest(name, known - {"self", "args", "kwargs"})
    )
    told = f"{cls.__name__}.__init__() got an unexpected keyword argument {name!r}"
    return TypeError(told + meant)
