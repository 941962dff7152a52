"""The names that layers get: dense_1, dense_2 ..., counted over the whole program."""

from __future__ import annotations

import re

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
