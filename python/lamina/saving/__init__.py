"""Files that are whole or not there: the native container and atomic writing."""

from __future__ import annotations

from lamina.saving.atomic import atomic_write
from lamina.saving.container import read_tensors, write_tensors

__all__ = ["atomic_write", "read_tensors", "write_tensors"]
