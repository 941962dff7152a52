"""Lamina: Keras-style networks and gensim-style word vectors at the full speed of a CPU."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from lamina._config import __version__, set_num_threads, show_config

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["__version__", "set_num_threads", "show_config"]

# ``import lamina`` and then ``lamina.models.Word2Vec`` works; what is not used is not imported.
_PARTS = ("models", "saving", "utils", "word2vec")


def __getattr__(name: str) -> ModuleType:
    if name in _PARTS:
        return importlib.import_module(f"lamina.{name}")
    raise AttributeError(f"module 'lamina' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_PARTS})
