"""From raw texts, sequences and pictures to the arrays that networks take."""

from __future__ import annotations

import importlib
from typing import Any

# ``lamina.preprocessing.text.Tokenizer`` works after ``import lamina``.
_PARTS = ("image", "sequence", "text")


def __getattr__(name: str) -> Any:
    if name in _PARTS:
        return importlib.import_module(f"lamina.preprocessing.{name}")
    raise AttributeError(f"module 'lamina.preprocessing' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_PARTS})
